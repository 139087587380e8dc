from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


class User(Base):
    name: Mapped[str]
