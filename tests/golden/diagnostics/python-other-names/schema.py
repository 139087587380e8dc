from ormkit_gen.declarative import Base, Mapped, String, mapped_column


class Author(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
