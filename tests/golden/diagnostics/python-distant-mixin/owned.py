from ormkit_gen.declarative import Mapped


class Owned:
    owner: Mapped[str]
