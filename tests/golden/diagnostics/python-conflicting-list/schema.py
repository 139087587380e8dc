from ormkit_gen.declarative import Base, ForeignKey, Mapped, mapped_column, relationship


class Author(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author", uselist=False)


class Book(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id", ondelete="CASCADDE"))
    author: Mapped["Author"] = relationship(back_populates="books", foreign_keys=["autor_id"])
