from ormkit_gen.declarative import Base, Mapped, mapped_column


class Author(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    class Meta:
        table = "writers"

    def greeting(self) -> str:
        return f"Hello {self.name}"


class Editor(Base):
    tablename = "editors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @property
    def initial(self) -> str:
        return self.name[0]

    def greeting(self) -> str:
        return f"Hello {self.name}"
