"""Row-level security: a tenant finds the world as if there were no other, through any method."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    CommitUnknown,
    DatabaseError,
    Engine,
    StaleObject,
    UsageError,
    create_engine,
)
from tests.proxy import Proxy
from tests.reliability.pool_state import assert_all_usable, settled
from tests.reliability.tenant_reads import OUTSIDE, READS, Case
from tests.reliability.tenant_writes import FORGERIES, UNFORGEABLE, WRITES
from tests.reliability.tenants import KEYS, ROLE, TENANTS, Place, models, plain, prepare
from tests.servers import Server
from tests.test_reference import sections

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

#: Those of the reference that neither read nor write rows.
WITHOUT_ROWS = {
    *("Engine.close", "Engine.create_all", "Transaction.after_commit"),
    *(f"Functions to import.{name}" for name in ("Q", "case", "cast", "create_engine")),
    *("Functions to import.literal", "Functions to import.to_tsvector"),
    "Functions to import.validates",
    "Engine.url",
    # They tell of the catalog, of the pool, and of statements whose values are not asked for.
    *("Engine.check", "Engine.listen", "Engine.pool_stats"),
    *("Functions to import.capture_statements", "Functions to import.inspect"),
    *(f"Functions to import.{name}" for name in ("allow_repeats", "detect_repeats")),
    "Functions to import.query_budget",
}
#: Their methods write a part of a statement that another one sends.
OF_EXPRESSIONS = {
    *("Result", "Expressions", "Orders", "JSON", "Full-text search", "Vectors", "Aggregates"),
    *("Functions", "Keyword operators"),
}
#: They are refused where no transaction holds the locks.
LOCKS = {"Query.for_share", "Query.for_update"}
#: COPY cannot write past policies: PostgreSQL refuses it for such a table.
REFUSED = {"Engine.copy_in", "Session.copy_in"}


@pytest.fixture(scope="module")
def urls(server18: Server) -> Iterator[dict[str, str]]:
    """Databases with both tenants behind policies, one of them alone, and nobody at all."""
    with ExitStack() as stack:
        server18.maintain(f"CREATE ROLE {ROLE} LOGIN")
        stack.callback(server18.maintain, f"DROP ROLE {ROLE}")
        stack.callback(server18.drop_left)
        shared = stack.enter_context(server18.database())
        prepare(server18, shared, *TENANTS, has_policies=True)
        found = {"shared": shared.replace("postgres@", f"{ROLE}@")}
        for tenant in (0, *TENANTS):
            found[f"{tenant}"] = url = stack.enter_context(server18.database())
            prepare(server18, url, *filter(None, [tenant]))
        yield found


@pytest.fixture
async def engines(urls: dict[str, str]) -> AsyncIterator[dict[str, Engine]]:
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(await create_engine(url, max_connections=3))
            for name, url in urls.items()
        }


async def outcome(engine: Engine, case: Case, tenant: int, door: str) -> tuple[Any, Any]:
    """Return what a case returns in a transaction of the tenant, and the rows it leaves there."""
    session = AsyncSession(engine)
    place = Place(engine, tenant)
    async with session.begin(settings=place.settings) as tx:
        place.door = session if door == "session" else tx
        found = plain(await case(place))
        left = await place.everything()
        await tx.rollback()
    return found, left


async def outside(engine: Engine, case: Case) -> Any:
    """Return what a case returns where no transaction is open."""
    return plain(await case(Place(engine, 0, AsyncSession(engine))))


def of(tenant: int, rows: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [row for row in rows if row[0] == tenant]


def doors(name: str) -> tuple[str, ...]:
    return ("transaction",) if name.startswith("Transaction.") else ("session", "transaction")


def test_every_method_that_could_read_or_write_rows_has_a_case() -> None:
    listed = {
        f"{section}.{row['name'].partition('(')[0]}"
        for section, rows in sections().items()
        if section not in OF_EXPRESSIONS
        for row in rows
    }
    assert listed == {*READS, *OUTSIDE, *WRITES, *WITHOUT_ROWS, *REFUSED}
    assert set(WRITES) - UNFORGEABLE <= set(FORGERIES)


@pytest.mark.parametrize("name", READS)
async def test_a_tenant_reads_what_one_reads_who_is_alone(
    engines: dict[str, Engine], name: str
) -> None:
    found: list[Any] = []
    for tenant in TENANTS:
        for door in doors(name):
            got, _ = await outcome(engines["shared"], READS[name], tenant, door)
            alone, _ = await outcome(engines[f"{tenant}"], READS[name], tenant, door)
            assert got == alone
        found.append(got)
    # A case in which both find the same would show nothing.
    assert found[0] != found[1] or name == "Query.explain"


async def used(engine: Engine) -> None:
    """Let each connection serve transactions of both tenants."""

    async def work(tenant: int) -> None:
        async with engine.transaction(settings={"app.tenant": f"{tenant}"}) as tx:
            await tx.execute_raw("SELECT pg_sleep(0.005)")

    await asyncio.gather(*(work(tenant) for tenant in TENANTS * 3))


@pytest.mark.parametrize("name", [name for name in (*READS, *OUTSIDE) if name not in LOCKS])
async def test_without_the_setting_one_reads_what_there_is_where_nobody_is(
    engines: dict[str, Engine], name: str
) -> None:
    case = {**READS, **OUTSIDE}[name]
    await used(engines["shared"])
    found = await outside(engines["shared"], case)
    assert found == await outside(engines["0"], case)
    # The same case finds something where a tenant is.
    if name in OUTSIDE:
        assert found != await outside(engines["1"], case)


@pytest.mark.parametrize("name", sorted(LOCKS))
async def test_a_lock_is_refused_outside_of_a_transaction(
    engines: dict[str, Engine], name: str
) -> None:
    with pytest.raises(UsageError, match="no transaction is open"):
        await outside(engines["shared"], READS[name])


@pytest.mark.parametrize("name", OUTSIDE)
async def test_the_engine_itself_is_outside_of_a_tenant_s_transaction(
    engines: dict[str, Engine], name: str
) -> None:
    empty = plain(await OUTSIDE[name](Place(engines["0"], 0)))
    found, _ = await outcome(engines["shared"], OUTSIDE[name], 1, "session")
    assert found == empty


@pytest.mark.parametrize("name", WRITES)
async def test_a_tenant_writes_what_one_writes_who_is_alone(
    engines: dict[str, Engine], name: str
) -> None:
    before = await everything(engines["shared"])
    for tenant in TENANTS:
        for door in doors(name):
            got, left = await outcome(engines["shared"], WRITES[name], tenant, door)
            alone, left_alone = await outcome(engines[f"{tenant}"], WRITES[name], tenant, door)
            assert got == alone
            assert of(tenant, left) == of(tenant, left_alone) != of(tenant, before)
            assert of(3 - tenant, left) == of(3 - tenant, before)


@pytest.mark.parametrize("name", [name for name in WRITES if "Transaction" not in name])
async def test_without_the_setting_nothing_is_written(
    engines: dict[str, Engine], name: str
) -> None:
    before = await everything(engines["shared"])
    await used(engines["shared"])
    with suppress(DatabaseError, StaleObject):
        await WRITES[name](Place(engines["shared"], 1, AsyncSession(engines["shared"])))
    assert await everything(engines["shared"]) == before


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_row_of_another_tenant_cannot_be_written(
    engines: dict[str, Engine], name: str
) -> None:
    before = await everything(engines["shared"])
    for door in doors(name):
        place = Place(engines["shared"], 1)
        with pytest.raises(DatabaseError, match="row-level security"):
            async with AsyncSession(place.engine).begin(settings=place.settings) as tx:
                place.door = tx if door == "transaction" else tx.owner
                await FORGERIES[name](place)
        assert await everything(engines["shared"]) == before
    await assert_all_usable(engines["shared"])


async def everything(engine: Engine) -> list[tuple[int, str]]:
    return await Place(engine, 0, AsyncSession(engine)).everything()


async def sees_nothing(engine: Engine) -> None:
    """Fail where a connection without a transaction is somebody's."""
    session, note = AsyncSession(engine), models().Note
    found = await asyncio.gather(*(session.get(note, key) for key in KEYS))
    assert found == [None] * len(KEYS)
    assert not (await engine.execute("SELECT current_setting('app.tenant', true)")).scalar()


