"""Trees of conditions and expressions of any height: no recursion, and linear time."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from functools import reduce
from types import FrameType
from typing import Any, cast

import pytest

from examples.blog.db import Post, User
from examples.blog.db.user import UserQuery
from ormkit import AsyncSession, Q, StatementError, UsageError, case, exists, func
from ormkit.models.table import resolved
from ormkit.sql.context import Scope
from tests.lengths import IS_NIGHTLY

pytestmark = pytest.mark.slow

#: Far more than the stack that the tests leave, and ten times as many at night.
TALL = 6_000 if IS_NIGHTLY else 600
#: More than the stack of the server takes.
DEEP = 1_500
#: The same of subqueries, which take the server square time.
NESTED = 1_000


def joined(count: int) -> Any:
    return reduce(operator.or_, [User.age == n for n in range(count)])


def added(count: int) -> Any:
    return reduce(operator.add, range(count), User.age) > 0


def negated(count: int) -> Any:
    condition = User.age == 3
    for _ in range(count):
        condition = ~condition
    return condition


def called(count: int) -> Any:
    text: Any = User.name
    for _ in range(count):
        text = func.lower(text)
    return text == "ada"


def greatest(count: int) -> Any:
    number: Any = User.age
    for n in range(count):
        number = func.greatest(number, n)
    return number == 3


def chosen(count: int) -> Any:
    value: Any = User.age
    for n in range(count):
        value = case((User.age == n, n), else_=value)
    return value == 3


def concatenated(count: int) -> Any:
    return reduce(operator.add, ["x"] * count, User.name) == "x"


def stepped(count: int) -> Any:
    path: Any = User.settings
    for n in range(count):
        path = path[f"k{n}"]
    return path == 3


def nested(count: int) -> Any:
    condition: Any = User.age == 3
    for _ in range(count // 2):
        condition = User.posts.any(Post.author.has(condition))
    return condition


def valued(count: int) -> Any:
    value: Any = User.age
    for _ in range(count // 2):
        value = User.posts.value(func.max(Post.author.value(value)))
    return value == 3


def mixed(count: int) -> Any:
    condition: Any = User.age == 3
    for n in range(count):
        condition = (condition & (User.age == n)) if n % 2 else ((User.name == "x") | condition)
    return condition


def keyworded(count: int) -> Any:
    return reduce(operator.or_, [Q(age=n) for n in range(count)])


def wrapped(count: int) -> Any:
    condition: Any = Q(age=3)
    for n in range(count):
        condition = Q(~condition, name="x") if n % 2 else Q(posts__title="x") & condition
    return condition


def far(count: int) -> Any:
    return Q(**{"posts__author__" * (count // 40) + "name": "x"})


def users() -> UserQuery:
    """A query that is only written, never run."""
    return UserQuery(User, cast("Any", None))


def in_queries(count: int) -> Any:
    condition: Any = User.age == 3
    for n in range(count // 2):
        inner = users().filter(condition, User.age != n)
        condition = User.id.in_(inner.subquery(User.id)) if n % 2 else exists(inner)
    return condition


def subselected(count: int) -> Any:
    value: Any = User.age
    for n in range(count // 2):
        value = users().filter(User.age != n).order_by(User.age + n).subquery(value)
    return value == 3


KINDS: list[Callable[[int], Any]] = [
    *(joined, added, negated, called, greatest, chosen, concatenated, stepped, nested, valued),
    *(mixed, keyworded, wrapped, far, in_queries, subselected),
]


def parts_of(condition: Any) -> tuple[int, int, int]:
    """Return the hash of the key, how many values there are, and the length of the text."""
    (meant,) = resolved(User.__table__, (condition,))
    return hash(meant.key), len(meant.values), len(meant.sql(Scope(User.__table__)))


@pytest.fixture
def any_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit to the parameters, which is not what is tested here."""
    monkeypatch.setattr("ormkit.sql.context.MAX_PARAMETERS", 10**9)


@pytest.mark.one_interpreter
@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_tall_tree_is_walked_without_recursion(
    kind: Callable[[int], Any], any_count: None
) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(180)
    try:
        one, other = kind(TALL), kind(TALL)
        assert parts_of(one) == parts_of(other)
        pair = [resolved(User.__table__, (each,))[0] for each in (one, other)]
        assert pair[0].key == pair[1].key
        assert pair[0].values == pair[1].values
        assert parts_of(kind(TALL)) != parts_of(kind(TALL - 40))
        assert repr(one).startswith("<")
        del one, other, pair
    finally:
        sys.setrecursionlimit(limit)


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions a piece of work enters, generators' resumptions included."""
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_twice_as_many_nodes_take_twice_as_many_steps(
    kind: Callable[[int], Any], any_count: None
) -> None:
    parts_of(kind(80))
    few, many = (calls_of(lambda n=n: parts_of(kind(n))) for n in (400, 800))
    assert many < 2.1 * few


