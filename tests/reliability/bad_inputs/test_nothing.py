"""Empty lists, nothing in the place of a value, and kindred types: what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from examples.blog.db import Post, Tag, User
from ormkit import AsyncSession
from tests.reliability.bad_inputs.cases import Lab, outcome


def nothing(*_: object) -> Any:
    """Return a generator of nothing."""
    return (each for each in ())


#: What each call returns, by the names of users where it returns users.
TAKEN: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda lab: lab.session.insert_all([]), []),
    (lambda lab: lab.session.insert_all(nothing()), []),
    (lambda lab: lab.session.insert_all({}), []),
    (lambda lab: lab.session.bulk_update([]), []),
    (lambda lab: lab.session.bulk_update(nothing(), ["nonsense"]), []),
    (lambda lab: lab.session.upsert_all([]), []),
    (lambda lab: lab.session.upsert_all([], conflict_target=["nonsense"]), []),
    (lambda lab: lab.session.load([], User.posts), None),
    (lambda lab: lab.session.load(nothing(), "nonsense"), None),
    (lambda lab: lab.session.load(lab.ada), None),
    (lambda lab: lab.session.load(lab.gone, User.posts), None),
    (lambda lab: lab.session.copy_in(Tag, []), 0),
    (lambda lab: lab.session.copy_in("tags", nothing(), columns=["name"]), 0),
    (lambda lab: lab.session.related(lab.post, Post.tags).add(), 0),
    (lambda lab: lab.session.related(lab.post, Post.tags).remove(), 0),
    (lambda lab: lab.session.related(lab.post, Post.tags).add(lab.tag, lab.tag), 0),
    (lambda lab: lab.session.related(lab.post, Post.tags).set([lab.tag, lab.tag]), (0, 0)),
    (lambda lab: lab.session.get(User, 10**9), None),
    (lambda lab: lab.session.get(User, True), "Ada"),
    (lambda lab: lab.session.get(lab.ada, lab.ada.id), "Ada"),
    (lambda lab: lab.users.filter(age__in=[]), []),
    (lambda lab: lab.users.filter(age__notin=[]).order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.exclude(age__in=[]).order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.filter(age=None), ["Grace"]),
    (lambda lab: lab.users.filter(age__ne=None), ["Ada"]),
    (lambda lab: lab.users.filter(age__in={36: "a dict is its keys"}), ["Ada"]),
    (lambda lab: lab.users.filter(age__in=range(40)), ["Ada"]),
    (lambda lab: lab.users.filter(age__in={36, 37}), ["Ada"]),
    (lambda lab: lab.users.filter(age__between=(40, 30)), []),
    (lambda lab: lab.users.filter(settings__has_keys=[]).order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.filter(settings__has_any_key=[]), []),
    (lambda lab: lab.users.filter().order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.exclude().order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.limit(0), []),
    (lambda lab: lab.users.offset(2**62), []),
    (lambda lab: lab.users.order_by("id").limit(2**63 - 1), ["Ada", "Grace"]),
    (lambda lab: lab.users.after(None).order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.options().order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.annotate().order_by("id"), ["Ada", "Grace"]),
    (lambda lab: lab.users.filter(id=-1).update(age=1), 0),
    (lambda lab: lab.users.filter(id=-1).delete(), 0),
    (lambda lab: lab.users.filter(id=-1).sum(User.age), None),
    (lambda lab: lab.users.filter(id=-1).max(User.age), None),
    (lambda lab: lab.users.filter(id=-1).first(), None),
    (lambda lab: lab.users.filter(id=-1).stream(), []),
    (lambda lab: lab.users.filter(id=-1).iterate(), []),
    (lambda lab: lab.closed.engine.close(), None),
]
#: The same for raw SQL, by how many rows it tells of.
STATEMENTS: list[tuple[Callable[[Any], Any], int]] = [
    (lambda lab: lab.engine.execute(""), 0),
    (lambda lab: lab.engine.execute(";"), 0),
    (lambda lab: lab.engine.execute("-- nothing"), 0),
    (lambda lab: lab.engine.execute("SELECT $1::integer WHERE $1 IS NOT NULL", [None]), 0),
    (lambda lab: lab.engine.execute("SELECT $1::integer", (True,)), 1),
    (lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", []), 0),
    (lambda lab: lab.session.execute_raw_many("DELETE FROM tags WHERE id = $1", nothing()), 0),
]


def named(found: Any) -> Any:
    """Return users by their names, in lists too."""
    if isinstance(found, list):
        return list(map(named, found))
    return getattr(found, "name", found)


@pytest.mark.parametrize("number", range(len(TAKEN)))
async def test_what_is_nothing_does_nothing(lab: Lab, number: int) -> None:
    call, expected = TAKEN[number]
    assert named(await outcome(call(lab))) == expected


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
async def test_a_statement_of_nothing_does_nothing(lab: Lab, number: int) -> None:
    call, expected = STATEMENTS[number]
    assert (await call(lab)).rowcount == expected


async def test_reading_a_result_without_rows_is_no_error(lab: Lab) -> None:
    result = await lab.engine.execute("SELECT 1 AS one WHERE false")
    assert (result.all(), result.tuples(), result.column("one")) == ([], [], [])
    assert (result.first(), result.scalar(), result.columns) == (None, None, ())


async def test_an_object_of_another_engine_is_written_by_its_key(lab: Lab) -> None:
    async with lab.session.begin() as tx:
        ada = await lab.other.get(User, lab.ada.id)
        assert ada is not None
        await tx.update(ada, status="written")
        assert await tx.query(User).filter(id=ada.id).scalars(User.status) == ["written"]
        await tx.rollback()


async def test_an_object_in_two_transactions_is_written_by_the_one_that_read_it(lab: Lab) -> None:
    async with lab.session.begin() as tx, lab.other.begin() as beside:
        ada = await tx.get(User, lab.ada.id)
        assert ada is not None
        ada.status = "changed"
        assert await beside.query(User).filter(id=ada.id).scalars(User.status) == ["active"]
        await tx.rollback()


async def test_a_session_is_no_other_sessions_transaction(lab: Lab) -> None:
    beside = AsyncSession(lab.engine)
    async with lab.session.begin() as tx:
        await tx.insert(Tag(name="unseen"))
        assert await beside.query(Tag).filter(name="unseen").count() == 0
        await tx.rollback()
