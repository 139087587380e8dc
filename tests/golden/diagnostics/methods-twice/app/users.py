from app.posts import PostMethods
from app.db import UserBase, WriterBase


class Methods(UserBase, WriterBase):
    pass
