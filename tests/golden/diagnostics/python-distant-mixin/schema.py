from ormkit_gen.declarative import Base, Mapped, mapped_column
from owned import Owned


class User(Owned, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
