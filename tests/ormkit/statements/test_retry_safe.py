"""What may have run is sent once: procedures, functions of the user's, and reads that call them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest

from examples.blog.db import AuditLog, Post, User
from ormkit import (
    AsyncSession,
    ConnectionLost,
    DatabaseError,
    Engine,
    OutdatedStatement,
    cast,
    create_engine,
    exists,
    func,
    jsonload,
    literal,
    selectinload,
    to_tsvector,
)
from ormkit.driver.errors import is_before_running
from tests.proxy import Proxy
from tests.reliability.pool_state import settled

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

#: A procedure that commits a row and then runs into a plan that its table has outgrown.
PROCEDURE = """
CREATE PROCEDURE p(outdated bool) LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log VALUES ('called');
    COMMIT;
    IF outdated THEN
        RAISE EXCEPTION 'cached plan must not change result type' USING ERRCODE = '0A000';
    END IF;
END $$
"""
FUNCTION = """
CREATE FUNCTION f(outdated bool) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    PERFORM nextval('calls');
    IF outdated THEN
        RAISE EXCEPTION 'cached plan must not change result type' USING ERRCODE = '0A000';
    END IF;
    RETURN true;
END $$
"""


@pytest.fixture
async def calls(engine: Engine) -> Engine:
    """An engine on a database that counts what is called in it."""
    for sql in ("CREATE TABLE log (what text)", "CREATE SEQUENCE calls", PROCEDURE, FUNCTION):
        await engine.execute(sql)
    return engine


@pytest.mark.parametrize("sql", ["CALL p($1)", "/* a /* b */ */ -- c\n call p($1)"])
async def test_a_procedure_is_never_called_again(calls: Engine, sql: str) -> None:
    await calls.execute(sql, [False])
    with pytest.raises(DatabaseError):
        await calls.execute(sql, [True])
    assert (await calls.execute("SELECT count(*) FROM log")).scalar() == 2


async def test_a_function_is_never_called_again(calls: Engine) -> None:
    await calls.execute("SELECT f($1)", [False])
    with pytest.raises(DatabaseError):
        await calls.execute("SELECT f($1)", [True])
    assert (await calls.execute("SELECT last_value FROM calls")).scalar() == 2
    await calls.execute_many("SELECT f($1)", [[False], [False]])
    with pytest.raises(DatabaseError):
        await calls.execute_many("SELECT f($1)", [[False], [True], [False]])
    assert (await calls.execute("SELECT last_value FROM calls")).scalar() == 6


async def test_an_outdated_statement_that_has_not_run_is_still_followed(calls: Engine) -> None:
    await calls.execute("SELECT * FROM log")
    await calls.execute("ALTER TABLE log ADD COLUMN more int")
    assert (await calls.execute("SELECT * FROM log")).all() == []


async def test_many_rows_of_raw_sql_are_not_sent_again(calls: Engine) -> None:
    sql = "INSERT INTO log VALUES ($1) RETURNING *"
    await calls.execute_many(sql, [["a"], ["b"]])
    await calls.execute("ALTER TABLE log ADD COLUMN more int")
    with pytest.raises(OutdatedStatement):
        await calls.execute_many(sql, [["c"], ["d"]])
    await calls.execute_many(sql, [["c"], ["d"]])
    assert (await calls.execute("SELECT count(*) FROM log")).scalar() == 4


@pytest.mark.parametrize(
    ("sql", "is_before"),
    [
        ("CALL p()", False),
        (" \t\n-- x\rdo $$ $$", False),
        (";CALL p()", False),
        ("/* CALL */select", True),
        ("-- DO\nINSERT INTO log VALUES (1)", True),
        ("(SELECT 1)", True),
        ("", True),
    ],
)
def test_what_may_commit_by_itself_may_have_run(sql: str, is_before: bool) -> None:
    assert is_before_running(sql, asyncpg.InvalidCachedStatementError("")) == is_before


#: What the user's own functions count, each under a name that PostgreSQL has too or may be given.
OWN = """
CREATE SEQUENCE calls;
CREATE SCHEMA earlier;
CREATE FUNCTION earlier.lower(text) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT nextval('public.calls')::text || pg_catalog.lower($1) $$;
CREATE FUNCTION public.round(text) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT nextval('public.calls')::text || $1 $$;
CREATE FUNCTION public.counted(text) RETURNS bool LANGUAGE sql VOLATILE
    AS $$ SELECT nextval('public.calls') > 0 $$;