async def test_tenants_who_share_two_connections_never_meet(
    urls: dict[str, str], engines: dict[str, Engine]
) -> None:
    """Cases of both, blocks that raise or are cut short, and lookups outside, all at once."""
    cases = {name: case for name, case in READS.items() if "Transaction" not in name}
    expected = {
        (name, tenant): (await outcome(engines["shared"], case, tenant, "session"))[0]
        for name, case in cases.items()
        for tenant in TENANTS
    }
    ends: dict[str, int] = {}

    async def live(engine: Engine, tenant: int) -> None:
        session = AsyncSession(engine)
        name, end = random.choice(list(cases)), random.choice(("done", "raised", "late"))
        try:
            async with asyncio.timeout(random.uniform(0, 0.006) if end == "late" else None):
                async with session.begin(settings={"app.tenant": f"{tenant}"}):
                    place = Place(engine, tenant, session)
                    assert plain(await cases[name](place)) == expected[name, tenant]
                    if end == "raised":
                        raise KeyError(name)
        except (KeyError, TimeoutError) as error:
            end = type(error).__name__
        ends[end] = ends.get(end, 0) + 1

    async def work(engine: Engine, number: int) -> None:
        for _ in range(60):
            await (live(engine, number % 3) if number % 3 else sees_nothing(engine))

    async with await create_engine(urls["shared"], max_connections=2) as engine:
        await asyncio.gather(*(work(engine, number) for number in range(6)))
        await assert_all_usable(engine)
        await sees_nothing(engine)
    assert min(ends.get(end, 0) for end in ("done", "KeyError", "TimeoutError")) > 5


