from ormkit_gen.declarative import Base, Mapped, mapped_column


class Codec:
    """Generated code cannot import it from here."""


class Place(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    spot: Mapped[str] = mapped_column("point", codec=Codec)
    name: Mapped[str] = mapped_column("text", codec="textwrap:wrap")