def test_a_low_tree_has_its_key_from_the_start() -> None:
    condition = (User.age > 3) & ((User.name == "x") | ~(User.age == 3))
    for _ in range(2):
        assert condition.key == ("AND", *[each.key for each in condition.operands()])  # type: ignore[attr-defined]


@pytest.mark.parametrize("height", [14, 15, 16, 17, 18, 40])
async def test_trees_around_the_limit_find_the_same(session: AsyncSession, height: int) -> None:
    await session.insert_all([User(name=f"u{n}", age=n) for n in range(50)])
    query = session.query(User).order_by("age")
    for _ in range(2):
        ages = await query.filter(joined(height)).scalars(User.age)
        assert ages == list(range(height))
        assert await query.exclude(joined(height)).count() == 50 - height
    total = sum(range(height))
    found = await query.limit(2).scalars(reduce(operator.add, range(height), User.age))
    assert found == [total, total + 1]
    reverse: Any = User.age
    for n in range(height):
        reverse = n - reverse
    (first,) = await query.limit(1).scalars(reverse)
    expected = 0
    for n in range(height):
        expected = n - expected
    assert first == expected


@pytest.mark.parametrize("height", [3, 8, 15, 16, 17, 40])
async def test_queries_within_queries_find_the_same_at_every_height(
    session: AsyncSession, height: int
) -> None:
    await session.insert_all([User(name=f"u{n}", age=n) for n in range(1, 6)])
    for _ in range(2):
        query = session.query(User).filter(User.age > 2)
        for n in range(height):
            inner = query.order_by(User.id).limit(4).subquery(User.id)
            query = session.query(User).filter(User.id.in_(inner), User.age != n + 4)
        assert await query.order_by("age").scalars(User.age) == [3]
        oldest: Any = User.age
        for n in range(height):
            oldest = session.query(User).filter(User.age < n + 4).subquery(func.max(oldest))
        assert await session.query(User).filter(User.age == oldest).scalars(User.age) == [3]


@pytest.mark.slow
async def test_thousands_of_conditions_are_one_query(session: AsyncSession) -> None:
    await session.insert_all([User(name="a", age=1), User(name="b", age=4999), User(name="c")])
    for make in (joined, keyworded):
        query = session.query(User).filter(make(5000))
        assert await query.count() == 2
        assert await query.order_by("age").scalars(User.name) == ["a", "b"]
        assert await session.query(User).exclude(make(5000)).scalars(User.name) == ["c"]
        assert await session.query(User).filter(User.posts.any(), make(5000)).count() == 0
    assert await session.query(User).filter(*[User.age != n for n in range(2, 3000)]).count() == 2


async def test_choices_that_leave_the_rest_to_one_another_are_one_list(
    session: AsyncSession,
) -> None:
    await session.insert_all([User(name="a", age=3), User(name="b", age=4)])
    assert await session.query(User).filter(chosen(3000)).scalars(User.name) == ["a"]


@pytest.mark.one_interpreter
@pytest.mark.slow
async def test_more_values_than_a_statement_takes_are_refused_before_it_is_sent(
    session: AsyncSession,
) -> None:
    with pytest.raises(UsageError, match=r"32,767.*in_\(\)"):
        await session.query(User).filter(joined(40_000)).all()
    assert await session.query(User).filter(joined(32_767)).count() == 0


@pytest.mark.one_interpreter
@pytest.mark.parametrize(
    "kind",
    [
        *(added, negated, called, greatest, concatenated, stepped, nested, valued),
        *(in_queries, subselected),
    ],
)
async def test_what_is_too_deep_for_the_server_is_its_error(
    session: AsyncSession, kind: Callable[[int], Any]
) -> None:
    # The stack of the server, or that of its parser.
    count = NESTED if kind in (in_queries, subselected) else DEEP
    with pytest.raises(StatementError) as raised:
        async with session.begin(settings={"max_stack_depth": "200kB"}):
            await session.query(User).filter(kind(count)).count()
    assert raised.value.sqlstate in ("54001", "42601")
    assert await session.query(User).count() == 0
