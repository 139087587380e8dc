from ormkit_gen.declarative import Base, Mapped, mapped_column


class Author(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(max_length=100, db_index=True)
