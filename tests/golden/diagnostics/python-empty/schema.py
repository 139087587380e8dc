from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


class Abstract(Base):
    __abstract__ = True
