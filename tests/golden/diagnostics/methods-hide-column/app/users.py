from app.db import UserBase


class UserMethods(UserBase):
    email = "none"

    @property
    def name(self) -> str:
        return "Ada"

    if True:

        def posts(self) -> None: ...

    @classmethod
    def __query__(cls) -> None: ...
