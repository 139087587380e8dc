from ormkit_gen.declarative import Base, Mapped, mapped_column


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name = mapped_column("text")
