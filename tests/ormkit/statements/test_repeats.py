"""Loops of statements are named with their line and their cure, and nothing else is."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any

import pytest

from examples.blog.db import Comment, Post, Tag, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    Q,
    RepeatedStatement,
    SerializationFailure,
    UsageError,
    allow_repeats,
    capture_statements,
    detect_repeats,
    func,
    query_budget,
    selectinload,
    session_context,
)
from ormkit.statements.repeats import forget_allowances, unused_allowances

Work = Callable[[AsyncSession, list[User]], Awaitable[Any]]


@pytest.fixture
async def users(session: AsyncSession) -> list[User]:
    users = await session.insert_all([User(name=f"user {n}") for n in range(6)])
    await session.insert_all([Post(author_id=user.id, title="t") for user in users])
    return users


async def posts_of(session: AsyncSession, user: User) -> list[Post]:
    return await session.query(Post).filter(author_id=user.id).all()


async def get_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.get(User, user.id)


async def filter_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id).all()


async def by_helper(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await posts_of(session, user)


async def load_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.load([user], User.posts)


async def count_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id).count()


async def ask_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id).exists()


async def sum_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id).sum(Post.views)


async def name_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(User).filter(name=user.name).first()


async def update_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.update(user, age=3)


async def insert_each(session: AsyncSession, users: list[User]) -> None:
    for _ in users:
        await session.insert(User(name="new"))


async def remove_each(session: AsyncSession, users: list[User]) -> None:
    await session.query(Post).delete()
    for user in users:
        await session.remove(user)


async def delete_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id).delete()


async def select_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.execute_raw("SELECT name FROM users WHERE id = $1", [user.id])


async def gather_queries(session: AsyncSession, users: list[User]) -> None:
    await asyncio.gather(*[session.query(Post).filter(author_id=user.id).all() for user in users])


async def read_the_same(session: AsyncSession, users: list[User]) -> None:
    for _ in users:
        await session.get(User, users[0].id)


async def in_a_transaction(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for user in users:
            await tx.query(Comment).filter(post_id=user.id).all()


async def cure_get(session: AsyncSession, users: list[User]) -> None:
    found = await session.query(User).filter(id__in=[user.id for user in users]).all()
    assert len(found) == len(users)


async def cure_posts(session: AsyncSession, users: list[User]) -> None:
    found = await session.query(User).options(selectinload("posts")).all()
    assert [len(user.posts) for user in found] == [1] * len(users)


async def cure_load(session: AsyncSession, users: list[User]) -> None:
    await session.load([*users], User.posts)


async def cure_count(session: AsyncSession, users: list[User]) -> None:
    found = await session.query(User).with_values(User.posts.count())
    assert [count for _, count in found] == [1] * len(users)


async def cure_exists(session: AsyncSession, users: list[User]) -> None:
    assert len(await session.query(User).filter(User.posts.any()).all()) == len(users)


async def cure_sum(session: AsyncSession, users: list[User]) -> None:
    await session.query(User).with_values(User.posts.value(func.sum(Post.views)))


async def cure_names(session: AsyncSession, users: list[User]) -> None:
    await session.query(User).filter(name__in=[user.name for user in users]).all()


async def cure_update(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        user.age = 3
    await session.bulk_update([*users], ["age"])


async def cure_insert(session: AsyncSession, users: list[User]) -> None:
    await session.insert_all([User(name="new") for _ in users])


async def cure_remove(session: AsyncSession, users: list[User]) -> None:
    await session.query(Post).delete()
    await session.remove_all([*users])


async def cure_delete(session: AsyncSession, users: list[User]) -> None:
    await session.query(Post).filter(author_id__in=[user.id for user in users]).delete()


async def cure_raw(session: AsyncSession, users: list[User]) -> None:
    sql = "SELECT name FROM users WHERE id = ANY($1)"
    await session.execute_raw(sql, [[user.id for user in users]])


async def cure_same(session: AsyncSession, users: list[User]) -> None:
    await session.get(User, users[0].id)


async def cure_comments(session: AsyncSession, users: list[User]) -> None:
    await session.query(Post).options(selectinload("comments")).all()


async def comprehend(session: AsyncSession, users: list[User]) -> None:
    found = {user.id: await posts_of_(session, user) for user in users}
    assert len(found) == len(users)


async def posts_of_(session: AsyncSession, user: User) -> list[Post]:
    return await posts_of(session, user)


async def beside_a_stream(session: AsyncSession, users: list[User]) -> None:
    async for user in session.query(User).stream():
        await session.query(Post).filter(author_id=user.id).first()


async def newest_of_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        posts = session.query(Post).filter(status="draft", author_id=user.id)
        await posts.order_by("-views", "id").limit(3).all()


async def iterate_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        async for _ in session.query(Post).filter(author_id=user.id).iterate():
            pass


async def flush_each(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for user in users:
            tx.add(Post(author_id=user.id, title="new"))
            await tx.flush()


async def lock_each(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        async with session.begin() as tx:
            await tx.query(User).filter(id=user.id).for_update().all()


async def write_values_in_texts(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.execute_raw(f"SELECT name FROM users WHERE id = {user.id}")


async def ask_by_name(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(User).filter(role="member", name=user.name).count()


async def delete_by_two(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.query(Post).filter(author_id=user.id, views=user.id).delete()


async def tags_of_each(session: AsyncSession, users: list[User]) -> None:
    for post in await session.query(Post).all():
        await session.query(Tag).filter(Tag.posts.any(Post.id == post.id)).all()


async def from_a_thread(session: AsyncSession, users: list[User]) -> None:
    loop = asyncio.get_running_loop()

    def work() -> None:
        for user in users:
            found = session.query(Post).filter(author_id=user.id).all()
            asyncio.run_coroutine_threadsafe(found, loop).result()

    await asyncio.to_thread(work)


async def cure_newest(session: AsyncSession, users: list[User]) -> None:
    posts = selectinload(User.posts).filter(status="draft").order_by("-views", "id").limit(3)
    found = await session.query(User).options(posts).all()
    assert [len(user.posts) for user in found] == [1] * len(users)


async def cure_flush(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for user in users:
            tx.add(Post(author_id=user.id, title="new"))
        await tx.flush()


async def cure_lock(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        ids = [user.id for user in users]
        assert len(await tx.query(User).filter(id__in=ids).for_update().all()) == len(users)


async def cure_ask(session: AsyncSession, users: list[User]) -> None:
    asked = session.query(User).filter(name__in=[user.name for user in users], role="member")
    found = await asked.group_by("name").annotate(n=func.count()).values()
    assert [each["n"] for each in found] == [1] * len(users)


async def cure_delete_by_two(session: AsyncSession, users: list[User]) -> None:
    first, second = [Q(author_id=user.id, views=user.id) for user in users[:2]]
    await session.query(Post).filter(first | second).delete()


async def cure_tags(session: AsyncSession, users: list[User]) -> None:
    await session.query(Post).options(selectinload("tags")).all()


POSTS = 'load them with their parents: session.query(User).options(selectinload("posts")).all()'
NEWEST = (
    "load them with their parents: session.query(User).options(selectinload(User.posts).{}).all()"
)
#: A loop, the name of what it repeats, the exact text of the cure, and the cure as code.
LOOPS: dict[str, tuple[Work, str, str, Work]] = {
    "get": (
        get_each,
        "User.get",
        "read all rows by one query: session.query(User).filter(id__in=[...]).all()",
        cure_get,
    ),
    "filter by a foreign key": (filter_each, "Post.filter(author_id).all", POSTS, cure_posts),
    "in a helper": (by_helper, "Post.filter(author_id).all", POSTS, cure_posts),
    "load": (
        load_each,
        "User.posts.load",
        "load all objects by one call: session.load([...], User.posts)",
        cure_load,
    ),
    "count": (
        count_each,
        "Post.filter(author_id).count",
        "count them in the query of their parents: "
        "session.query(User).with_values(User.posts.count())",
        cure_count,
    ),
    "exists": (
        ask_each,
        "Post.filter(author_id).exists",
        "ask in the query of their parents: session.query(User).filter(User.posts.any())",
        cure_exists,
    ),
    "sum": (
        sum_each,
        "Post.filter(author_id).sum",
        "compute it in the query of their parents: "
        "session.query(User).with_values(User.posts.value(func.sum(...)))",
        cure_sum,
    ),
    "filter by another column": (
        name_each,
        "User.filter(name).order_by(id).limit().all",
        "read all rows by one query: session.query(User).filter(name__in=[...]).all()",
        cure_names,
    ),
    "update": (
        update_each,
        "User.update",
        "write all objects by one statement: session.bulk_update([...], [...])",
        cure_update,
    ),
    "insert": (
        insert_each,
        "User.insert",
        "write all objects by one statement: session.insert_all([...])",
        cure_insert,
    ),
    "remove": (
        remove_each,
        "User.remove",
        "write all objects by one statement: session.remove_all([...])",
        cure_remove,
    ),
    "delete": (
        delete_each,
        "Post.filter(author_id).delete",
        "change all rows by one statement: "
        "session.query(Post).filter(author_id__in=[...]).delete()",
        cure_delete,
    ),
    "raw": (
        select_each,
        "raw",
        "send it once for all values: `= ANY($1)` with a list in place of `= $1`, or "
        "execute_many() for a change",
        cure_raw,
    ),
    "gathered": (gather_queries, "Post.filter(author_id).all", POSTS, cure_posts),
    "the same row": (
        read_the_same,
        "User.get",
        "the values are the same each time: read the row once, and pass the result on",
        cure_same,
    ),
    "in a transaction": (
        in_a_transaction,
        "Comment.filter(post_id).all",
        "load them with their parents: "
        'session.query(Post).options(selectinload("comments")).all()',
        cure_comments,
    ),
    "in a comprehension, two helpers away": (
        comprehend,
        "Post.filter(author_id).all",
        POSTS,
        cure_posts,
    ),
    "beside a stream": (
        beside_a_stream,
        "Post.filter(author_id).order_by(id).limit().all",
        NEWEST.format('order_by("id").limit(...)'),
        cure_newest,
    ),
    "some of each": (
        newest_of_each,
        "Post.filter(status, author_id).order_by(-views, id).limit().all",
        NEWEST.format('filter(status=...).order_by("-views", "id").limit(...)'),
        cure_newest,
    ),
    "pages of each": (
        iterate_each,
        "Post.filter(author_id).order_by(id).limit().all",
        POSTS,
        cure_posts,
    ),
    "flush": (
        flush_each,
        "Post.insert",
        "call flush() once, after the loop: it writes all objects of a model by one statement, as "
        "the end of the transaction does",
        cure_flush,
    ),
    "lock": (
        lock_each,
        "User.filter(id).for_update().all",
        "read all rows by one query: session.query(User).filter(id__in=[...]).for_update().all()",
        cure_lock,
    ),
    "values in the text": (
        write_values_in_texts,
        "raw",
        "the values stand in the text: pass them as parameters, and send it once for all, with "
        "`= ANY($1)` and a list, or by execute_many() for a change",
        cure_raw,
    ),
    "count by another column": (
        ask_by_name,
        "User.filter(role, name).count",
        "count them in one query: session.query(User).filter(name__in=[...], role=...)"
        '.group_by("name").annotate(n=func.count()).values()',
        cure_ask,
    ),
    "delete by two columns": (
        delete_by_two,
        "Post.filter(author_id, views).delete",
        "change all rows by one statement: session.query(Post).filter(Q(author_id=..., views=...)"
        " | Q(author_id=..., views=...) | ...).delete()",
        cure_delete_by_two,
    ),
    "many-to-many": (
        tags_of_each,
        "Tag.filter(posts.any(id)).all",
        'load them with their parents: session.query(Post).options(selectinload("tags")).all()',
        cure_tags,
    ),
    "from a thread": (from_a_thread, "Post.filter(author_id).all", POSTS, cure_posts),
}


#: The functions whose lines are named, where that is another one than the loop's.
FUNCTIONS = {
    "in a helper": "posts_of",
    "in a comprehension, two helpers away": "posts_of",
    "from a thread": "from_a_thread.<locals>.work",
}


@pytest.mark.parametrize("name", LOOPS)
async def test_a_loop_is_named_with_its_line_and_its_cure(
    name: str, session: AsyncSession, users: list[User]
) -> None:
    work, repeated, cure, _ = LOOPS[name]
    with pytest.raises(RepeatedStatement) as raised, detect_repeats(session.engine, action="raise"):
        await work(session, users)
    said, _, advice = str(raised.value).partition(": ")
    assert advice == cure
    assert said.startswith(f"{repeated} was sent 6 times ")
    if name == "gathered":
        assert "gathered or started elsewhere, so that no line is known" in said
    else:
        function = FUNCTIONS.get(name, work.__name__)
        assert re.search(rf"from {re.escape(__file__)}:\d+ in {re.escape(function)}$", said)


@pytest.mark.parametrize("name", LOOPS)
async def test_the_cure_sends_three_statements_at_most(
    name: str, session: AsyncSession, users: list[User]
) -> None:
    with detect_repeats(session.engine, action="raise"), query_budget(session.engine, 3):
        await LOOPS[name][3](session, users)


async def four_times(session: AsyncSession, users: list[User]) -> None:
    for user in users[:4]:
        await session.get(User, user.id)


async def gather_gets(session: AsyncSession, users: list[User]) -> None:
    await asyncio.gather(*[session.get(User, user.id) for user in users])


async def iterate(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User).options(selectinload("posts"))
    assert len([user async for user in query.iterate(chunk=1)]) == len(users)


async def stream(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User).options(selectinload("posts"))
    assert len([user async for user in query.stream(batch_size=1)]) == len(users)


async def eager(session: AsyncSession, users: list[User]) -> None:
    for _ in users[:4]:
        await session.query(User).options(selectinload("posts")).all()


async def execute_many(session: AsyncSession, users: list[User]) -> None:
    await session.engine.execute_many(
        "UPDATE users SET age = 3 WHERE id = $1", [[user.id] for user in users]
    )


async def write_back(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for place, user in enumerate(await tx.query(User).all()):
            user.age = place
        await tx.flush()
        for user in await tx.query(User).all():
            user.bio = f"{user.age}"


async def add(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for _ in users:
            tx.add(Tag(name=f"tag {_.id}"))


async def savepoints(session: AsyncSession, users: list[User]) -> None:
    async with session.begin() as tx:
        for _ in users:
            async with tx.begin():
                pass


async def different_lines(session: AsyncSession, users: list[User]) -> None:
    a, b, c, d, e, _ = users
    await session.get(User, a.id)
    await session.get(User, b.id)
    await session.get(User, c.id)
    await session.get(User, d.id)
    await session.get(User, e.id)


async def different_shapes(session: AsyncSession, users: list[User]) -> None:
    for column in ("name", "age", "email", "bio", "status", "id"):
        await session.query(User).order_by(column).all()


async def requests(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        async with session_context(session.engine) as own:
            await own.get(User, user.id)


async def retried(session: AsyncSession, users: list[User]) -> None:
    tries = 0

    async def work(tx: Any) -> None:
        nonlocal tries
        tries += 1
        await tx.get(User, users[0].id)
        if tries < 6:
            await tx.execute_raw("DO $$ BEGIN RAISE serialization_failure; END $$")

    await session.run(work, retries=6)


async def take_in_turn(session: AsyncSession, users: list[User]) -> None:
    for _ in users:
        async with session.begin() as tx:
            await tx.query(User).limit(1).for_update(skip_locked=True).all()


async def allowed(session: AsyncSession, users: list[User]) -> None:
    with allow_repeats("one for each tenant", at_most=6):
        await get_each(session, users)


async def few_values(session: AsyncSession, users: list[User]) -> None:
    for user in (*users[:3], *users[:3]):
        await session.get(User, user.id)


async def page_by_key(session: AsyncSession, users: list[User]) -> None:
    last = 0
    posts = session.query(User).filter(role="member").order_by("id").limit(1)
    while found := await posts.filter(id__gt=last).all():
        last = found[-1].id


async def page_by_offset(session: AsyncSession, users: list[User]) -> None:
    for offset in range(6):
        chunk = await session.query(User).order_by("id").limit(2).offset(offset).all()
        await session.load(chunk, User.posts)
        sql = "SELECT * FROM posts WHERE id > $1 ORDER BY id LIMIT 2"
        await session.execute_raw(sql, [offset])


async def page_by_cursor(session: AsyncSession, users: list[User]) -> None:
    query = session.query(User).order_by("name", "-id").limit(1)
    page = await query.page()
    while page.next is not None:
        page = await query.page(page.next)


async def in_batches(session: AsyncSession, users: list[User]) -> None:
    for start in range(6):
        ids = [start, start + 1]
        await session.query(Post).filter(author_id__in=ids).all()
        await session.query(Comment).filter(post_id__in=ids).delete()
        await session.execute_raw("SELECT * FROM posts WHERE author_id = ANY($1)", [ids])
        await session.insert_all([Tag(name=f"{start} {n}") for n in ids])
        sql = "DELETE FROM comments WHERE id IN (SELECT id FROM comments LIMIT 10)"
        await session.execute_raw(sql)


async def work_on_a_queue(session: AsyncSession, users: list[User]) -> None:
    for _ in users:
        async with session.begin() as tx:
            waiting = tx.query(User).filter(age__isnull=True).order_by("id").limit(1)
            user = await waiting.for_update(skip_locked=True).one()
            await tx.query(Post).filter(author_id=user.id).all()
            await tx.update(user, age=1)


async def wait_for_a_change(session: AsyncSession, users: list[User]) -> None:
    for _ in users:
        await session.query(User).filter(name="nobody").exists()
        await asyncio.sleep(0.003)


async def note_progress(session: AsyncSession, users: list[User]) -> None:
    for done in range(6):
        await session.update(users[0], age=done)
        await session.query(User).filter(id=users[0].id).update(age=done)


async def try_again_by_hand(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        with pytest.raises(SerializationFailure):
            async with session.begin() as tx:
                await tx.get(User, user.id)
                await tx.execute_raw("DO $$ BEGIN RAISE serialization_failure; END $$")


async def run_with_other_values(session: AsyncSession, users: list[User]) -> None:
    tries = 0

    async def work(tx: Any) -> None:
        nonlocal tries
        tries += 1
        await tx.query(Post).filter(author_id=tries).all()
        if tries < 6:
            await tx.execute_raw("DO $$ BEGIN RAISE serialization_failure; END $$")

    await session.run(work, retries=6)


async def lock_and_set(session: AsyncSession, users: list[User]) -> None:
    for user in users:
        await session.execute_raw("SELECT pg_advisory_lock(1)")
        await session.execute_raw(f"SET application_name = 'user {user.id}'")


NO_LOOPS: list[Work] = [
    *(four_times, gather_gets, iterate, stream, eager, execute_many, add, savepoints),
    *(different_lines, different_shapes, requests, retried, take_in_turn, allowed, few_values),
    *(write_back, page_by_key, page_by_offset, page_by_cursor, in_batches, work_on_a_queue),
    *(wait_for_a_change, note_progress, try_again_by_hand, run_with_other_values, lock_and_set),
]


@pytest.mark.parametrize("work", NO_LOOPS, ids=lambda work: work.__name__)
async def test_what_is_no_loop_of_statements_is_not_reported(
    work: Work, session: AsyncSession, users: list[User]
) -> None:
    with detect_repeats(session.engine, action="raise"):
        await work(session, users)


async def test_repeats_are_logged_at_the_end_of_a_request(
    session: AsyncSession, users: list[User], caplog: pytest.LogCaptureFixture
) -> None:
    detecting = detect_repeats(session.engine)
    async with session_context(session.engine) as own:
        await get_each(own, users)
    # What is in no block is not judged: a process sends statements again and again.
    await get_each(session, users)
    detecting.close()
    (record,) = [each for each in caplog.records if each.name == "ormkit.repeats"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("User.get was sent 6 times from ")
    assert record.__dict__["code.function.name"] == "get_each"


async def test_a_block_that_ended_in_another_context_hides_nothing(
    session: AsyncSession, users: list[User]
) -> None:
    """As the budget of an async fixture does, whose value the context of the tests keeps."""
    budget = query_budget(session.engine, 0)
    budget.__enter__()
    copy_context().run(budget.__exit__, None, None, None)
    with pytest.raises(RepeatedStatement), detect_repeats(session.engine, action="raise"):
        await get_each(session, users)


async def test_a_failing_block_keeps_its_error(session: AsyncSession, users: list[User]) -> None:
    with pytest.raises(KeyError), detect_repeats(session.engine, action="raise"):
        await get_each(session, users)
        raise KeyError


async def test_an_allowance_has_a_limit_and_is_listed_where_nothing_needed_it(
    session: AsyncSession, users: list[User]
) -> None:
    forget_allowances()
    too_many = pytest.raises(RepeatedStatement, match=r"\(allowed 5 times: tenants\)")
    with too_many, detect_repeats(session.engine, action="raise"):
        with allow_repeats("tenants", at_most=5):
            await get_each(session, users)
        with allow_repeats("nothing is repeated here"):
            await session.query(User).count()
    assert [each.partition(": ")[2] for each in unused_allowances()] == ["nothing is repeated here"]
    forget_allowances()


async def test_a_budget_names_each_statement_and_its_line(
    engine: Engine, session: AsyncSession, users: list[User]
) -> None:
    async with query_budget(engine, 2) as sent:
        await session.query(User).options(selectinload("posts")).all()
    assert [event.name for event in sent] == ["User.all", "User.posts.load"]
    with pytest.raises(Exception, match="6 statements were sent, and the budget is at most 2") as r:
        async with query_budget(engine, 2):
            await get_each(session, users)
    assert re.search(r"\n  6 x User\.get from .*test_repeats\.py:\d+ in get_each$", str(r.value))
    with pytest.raises(Exception, match="1 statement was sent, and the budget is exactly 2"):
        async with query_budget(engine, 2, exact=True):
            await session.query(User).count()


async def test_a_budget_counts_the_statements_of_its_own_block(
    engine: Engine, session: AsyncSession, users: list[User]
) -> None:
    is_open, is_done = asyncio.Event(), asyncio.Event()

    async def other() -> None:
        await is_open.wait()
        await get_each(session, users)
        is_done.set()

    task = asyncio.create_task(other())
    async with query_budget(engine, 2, exact=True):
        is_open.set()
        await is_done.wait()
        await session.query(User).count()
        await asyncio.create_task(session.query(Post).count())
    await task


async def test_a_request_may_have_a_budget(engine: Engine, users: list[User]) -> None:
    with pytest.raises(Exception, match="6 statements were sent, and the budget is at most 5"):
        async with session_context(engine, budget=5) as session:
            await get_each(session, users)


async def test_nothing_listens_after_the_blocks(engine: Engine, session: AsyncSession) -> None:
    with detect_repeats(engine):
        async with query_budget(engine, 3):
            await session.query(User).count()
    assert not engine.pool.listeners
    with capture_statements(engine) as captured:
        await session.query(User).count()
    assert len(captured) == 1


async def test_wrong_arguments_are_named(engine: Engine, session: AsyncSession) -> None:
    wrong: Any = session
    with pytest.raises(UsageError, match=r"detect_repeats\(\) takes an engine, not AsyncSession"):
        detect_repeats(wrong)
    with pytest.raises(UsageError, match=r"query_budget\(\) takes an engine, not AsyncSession"):
        query_budget(wrong, 3)
    with pytest.raises(ConfigurationError, match="threshold=0: give a whole number, at least 1"):
        detect_repeats(engine, threshold=0)
    action: Any = "warn"
    with pytest.raises(ConfigurationError, match="action='warn': give"):
        detect_repeats(engine, action=action)
    with pytest.raises(ConfigurationError, match="a budget of -1 statements"):
        query_budget(engine, -1)
    with pytest.raises(UsageError, match=r"allow_repeats\(\) takes the reason"), allow_repeats(""):
        pass
