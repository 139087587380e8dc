from typing import TypedDict

from ormkit_gen.declarative import Base, Mapped, mapped_column


class Settings(TypedDict):
    theme: str


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    settings: Mapped[Settings] = mapped_column("jsonb")
