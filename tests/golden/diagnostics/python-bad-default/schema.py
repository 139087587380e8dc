from ormkit_gen.declarative import Base, Mapped, mapped_column, relationship


import time


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(default=lambda: time.time())
    on: Mapped[float] = mapped_column(default=len)
    age: Mapped[int] = mapped_column("smallint", default=70000)
