from app.db import UserBase


class UsersMethods(UserBase):
    pass
