"""What web frameworks get: answers for errors, signed cursors, filters and versions."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from examples.blog.db import Post, User
from examples.shop.db import Product
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    InvalidValue,
    Q,
    StaleObject,
    UniqueViolation,
    UnknownName,
    UsageError,
    ValidationError,
    current_session,
    errors,
    session_context,
)
from ormkit.fastapi import OrmKit
from ormkit.integrations.cursor_signatures import CursorSignatures
from ormkit.integrations.etags import ETags
from ormkit.integrations.filters import Filters
from ormkit.integrations.pages import PageRequest, with_cursor
from ormkit.integrations.problems import InvalidParameter, problem_of
from ormkit.integrations.service import Service
from tests.statements import Statements

pytestmark = pytest.mark.one_interpreter

SECRET = "server text with a value"
#: The status of each error; those that are not listed are mistakes of the program.
STATUSES = {
    "NotFound": 404,
    **dict.fromkeys(["UniqueViolation", "ForeignKeyViolation", "ExclusionViolation"], 409),
    **dict.fromkeys(["LockNotAvailable", "MultipleFound", "StaleObject"], 409),
    **dict.fromkeys(["CheckViolation", "NotNullViolation", "DataError"], 422),
    **dict.fromkeys(["ValidationError", "InvalidValue", "MissingValue"], 422),
    **dict.fromkeys(["PoolError", "PoolTimeout", "PoolClosed"], 503),
    **dict.fromkeys(["RetryableError", "SerializationFailure", "DeadlockDetected"], 503),
    **dict.fromkeys(["OutdatedStatement", "OperationalError", "ConnectionFailed"], 503),
    "QueryCanceled": 504,
}
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.OrmKitError)
}


@dataclass
class Named:
    name: str


@pytest.mark.parametrize("name", KINDS)
def test_every_error_has_an_answer_without_the_servers_text(name: str) -> None:
    error = KINDS[name].__new__(KINDS[name])
    Exception.__init__(error, SECRET)
    if name == "ValidationError":
        error = ValidationError({"name": "is empty"})
    problem = problem_of(error, {})
    assert problem.status == STATUSES.get(name, 500)
    assert SECRET not in str(problem.body())
    assert problem.type == f"urn:ormkit:{name}"
    assert ("Retry-After" in problem.headers) is (problem.status == 503)


def test_an_error_is_answered_by_what_is_known_of_it() -> None:
    taken = UniqueViolation(SECRET)
    taken.constraint = "users_email_key"
    constraints = {"users_email_key": ("email", "is taken")}
    assert problem_of(taken, constraints).body()["errors"] == {"email": "is taken"}
    assert "errors" not in problem_of(taken, {}).body()
    assert problem_of(StaleObject(SECRET), {}, has_if_match=True).status == 412
    unsent = errors.ConnectionLost(SECRET)
    unsent.is_sent = False
    assert problem_of(unsent, {}).status == 503

    class OwnError(errors.NotFound):
        """An error of the application."""

    assert problem_of(OwnError(SECRET), {}).type == "urn:ormkit:NotFound"


def test_a_cursor_that_was_not_signed_here_is_refused() -> None:
    signatures = CursorSignatures("key")
    signed = signatures.signed("token")
    assert signatures.checked(signed) == "token"
    others = ["token", "token.", f"x{signed}", CursorSignatures("other").signed("token"), "ü.ü"]
    for other in others:
        with pytest.raises(InvalidValue, match="was not made here"):
            signatures.checked(other)
    assert CursorSignatures(None).signed("token") == CursorSignatures(None).checked("token")
    assert with_cursor("http://x/a?cursor=1&b=2", "n.x") == "/a?b=2&cursor=n.x"


def test_only_filters_of_the_list_are_taken() -> None:
    filters = Filters(User, "age__gte", "id__in", "email__isnull")
    kinds = {each.name: (each.kind, each.is_list) for each in filters.filters.values()}
    assert kinds == {
        "age__gte": (int, False),
        "id__in": (int, True),
        "email__isnull": (bool, False),
    }
    filters.check({"age__gte", "limit", "cursor", "utm_source", "_", "__"}, tuple)
    for name in ("age", "age__lt", "name", "posts", "posts__title", "aeg__gte", "nmae__in"):
        with pytest.raises(InvalidValue, match=f"{name} is no filter here") as caught:
            filters.check({name}, tuple)
        assert problem_of(caught.value, {}).body()["errors"] == {name: "is no filter here"}
        filters.check({name}, [name].copy)
    with pytest.raises(InvalidValue, match="at most 100 values"):
        filters.condition({"id__in": list(range(101))})
    assert isinstance(filters.condition({"age__gte": 1, "id__in": None}), Q)
    with pytest.raises(ConfigurationError, match="regex is not offered"):
        Filters(User, "name__regex")
    with pytest.raises(UnknownName):
        Filters(User, "nmae")


def test_a_request_has_so_many_filters() -> None:
    names = [f"age__{each}" for each in ("gt", "gte", "lt", "lte", "ne", "in", "notin", "isnull")]
    names += ["age", "id", *(f"id__{each}" for each in ("gt", "gte", "lt", "lte", "ne", "in"))]
    names += ["name", "name__icontains", "name__startswith", "name__endswith", "name__iexact"]
    filters = Filters(User, *names)
    given: dict[str, Any] = {name: [1] if name.endswith("in") else 1 for name in names}
    taken = dict(list(given.items())[:20])
    assert filters.condition(taken) is not None
    with pytest.raises(InvalidParameter, match="one filter too many"):
        filters.condition({**taken, "name__iexact": "a"})


async def test_a_cursor_of_another_order_is_named(session: AsyncSession) -> None:
    await session.insert_all([User(name=f"u{n}") for n in range(3)])
    signatures = CursorSignatures("a key")
    first = PageRequest(1, None, "http://x/users", signatures, print)
    page = await first.read(session.query(User).order_by("name").into(Named))
    other = PageRequest(1, page.next, "http://x/users", signatures, print)
    with pytest.raises(InvalidParameter) as raised:
        await other.read(session.query(User).order_by("-name").into(Named))
    assert raised.value.errors == {"cursor": "is that of another list"}


@pytest.mark.parametrize("body", ['{"age": NaN}', '{"age": 1e400}', '{"age": "\\ud800"}'])
def test_a_request_that_cannot_be_read_is_answered_without_its_values(body: str) -> None:
    app = FastAPI()
    OrmKit("postgresql://nowhere").install(app)

    class Body(BaseModel):
        age: int

    async def add(new: Body) -> int:
        return new.age

    add.__annotations__["new"] = Body
    app.post("/")(add)

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.post(
                "/", content=body, headers={"Content-Type": "application/json"}
            )

    answer = asyncio.run(send())
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["loc"] == ["body", "age"]
    assert "input" not in detail


async def test_filters_follow_relationships(session: AsyncSession) -> None:
    ada, _ = await session.insert_all([User(name="Ada"), User(name="Grace", age=4)])
    await session.insert(Post(author_id=ada.id, title="a"))
    filters = Filters(Post, "author__name__icontains", "author__age", "comments__isnull")
    kinds = {each.name: each.kind for each in filters.filters.values()}
    assert kinds == {"author__name__icontains": str, "author__age": int, "comments__isnull": bool}
    for given, count in (("AD", 1), ("GR", 0)):
        condition = filters.condition({"author__name__icontains": given, "comments__isnull": True})
        assert await session.query(Post).filter(condition).count() == count
    with pytest.raises(ConfigurationError, match="as in author__id"):
        Filters(Post, "author")
    with pytest.raises(UnknownName):
        Filters(Post, "author__nmae")


async def test_a_page_may_count(session: AsyncSession) -> None:
    await session.insert_all([User(name=str(n)) for n in range(5)])
    await session.execute_raw("ANALYZE users")
    links: list[str] = []

    def page(cursor: str | None = None) -> PageRequest:
        return PageRequest(2, cursor, "http://x/users", CursorSignatures("key"), links.append)

    query = session.query(User).filter(name__lt="4").order_by("-name").into(Named)
    first = await page().read_counted(query)
    assert ([each.name for each in first.items], first.total) == (["3", "2"], 4)
    last = await page(first.next).read_counted(query)
    assert ([each.name for each in last.items], last.total, last.next) == (["1", "0"], 4, None)
    assert len(links) == 1
    estimated = await page().read_counted(session.query(User).order_by("name"), "estimate")
    assert estimated.total == 5
    with Statements(session.engine) as sent:
        few = await page().read_counted(session.query(User).filter(name="1"))
    assert (few.total, len(sent)) == (1, 1)
    wrong: Any = "all"
    with pytest.raises(UsageError, match='total=\'all\': it must be "exact" or "estimate"'):
        await page().read_counted(query, wrong)


async def test_no_filter_leaves_all_rows(session: AsyncSession) -> None:
    await session.insert_all([User(name="Ada"), User(name="Grace")])
    everything = Filters(User, "name").condition({"name": None})
    assert await session.query(User).filter(everything).count() == 2


def test_a_version_is_compared_with_if_match() -> None:
    product = Product(category_id=1, sku="a", name="a", price=1)
    product.version = 3
    sent: list[str] = []
    ETags(None, sent.append).send(product)
    assert sent == ['"3"']
    for good in (None, "*", '"3"', '"2", "3"'):
        ETags(good, sent.append).check(product)
    for stale in ('"2"', "3", 'W/"3"', ""):
        with pytest.raises(StaleObject):
            ETags(stale, sent.append).check(product)
    with pytest.raises(UsageError, match="has no version column"):
        ETags(None, sent.append).send(Post(author_id=1, title="t"))


async def test_a_service_is_healthy_while_its_database_answers(engine: Engine) -> None:
    service: Any = Service("postgresql://nowhere")
    with pytest.raises(UsageError, match="has not started"):
        await service.healthy()
    with service.use(engine):
        assert (await service.healthy()).status == 200
        await engine.close()
        health = await service.healthy()
    assert (health.status, health.body()["status"]) == (503, "failing")


async def test_a_session_context_is_a_transaction_where_that_is_asked_for(engine: Engine) -> None:
    with pytest.raises(KeyError):
        async with session_context(engine, transaction=True):
            await current_session().insert(User(name="Ada"))
            raise KeyError
    async with session_context(engine, transaction=True) as session:
        await session.insert(User(name="Grace"))
        await session.engine.execute("SELECT 1")
    async with session_context(engine) as session:
        assert [user.name for user in await session.query(User).all()] == ["Grace"]
