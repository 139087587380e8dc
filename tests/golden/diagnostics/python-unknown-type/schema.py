from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("varchr(3)")