CREATE FUNCTION public.pure(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE DOMAIN public.checked AS text CHECK (public.counted(VALUE));
CREATE DOMAIN earlier.jsonb AS pg_catalog.jsonb CHECK (public.counted('any'));
"""


@pytest.fixture
async def proxy(blog_url: str) -> AsyncIterator[Proxy]:
    async with await create_engine(blog_url) as engine:
        for sql in OWN.split(";\n"):
            if sql.strip():
                await engine.execute(sql)
        ada = await AsyncSession(engine).insert(User(name="Ada", email="a@x"))
        await AsyncSession(engine).insert(Post(author=ada, title="t"))
    async with Proxy(blog_url) as proxy:
        yield proxy


@pytest.fixture
async def cut(proxy: Proxy) -> AsyncIterator[AsyncSession]:
    """A session that looks names up in another schema before PostgreSQL's own."""
    settings = {"search_path": "earlier, pg_catalog, public"}
    async with await create_engine(
        proxy.url, min_connections=0, max_connections=2, server_settings=settings
    ) as engine:
        yield AsyncSession(engine)


HARMFUL: dict[str, Any] = {
    "a function of the user's under a name of PostgreSQL": lambda s: s.query(User).scalars(
        func.round(User.name)
    ),
    "one in an earlier schema": lambda s: s.query(User).scalars(func.lower(User.name)),
    "one that an operator of the query calls": lambda s: s.query(User).filter(
        User.name.iexact("ada")
    ),
    "any other function": lambda s: s.query(User).scalars(func.call("counted", User.name)),
    "a function that is said to be pure": lambda s: s.query(User).scalars(
        func.call("pure", User.name)
    ),
    "a volatile function of PostgreSQL": lambda s: s.query(User).scalars(
        func.call("nextval", "calls")
    ),
    "a function by its schema": lambda s: s.query(User).scalars(
        func.call("public.counted", User.name)
    ),
    "a domain with a CHECK": lambda s: s.query(User).scalars(cast(User.name, "checked")),
    "a domain in a condition": lambda s: s.query(User).filter(cast(User.name, "checked") == "Ada"),
    "a domain under a name of PostgreSQL": lambda s: s.query(User).scalars(
        cast(User.settings, "jsonb")
    ),
    "a function in a subquery": lambda s: s.query(User).filter(
        exists(s.query(Post).filter(func.call("counted", Post.title)))
    ),
    "a function in an order": lambda s: s.query(User).order_by(func.round(User.name).asc()),
    "a function in what is loaded along": lambda s: s.query(User).options(
        selectinload(User.posts).order_by(func.round(Post.title))
    ),
}

HARMLESS: dict[str, Any] = {
    "rows": lambda s: s.query(User).filter(age__gte=0, name__in=["Ada"]),
    "a relationship": lambda s: s.query(User).options(selectinload(User.posts)),
    "links": lambda s: s.query(Post).options(selectinload(Post.tags)),
    "a condition over a relationship": lambda s: s.query(User).filter(
        User.posts.any(Post.title.icontains("t"))
    ),
    "an aggregate": lambda s: s.query(User).values_list(func.count(), func.max(User.id)),
    "parts of the grammar": lambda s: s.query(User).scalars(func.coalesce(User.bio, "")),
    "a cast": lambda s: s.query(User).scalars(cast(User.id, "numeric(10, 2)")),
    "a function by PostgreSQL's schema": lambda s: s.query(User).scalars(
        func.call("pg_catalog.lower", User.name)
    ),
}


async def lost_calls(cut: AsyncSession, proxy: Proxy, url: str, read: Any) -> tuple[int, list[int]]:
    """Read while an answer is lost after no byte, one, and half of it; return how often the read
    failed, and how many calls more than those of one read were counted each time."""
    async with await create_engine(url) as direct:

        async def counted() -> int:
            sql = "SELECT last_value + is_called::int FROM public.calls"
            return int((await direct.execute(sql)).scalar())

        await read(cut)
        await settled(cut.engine)
        calls, start = await counted(), proxy.passed["answered"]
        await read(cut)
        length = proxy.passed["answered"] - start
        once = await counted() - calls
        assert length
        failed, more = 0, []
        for lost in (0, 1, length // 2):
            calls = await counted()
            await settled(cut.engine)
            proxy.end_after(lost, "answered", "abort")
            try:
                await read(cut)
            except ConnectionLost:
                failed += 1
            more.append(await counted() - calls - once)
        return failed, more


async def assert_sent_once(cut: AsyncSession, proxy: Proxy, url: str, read: Any) -> None:
    """Assert that a read fails where its answer is lost, and has not run again."""
    # Rarely, the answers come before the proxy ends them. A read that is sent again never fails.
    for _ in range(4):
        failed, more = await lost_calls(cut, proxy, url, read)
        assert max(more) <= 0
        if failed:
            return
    raise AssertionError("no read failed, so each was sent again")


async def all_of(query: Any) -> Any:
    return await (query.all() if hasattr(query, "all") else query)


@pytest.mark.parametrize("what", HARMFUL)
async def test_a_read_that_may_run_code_of_the_user_s_is_sent_once(
    cut: AsyncSession, proxy: Proxy, blog_url: str, what: str
) -> None:
    make = HARMFUL[what]
    await assert_sent_once(cut, proxy, blog_url, lambda s: all_of(make(s)))


@pytest.mark.parametrize("what", HARMLESS)
async def test_a_read_that_runs_only_code_of_postgresql_comes_through(
    cut: AsyncSession, proxy: Proxy, blog_url: str, what: str
) -> None:
    make = HARMLESS[what]
    failed, _ = await lost_calls(cut, proxy, blog_url, lambda s: all_of(make(s)))
    assert failed == 0


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = earlier.same)",
        "CREATE CAST (int AS point) WITH FUNCTION earlier.made(int) AS ASSIGNMENT",
    ],
)
async def test_views_policies_operators_and_casts_of_the_user_s_are_not_trusted(
    cut: AsyncSession, proxy: Proxy, blog_url: str, change: str
) -> None:
    same = "CREATE FUNCTION earlier.same(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true'"
    made = "CREATE FUNCTION earlier.made(int) RETURNS point LANGUAGE sql AS 'SELECT point(0, 0)'"
    async with await create_engine(blog_url) as engine:
        for sql in [same, made, *change.split("; ")]:
            await engine.execute(sql)
    await assert_sent_once(cut, proxy, blog_url, lambda s: s.query(User).all())


