from enum import Enum, auto

from ormkit_gen.declarative import Base, Mapped, mapped_column


class Mood(Enum):
    GOOD = auto()
    BAD = "bad"


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    mood: Mapped[Mood]
