from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    boss_id: Mapped[int] = mapped_column(foreign_key="bosses.id")
