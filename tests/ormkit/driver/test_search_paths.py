"""One engine and a schema for each tenant: a transaction's names lead where its settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import asyncpg
import pytest

from ormkit import (
    AsyncSession,
    Engine,
    OutdatedStatement,
    Transaction,
    create_engine,
    jsonload,
    selectinload,
)
from tests.generated import models_of
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[enums]
Mood = ["glad", "sad"]

[models.Person]
table = "people"
[models.Person.columns]
id = { type = "bigint", primary_key = true }
name = { type = "text", unique = true }
mood = "Mood"
past = "Mood[]"
[models.Person.relationships]
notes = { target = "Note", back_populates = "person" }

[models.Note]
table = "notes"
[models.Note.columns]
id = { type = "bigint", primary_key = true }
person_id = { type = "bigint", foreign_key = "people.id" }
kind = "Mood"
[models.Note.relationships]
person = { target = "Person", back_populates = "notes" }

[models.Plain]
table = "plains"
[models.Plain.columns]
id = { type = "bigint", primary_key = true }
n = "integer"
"""
TENANTS = ("one", "two")


@cache
def models() -> Any:
    return models_of("search_paths", SCHEMA)


@pytest.fixture
def url(any_server: Server) -> Iterator[str]:
    with any_server.database() as url:
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    """An engine of one connection on a database with a schema for each tenant, and a public one."""
    async with await create_engine(url, max_connections=1) as engine:
        await engine.create_all(models().SCHEMA)
        connection = await asyncpg.connect(url)
        for tenant in TENANTS:
            await connection.execute(f"CREATE SCHEMA {tenant}; SET search_path TO {tenant}")
            await connection.execute(models().SCHEMA.ddl())
        await connection.execute(
            "CREATE FUNCTION public.go_to(tenant text) RETURNS text LANGUAGE sql AS "
            "$$ SELECT set_config('search_path', tenant, true) $$"
        )
        await connection.close()
        yield engine


@pytest.fixture
def session(engine: Engine) -> AsyncSession:
    return AsyncSession(engine)


@asynccontextmanager
async def by_settings(session: AsyncSession, tenant: str) -> AsyncIterator[Transaction]:
    async with session.begin(settings={"Search_Path": tenant}) as tx:
        yield tx


@asynccontextmanager
async def by_set(session: AsyncSession, tenant: str) -> AsyncIterator[Transaction]:
    async with session.begin() as tx:
        await tx.execute_raw(f"SET LOCAL search_path TO {tenant}")
        yield tx


@asynccontextmanager
async def by_function(session: AsyncSession, tenant: str) -> AsyncIterator[Transaction]:
    async with session.begin() as tx:
        await tx.execute_raw("SELECT public.go_to($1)", [tenant])
        yield tx


@asynccontextmanager
async def by_many(session: AsyncSession, tenant: str) -> AsyncIterator[Transaction]:
    async with session.begin() as tx:
        await tx.execute_raw_many(
            "SELECT set_config('search_path', $1, true)", [["public"], [tenant]]
        )
        yield tx


@asynccontextmanager
async def in_a_block(session: AsyncSession, tenant: str) -> AsyncIterator[Transaction]:
    """Set it in a nested block that is undone, and again in the one around it."""
    other = TENANTS[tenant == TENANTS[0]]
    async with session.begin(settings={"search_path": tenant}) as tx:
        with pytest.raises(ZeroDivisionError):
            async with tx.begin() as nested:
                await nested.execute_raw(f"SET LOCAL search_path TO {other}")
                await work(nested, other)
                raise ZeroDivisionError
        yield tx


WAYS: list[Callable[[AsyncSession, str], Any]] = [
    by_settings, by_set, by_function, by_many, in_a_block,
]  # fmt: skip