async def test_a_lookup_within_a_tenant_s_transaction_is_shared_with_nobody(
    engines: dict[str, Engine],
) -> None:
    engine, note = engines["shared"], models().Note
    session, other = AsyncSession(engine), AsyncSession(engine)

    async def within(tenant: int) -> list[bool]:
        async with session.begin(settings={"app.tenant": f"{tenant}"}):
            inside = [session.get(note, key) for key in KEYS]
            found = await asyncio.gather(*inside, *(other.get(note, key) for key in KEYS))
            return [each is not None for each in found]

    alone = [[key // 100 == tenant and key in LIVING for key in KEYS] for tenant in TENANTS]
    for _ in range(10):
        seen = await asyncio.gather(*map(within, TENANTS))
        assert seen == [[*each, *[False] * len(KEYS)] for each in alone]


#: Notes that are there and not softly deleted.
LIVING = {101, 102, *(200 + number for number in range(1, 8) if number != 3)}


@pytest.mark.parametrize("count", [0, 5, None])
async def test_a_commit_without_an_answer_leaves_no_tenant_behind(
    urls: dict[str, str], count: int | None
) -> None:
    """Where the question was cut, and where it was not and the answer was."""
    async with (
        Proxy(urls["shared"]) as proxy,
        await create_engine(proxy.url, max_connections=2) as engine,
    ):
        for tenant in TENANTS * 3:
            with pytest.raises(CommitUnknown):
                async with engine.transaction(settings={"app.tenant": f"{tenant}"}) as tx:
                    assert await tx.query(models().Note).count() == 2 * tenant + 2 * (tenant == 2)
                    if count is None:
                        proxy.end_after(0, "answered")
                    else:
                        proxy.end_after(count, "asked")
            await sees_nothing(engine)
            # A reset that still runs would lose its answer in the place of the next COMMIT.
            await settled(engine)
        await assert_all_usable(engine)
