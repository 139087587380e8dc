"""Nothing that one user of a connection did to its session is there for the next."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Tag, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    DatabaseError,
    Engine,
    NewConnection,
    create_engine,
    func,
)
from ormkit.driver import reset
from tests.reliability.bouncer import Bouncer
from tests.reliability.pool_state import settled
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

ROLE = "ormkit_bob"
SCHEMA = Path(__file__).parents[2] / "examples/blog/db/schema.sql"
#: Functions, views, triggers and procedures that change the session of whoever reaches them.
OBJECTS = f"""
CREATE SEQUENCE numbers CACHE 10;
CREATE TABLE triggering (n int);
CREATE FUNCTION leave_traces() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('work_mem', '8MB', false);
    PERFORM set_config('app.tenant', '42', false);
    PERFORM set_config('role', '{ROLE}', false);
    RETURN 1;
END $$;
CREATE FUNCTION leave_more(given int DEFAULT 0) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SET SESSION AUTHORIZATION {ROLE}';
    RESET SESSION AUTHORIZATION;
    EXECUTE 'CREATE TEMP TABLE tags (id int, name text)';
    EXECUTE 'PREPARE hidden AS SELECT 1';
    EXECUTE 'LISTEN hidden';
    EXECUTE 'DECLARE hidden CURSOR WITH HOLD FOR SELECT 1';
    PERFORM pg_advisory_lock(1), pg_try_advisory_lock_shared(2, 3), nextval('numbers');
    PERFORM setseed(0.5), leave_traces();
    RETURN 1;
