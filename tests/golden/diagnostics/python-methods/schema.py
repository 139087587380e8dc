from ormkit_gen.declarative import Base, Mapped, mapped_column


class User(Base):
    __tablename__ = "users"
    __methods__ = "app.users:UserMethods"
    id: Mapped[int] = mapped_column(primary_key=True)


class Post(Base):
    __methods__ = "app.posts"
    id: Mapped[int] = mapped_column(primary_key=True)


class Tag(Base):
    __methods__ = Post
    id: Mapped[int] = mapped_column(primary_key=True)