CALLED = re.compile(r'([\w".]+)\s*\(')
#: What looks like a call and is a part of the grammar.
GRAMMAR = {"cast", "coalesce", "extract", "greatest", "least", "nullif"}
#: What stands before a parenthesis and calls nothing.
WORDS = {
    *("all", "and", "any", "array", "as", "between", "by", "cast", "distinct", "exists", "filter"),
    *(
        "from",
        "in",
        "join",
        "lateral",
        "not",
        "on",
        "or",
        "over",
        "row",
        "select",
        "using",
        "where",
    ),
    *("then", "when", "else", "numeric", "values", "varchar"),
}


@pytest.mark.parametrize("what", [*HARMFUL, *HARMLESS])
async def test_every_call_in_the_text_of_a_read_is_noted(session: AsyncSession, what: str) -> None:
    query = {**HARMFUL, **HARMLESS}[what](session)
    select = query.as_select() if hasattr(query, "as_select") else query._select
    columns = getattr(query, "_columns", ())
    statement = select.expressions(columns) if columns else select.rows()
    called = {name.lower().replace('"', "") for name in CALLED.findall(statement.sql)}
    named = called - WORDS - GRAMMAR - {each.name for each in User.__table__.columns}
    assert statement.read is not None
    assert named <= {".".join(filter(None, each)) for each in statement.read.functions}


CAST = re.compile(r"::(\w+(?:\[\])*)")


async def test_every_cast_in_the_text_of_a_read_is_noted(session: AsyncSession) -> None:
    for query in (
        session.query(User).filter(User.settings.in_([{}])),
        session.query(User).filter(to_tsvector(User.name, config="simple").matches("a")),
        session.query(User).filter(User.age == literal(1, "smallint")),
        session.query(User).options(jsonload(User.posts)),
        session.query(AuditLog).filter(AuditLog.details["a"].as_text == "b"),
    ):
        statement = query.as_select().rows()
        assert statement.read is not None
        assert set(CAST.findall(statement.sql)) <= statement.read.types


@pytest.mark.parametrize("lock", ["for_update", "for_share"])
async def test_what_locks_rows_is_sent_once(session: AsyncSession, lock: str) -> None:
    query: Any = getattr(session.query(User), lock)()
    assert query.as_select().rows().read is None
    assert session.query(Post).filter(exists(query)).as_select().rows().read is None
