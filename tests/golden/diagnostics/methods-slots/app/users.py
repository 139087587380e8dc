from app.db import UserBase

try:

    class UserMethods(UserBase):
        __slots__ = ("cache",)

except ImportError:
    pass
