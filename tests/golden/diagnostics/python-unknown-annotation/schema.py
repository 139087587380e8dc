from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


class Money: ...


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[Money]
    both: Mapped[int | str]
