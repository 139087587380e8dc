"""Wrong uses of generic code; each marked line must be reported."""

from examples.blog.db import Post, User
from ormkit import AsyncSession
from tests.typing.repository_positive import Repository, get_or_404


async def wrong(session: AsyncSession) -> None:
    users = Repository(session, User)
    await users.get("1")  # expect-error
    await users.find(Post.views > 3, order=User.id.asc())  # expect-error
    await users.find(User.age > 3, order=Post.id.asc())  # expect-error
    post: Post = await users.get(1)  # expect-error
    await get_or_404(session, User, "1")  # expect-error
    await get_or_404(session, int, 1)  # expect-error
    print(post)
