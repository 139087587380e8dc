import ormkit
from app.db import UserBase
from ormkit import validates


class UserMethods(UserBase):
    async def before_insert(self) -> None: ...

    @validates("email")
    async def check_email(self, value: str | None) -> None: ...

    async def send_mail(self) -> None: ...

    @ormkit.validates("name", "e_mail")
    def check_name(self, value: str) -> None: ...