async def work(tx: Transaction, tenant: str) -> None:
    """Do with enums what can be done, and look that it was the tenant's rows."""
    person, note = models().Person, models().Note
    glad, sad = models().Mood.glad, models().Mood.sad
    before = await tx.query(person).count()
    ada = await tx.insert(person(name=f"{tenant} Ada {before}", mood=glad, past=[glad, sad]))
    await tx.insert_all([note(person_id=ada.id, kind=kind) for kind in (glad, sad, sad)])
    await tx.update(ada, mood=sad)
    await tx.upsert(person(name=ada.name, mood=glad, past=[]), conflict_target=["name"])
    notes = await tx.query(note).filter(kind=sad).order_by("id").all()
    for each in notes:
        each.kind = glad
    await tx.flush()
    await tx.bulk_update(notes, ["kind"])
    await tx.upsert_all([note(id=each.id, person_id=ada.id, kind=sad) for each in notes])
    tx.expunge_all()
    for load in (selectinload("notes"), jsonload("notes")):
        (read,) = await tx.query(person).filter(id=ada.id, mood=glad).options(load).all()
        assert [each.kind for each in read.notes] == [glad, sad, sad]
        assert (read.name, read.past) == (ada.name, [])
        tx.expunge_all()
    assert [each.name async for each in tx.query(person).filter(mood__in=[glad]).stream()]
    assert await tx.query(person).filter(mood=glad).values_list(person.mood)
    await tx.copy_in(person, [person(name=f"{ada.name}!", mood=sad, past=[sad, glad])])
    (copied,) = await tx.query(person).filter(name=f"{ada.name}!").all()
    assert (copied.mood, copied.past) == (sad, [sad, glad])
    raw = await tx.execute_raw("SELECT mood, past FROM people WHERE mood = $1", ["sad"])
    assert ("sad", ["sad", "glad"]) in raw.tuples()
    assert await tx.query(note).filter(kind=sad).delete() >= 2
    assert await tx.query(person).filter(person.name.like(f"{tenant} %")).count() == before + 2


@pytest.mark.parametrize("way", WAYS)
async def test_every_tenant_s_names_lead_to_his_own_types(
    session: AsyncSession, way: Callable[[AsyncSession, str], Any]
) -> None:
    for tenant in ("one", "two", "one", "public", "two", "one"):
        async with way(session, tenant) as tx:
            await work(tx, tenant)
    async with session.begin() as tx:
        await work(tx, "public")
    person = models().Person
    assert await session.query(person).filter(mood=models().Mood.glad).count() == 2
    assert {each.name[:7] for each in await session.query(person).all()} == {"public "}


async def test_a_role_leads_to_its_own_schema(session: AsyncSession, engine: Engine) -> None:
    try:
        await engine.execute("CREATE ROLE one")
        await engine.execute("CREATE ROLE two")
        for tenant in TENANTS:
            await engine.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {tenant} TO {tenant}")
            await engine.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {tenant} TO {tenant}")
            await engine.execute(f"GRANT USAGE ON SCHEMA {tenant} TO {tenant}")
        for way in ("settings", "raw"):
            for tenant in TENANTS * 2:
                settings = {"role": tenant} if way == "settings" else None
                async with session.begin(settings=settings) as tx:
                    if way == "raw":
                        await tx.execute_raw(f"SET LOCAL ROLE {tenant}")
                    await work(tx, tenant)
    finally:
        for tenant in TENANTS:
            await engine.execute(f"DROP OWNED BY {tenant}")
            await engine.execute(f"DROP ROLE {tenant}")


async def prepared(tx: Any) -> list[str]:
    found: list[str] = (
        await tx.execute_raw("SELECT statement FROM pg_prepared_statements")
    ).column("statement")
    return found


async def test_statements_without_types_of_a_schema_are_prepared_once(
    session: AsyncSession, engine: Engine
) -> None:
    for tenant in TENANTS * 3:
        async with session.begin(settings={"search_path": tenant}) as tx:
            await tx.insert(models().Plain(n=7))
            found = await tx.query(models().Plain).filter(n=7).all()
            texts = await prepared(tx)
    assert len(found) == 3
    assert len(set(texts)) == len(texts)


async def test_the_statements_of_many_tenants_stay_within_the_limit(
    url: str, engine: Engine
) -> None:
    person = models().Person
    async with await create_engine(url, max_connections=1, statement_cache_size=12) as small:
        for number in range(30):
            path = {"search_path": f"public, t{number}"}
            async with small.transaction(settings=path) as tx:
                await tx.insert(person(name=f"{number}", mood=models().Mood.sad, past=[]))
                for _ in range(2):
                    for key in ("name", "mood", "id"):
                        await tx.query(person).order_by(key).all()
                texts = await prepared(tx)
                assert len(texts) <= 12 + 3, texts


async def test_a_tenant_with_other_columns_costs_one_error_and_no_more(
    session: AsyncSession, engine: Engine
) -> None:
    await engine.execute("ALTER TABLE two.plains ALTER n TYPE bigint")
    plain = models().Plain
    errors = 0
    for tenant in TENANTS * 4:
        try:
            async with session.begin(settings={"search_path": tenant}) as tx:
                await tx.query(plain).filter(n=7).all()
        except OutdatedStatement:
            errors += 1
    assert errors <= 1


async def test_the_server_is_not_asked_where_no_path_is_set(session: AsyncSession) -> None:
    async with session.begin() as tx:
        for _ in range(3):
            await tx.query(models().Person).all()
            await tx.insert_all([models().Plain(n=n) for n in range(3)])
        asked = await prepared(tx)
    assert not [sql for sql in asked if "current_schemas" in sql]