END $$;
CREATE VIEW looking AS SELECT leave_traces() AS n;
CREATE FUNCTION triggered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM leave_traces(); RETURN new; END $$;
CREATE TRIGGER each BEFORE INSERT ON triggering FOR EACH ROW EXECUTE FUNCTION triggered();
CREATE PROCEDURE leaving() LANGUAGE plpgsql AS $$ BEGIN PERFORM leave_traces(); COMMIT; END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
"""
#: What PostgreSQL shows of a session.
SHOWN = {
    "roles": "SELECT session_user, current_user, current_setting('role')",
    # The driver switches `jit` by itself while it reads about types.
    "parameters": "SELECT name, setting FROM pg_settings WHERE name <> 'jit' ORDER BY name",
    "own parameters": "SELECT nullif(current_setting('app.tenant', true), '')",
    "temporary objects": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() "
    "UNION SELECT proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
    "locks": "SELECT objid, mode FROM pg_locks "
    "WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    "channels": "SELECT pg_listening_channels()",
    "cursors": "SELECT name FROM pg_cursors WHERE is_holdable",
    "prepared statements": "SELECT name FROM pg_prepared_statements WHERE from_sql",
}
#: What random() returns behind setseed(0.5), on each of the servers.
SEEDED = "SELECT random() FROM (SELECT setseed(0.5) OFFSET 0) AS seeded"

LEAVING = func.call("leave_traces")

Change = Callable[[Engine], Awaitable[object]]


def raw(*texts: str) -> Change:
    """Run these in a transaction that is committed, or alone where it is one."""

    async def change(engine: Engine) -> None:
        if len(texts) == 1:
            await engine.execute(texts[0])
            return
        async with engine.transaction() as tx:
            for text in texts:
                await tx.execute_raw(text)

    return change


def many(sql: str) -> Change:
    return lambda engine: engine.execute_many(sql, [[], []])


def of_tags(ask: Callable[[Any], Any]) -> Change:
    return lambda engine: ask(AsyncSession(engine).query(Tag))


def filtered(ask: Callable[[Any], Any]) -> Change:
    """Ask a query whose condition changes the session."""
    return of_tags(lambda tags: ask(tags.filter(func.call("leave_more") == 1)))


async def streamed(engine: Engine) -> None:
    tags = AsyncSession(engine).query(Tag).filter(func.call("leave_more") == 1)
    async with tags.stream(chunk=1) as stream:
        async for _ in stream:
            break


async def in_transaction(engine: Engine) -> None:
    async with AsyncSession(engine).begin() as tx:
        await tx.query(Tag).scalars(func.call("leave_traces"))
        async with tx.begin():
            found = tx.query(Tag).values_list(func.call("leave_more", 1)).stream()
            assert [row async for row in found] == [(1,)]


async def failed(engine: Engine) -> None:
    with suppress(DatabaseError):
        await engine.execute("SELECT leave_more(), pg_advisory_lock(9), 1 / (SELECT 0)")


async def cut_short(engine: Engine) -> None:
    with suppress(DatabaseError):
        sql = "SELECT pg_advisory_lock(9), set_config('work_mem', '9MB', false), pg_sleep(9)"
        await engine.execute(sql, timeout=0.05)


CHANGES: dict[str, Change] = {
    "SET ROLE": raw(f"SET ROLE {ROLE}"),
    "SET SESSION AUTHORIZATION": raw(f"SET SESSION AUTHORIZATION {ROLE}"),
    "both roles": raw(f"SET SESSION AUTHORIZATION {ROLE}", f"SET ROLE {ROLE}", "SET work_mem = 99"),
    "SET": raw("SET work_mem = '9MB'"),
    "SET of an own parameter": raw("SET app.tenant = '42'"),
    "a time zone": raw("SET TIME ZONE 'Asia/Tokyo'", "SET default_transaction_read_only = on"),
    "behind a semicolon": raw(f";SET ROLE {ROLE}"),
    "behind comments": raw(f"/*/**/*/-- x\r\f SET ROLE {ROLE}"),
    "SELECT": raw("SELECT leave_traces()"),
    "FROM": raw("SELECT * FROM leave_traces()"),
    "WITH": raw("WITH x AS MATERIALIZED (SELECT leave_more()) SELECT * FROM x"),
    "EXPLAIN ANALYZE": raw("EXPLAIN ANALYZE SELECT leave_more()"),
    "COPY TO a file": raw("COPY (SELECT leave_more()) TO '/dev/null'"),
    "a view": raw("SELECT * FROM looking"),
    "a trigger": raw("INSERT INTO triggering VALUES (1)"),
    "a rule of a catalog": raw("UPDATE pg_settings SET setting = '9MB' WHERE name = 'work_mem'"),
    "a name in escapes": raw("SELECT U&\"set\\005fconfig\"('work_mem', '9MB', false)"),
    "a temporary table": raw("CREATE TABLE pg_temp.tags (id int, name text)"),
    "a temporary function": raw(
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1", "SELECT pg_temp.f()"
    ),
    "a procedure": raw("CALL leaving()"),
    "a block of code": raw("DO $$BEGIN PERFORM leave_more(); END$$"),
    "DISCARD ALL": raw("DISCARD ALL"),
    "DEALLOCATE ALL": raw("DEALLOCATE ALL", "PREPARE hidden AS SELECT 1"),
    "a prepared statement": raw("PREPARE hidden AS SELECT leave_traces()", "EXECUTE hidden"),
    "a cursor": raw("DECLARE hidden CURSOR WITH HOLD FOR SELECT leave_traces()", "FETCH hidden"),
    "LISTEN": raw("LISTEN hidden"),
    "locks": raw("SELECT pg_advisory_lock_shared(1), pg_try_advisory_lock(2)"),
    "many rows": many("SELECT leave_traces(), nextval('numbers')"),
    "many rows in turn": many("EXPLAIN ANALYZE SELECT leave_traces()"),
    "a failed statement": failed,
    "a statement cut short": cut_short,
    "a transaction": raw("SET work_mem = '9MB'", f"SET ROLE {ROLE}", "SELECT leave_traces()"),
    "a filter": filtered(lambda tags: tags.all()),
    "selected": of_tags(lambda tags: tags.values_list(LEAVING)),
    "counted": filtered(lambda tags: tags.count()),
    "exists": filtered(lambda tags: tags.exists()),
    "an order": of_tags(lambda tags: tags.order_by(LEAVING.asc()).all()),
    "an aggregate": of_tags(lambda tags: tags.max(LEAVING)),
    "a page": filtered(lambda tags: tags.limit(2).page()),
    "explained": filtered(lambda tags: tags.explain(analyze=True)),
    "updated": filtered(lambda tags: tags.update(name="x").returning()),
    "assigned": lambda engine: AsyncSession(engine).update(
        Tag(id=1, name="a"), name=func.concat(LEAVING)
    ),
    "iterated": filtered(lambda tags: anext(tags.iterate().chunks())),
    "below another function": of_tags(lambda tags: tags.scalars(func.coalesce(LEAVING, 1))),
    "in a subquery": lambda engine: AsyncSession(engine)
    .query(Tag)
    .filter(Tag.id.in_(AsyncSession(engine).query(Tag).filter(LEAVING > 0).subquery(Tag.id)))
    .all(),
    "streamed": streamed,
    "typed, in a transaction": in_transaction,
    "copied out": lambda engine: engine.copy_out("SELECT leave_more()", io.BytesIO()),
    "copied in": lambda engine: engine.copy_in("triggering", [(1,)], columns=["n"]),
    "seeded": raw("SELECT setseed(0.5)"),
}


@pytest.fixture(scope="module")
def role(server16: Server, server18: Server) -> str:
    for server in (server16, server18):
        server.maintain(f"DROP ROLE IF EXISTS {ROLE}")
        server.maintain(f"CREATE ROLE {ROLE}")
    return ROLE


@pytest.fixture
def url(any_server: Server, role: str) -> Iterator[str]:
    with any_server.database() as url:
        any_server.run_script(url, SCHEMA.read_text(encoding="utf-8") + OBJECTS)
        any_server.run_script(url, "INSERT INTO tags (name) VALUES ('a')")
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    async with await create_engine(url, max_connections=1, init=prepared) as engine:
        yield engine


async def prepared(connection: NewConnection) -> None:
    await connection.execute("SET lock_timeout = '7s'")
    await connection.execute("SELECT set_config('app.region', 'eu', false)")
    await connection.execute("LISTEN own")


async def shown(engine: Engine) -> dict[str, Any]:
    """Return what PostgreSQL shows of the session that the next user gets."""
    found = {name: (await engine.execute(sql)).tuples() for name, sql in SHOWN.items()}
    found["process"] = (await engine.execute("SELECT pg_backend_pid()")).scalar()
    with pytest.raises(DatabaseError, match="lastval is not yet defined"):
        await engine.execute("SELECT lastval()")
    return found


@pytest.mark.parametrize("name", CHANGES)
async def test_a_session_is_given_back_as_init_left_it(engine: Engine, name: str) -> None:
    if name == "a block of code":
        await engine.execute("DO $$BEGIN END$$")  # It brings PL/pgSQL's own parameters.
    await engine.execute("SELECT leave_traces()")
    before = await shown(engine)
    await CHANGES[name](engine)
    assert await shown(engine) == before
    tags = await AsyncSession(engine).query(Tag).all()
    assert len(tags) == 1
    async with engine.transaction() as tx:
        assert len(await tx.query(Tag).all()) == 1


@pytest.mark.parametrize("name", ["seeded", "SELECT", "WITH"])
async def test_nobody_knows_the_random_numbers_of_the_next(engine: Engine, name: str) -> None:
    known = (await engine.execute(SEEDED)).scalar()
    assert (await engine.execute(SEEDED)).scalar() == known
    found = set[float]()
    for _ in range(5):
        await CHANGES[name](engine)
        found.add((await engine.execute("SELECT random()")).scalar())
    assert len(found) == 5
    assert known not in found


@pytest.mark.parametrize("name", ["seed", "SEED"])
async def test_a_seed_is_no_setting_of_a_transaction(engine: Engine, name: str) -> None:
    with pytest.raises(ConfigurationError, match="outlives the transaction"):
        engine.transaction(settings={name: "0.5"})


async def test_statements_of_sql_that_take_the_drivers_names_serve_nobody(engine: Engine) -> None:
    session = AsyncSession(engine)
    assert [tag.name for tag in await session.query(Tag).all()] == ["a"]
    async with engine.transaction() as tx:
        names = await tx.execute_raw("SELECT name, statement FROM pg_prepared_statements")
        tags = [name for name, text in names.tuples() if "FROM tags" in text]
        assert tags
        for name in tags:
            await tx.execute_raw(f'DEALLOCATE "{name}"')
            await tx.execute_raw(f"PREPARE \"{name}\" AS SELECT 7::bigint AS id, 'evil' AS name")
    async with engine.transaction() as tx:
        assert [tag.name for tag in await tx.query(Tag).all()] == ["a"]


async def test_generated_statements_keep_their_plans_beside_raw_sql(engine: Engine) -> None:
    session = AsyncSession(engine)
    for _ in range(3):
        await session.query(Tag).count()
        await engine.execute("SELECT 1")
    kept = await engine.execute(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements "
        "WHERE statement LIKE 'SELECT count(*) FROM tags%'"
    )
    assert kept.column() == [3]


async def test_a_deallocation_within_a_function_is_noticed(engine: Engine) -> None:
    await engine.execute(
        "CREATE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS $$ "
        "BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$"
    )
    session = AsyncSession(engine)
    for query in (session.query(Tag), session.query(User)):
        await query.count()
        await query.exists()
        await query.all()
    await engine.execute("SELECT forget()")
    async with session.begin() as tx:
        assert await tx.query(Tag).count() == 1
        assert len(await tx.query(Tag).all()) == 1


@pytest.mark.parametrize("sql", ["LOAD 'plpgsql'", ";load 'plpgsql'"])
async def test_what_no_reset_takes_away_closes_the_connection(url: str, sql: str) -> None:
    pid = "SELECT pg_backend_pid()"
    async with await create_engine(url, max_connections=1) as engine:
        before = (await engine.execute(pid)).scalar()
        assert (await engine.execute(pid)).scalar() == before
        await engine.execute(sql)
        assert (await engine.execute(pid)).scalar() != before
        await settled(engine)


async def test_what_init_loads_is_no_reason_to_close(url: str) -> None:
    async def load(connection: NewConnection) -> None:
        await connection.execute("LOAD 'plpgsql'")

    async with await create_engine(url, max_connections=1, init=load) as engine:
        pids = [(await engine.execute("SELECT pg_backend_pid()")).scalar() for _ in range(3)]
        assert len(set(pids)) == 1


async def test_a_role_that_the_connection_was_opened_with_is_given_back(url: str) -> None:
    settings = {"role": ROLE}
    async with await create_engine(url, max_connections=1, server_settings=settings) as engine:
        before = await shown(engine)
        assert before["roles"][0][1] == ROLE
        await raw("RESET SESSION AUTHORIZATION", "SET ROLE none")(engine)
        assert await shown(engine) == before


async def test_generated_statements_and_transactions_need_no_reset(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    resets: list[object] = []
    original = reset.reset_session

    async def counted(*arguments: Any) -> bool:
        resets.append(arguments)
        return await original(*arguments)

    monkeypatch.setattr(reset, "reset_session", counted)
    session = AsyncSession(engine)
    user = await session.insert(User(name="Ada"))
    await session.update(user, age=func.length(User.name))
    await session.query(User).filter(func.lower(User.name) == "ada").all()
    await session.query(User).values_list(func.now())
    assert [each async for each in session.query(User).stream()]
    assert await session.copy_in(Tag, [Tag(name="b")]) == 1
    assert await session.copy_in(Tag, [("c",)], columns=["name"]) == 1
    assert await session.copy_out(Tag, io.BytesIO()) == 3
    async with session.begin(settings={"app.tenant": "42"}, isolation="serializable") as tx:
        tx.add(User(name="Grace"))
        (await tx.query(User).first() or user).age = 4
        await tx.query(User).filter(name="x").delete()
    assert resets == []
    await session.execute_raw("SELECT 1")
    await settled(engine)
    await session.query(Tag).all()
    assert len(resets) == 1


async def test_a_row_of_another_tenant_is_not_seen_through_a_role_that_was_left(url: str) -> None:
    async with await create_engine(url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE secrets (owner text, body text)")
        await engine.execute(f"GRANT SELECT ON secrets TO {ROLE}")
        await engine.execute("ALTER TABLE secrets ENABLE ROW LEVEL SECURITY")
        await engine.execute("CREATE POLICY own ON secrets USING (owner = current_user)")
        await engine.execute(f"INSERT INTO secrets VALUES ('{ROLE}', 'of bob')")
        for role in (ROLE, "postgres"):
            async with engine.transaction() as tx:
                await tx.execute_raw(f"SET ROLE {role}")
                assert len(await tx.execute_raw("SELECT * FROM secrets")) == 1
        assert (await engine.execute("SELECT current_user")).scalar() == "postgres"


async def test_tasks_in_line_wait_for_a_reset_and_open_nothing(url: str) -> None:
    async with await create_engine(url, max_connections=10) as engine:
        for _ in range(50):
            await engine.execute("SELECT 1")
        assert engine.pool.size == 1
        assert engine.pool.idle == 1


async def test_resets_pass_through_pgbouncer(bouncer: Bouncer, blog_url: str) -> None:
    async with bouncer.engine(blog_url) as engine:
        for _ in range(20):
            await engine.execute("SELECT 1")
            assert await AsyncSession(engine).query(Tag).all() == []
        await settled(engine)
