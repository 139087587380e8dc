from ormkit_gen.declarative import Base, Mapped, mapped_column


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)


class Admin(User):
    level: Mapped[int]
