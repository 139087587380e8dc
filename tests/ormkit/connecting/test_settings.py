"""The runtime under settings of a server, database or role other than PostgreSQL's own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ormkit import (
    AsyncSession,
    ConfigurationError,
    DatabaseError,
    Engine,
    NewConnection,
    create_engine,
)
from tests.generated import models_of
from tests.servers import Server
from tests.statements import Statements

models = models_of(
    "things",
    """
[models.Thing]
table = "things"

[models.Thing.columns]
id = { type = "bigint", primary_key = true }
code = { type = "integer", unique = true }
words = "tsvector?"
mac = "macaddr?"
lists = "tsvector[]?"
document = "jsonb?"
source = "json?"

[models.Word]
table = "words"

[models.Word.columns]
id = { type = "bigint", primary_key = true }
code = { type = "integer", unique = true }
words = "tsvector?"
mac = "macaddr?"
document = "jsonb?"
documents = "jsonb[]?"
source = "json?"
""",
)
Thing, Word = models.Thing, models.Word
ONLY_UTF8 = r"client_encoding=.*it must be UTF8"
UMLAUT = {"name": "Müller", "ключ": ["€", "\U0001f600"]}
MODES = (
    "SELECT current_setting('transaction_read_only'), current_setting('transaction_deferrable'), "
    "current_setting('transaction_isolation')"
)


async def with_defaults(url: str, **defaults: str) -> None:
    """Give the database defaults of its own, for connections that are made from now on."""
    name = urlsplit(url).path[1:]
    async with await create_engine(url) as engine:
        for setting, value in defaults.items():
            await engine.execute(f"ALTER DATABASE {name} SET {setting} TO '{value}'")


@pytest.fixture
async def reading(blog_url: str) -> AsyncIterator[Engine]:
    """An engine on a database whose transactions are serializable, read-only and deferrable."""
    await with_defaults(
        blog_url,
        default_transaction_read_only="on",
        default_transaction_deferrable="on",
        default_transaction_isolation="serializable",
    )
    async with await create_engine(blog_url) as engine:
        yield engine


async def test_an_explicit_false_is_sent_and_none_leaves_the_default(reading: Engine) -> None:
    async def modes(**options: Any) -> tuple[Any, ...]:
        async with reading.transaction(**options) as tx:
            (shown,) = (await tx.execute_raw(MODES)).tuples()
            return tuple(shown)

    assert await modes() == ("on", "on", "serializable")
    assert await modes(read_only=None, deferrable=None) == ("on", "on", "serializable")
    assert await modes(read_only=False) == ("off", "on", "serializable")
    assert await modes(deferrable=False) == ("on", "off", "serializable")
    assert await modes(isolation="read committed", read_only=False, deferrable=False) == (
        *("off", "off"),
        "read committed",
    )
    assert await modes(read_only=True, deferrable=True) == ("on", "on", "serializable")


async def test_false_writes_through_every_door_and_costs_no_statement(reading: Engine) -> None:
    session = AsyncSession(reading)
    numbers = itertools.count()
    insert = "INSERT INTO tags (name) VALUES ($1)"
    with pytest.raises(DatabaseError, match="read-only"):
        await reading.execute(insert, ["a"])
    async with session.begin(read_only=False) as tx:
        await tx.execute_raw(insert, ["a"])
    async with reading.transaction(read_only=False) as tx:
        await tx.execute_raw(insert, ["b"])

    async def write(tx: Any) -> int:
        name = f"c{next(numbers)}"
        return int((await tx.execute_raw(insert, [name])).rowcount)

    assert await session.run(write, read_only=False, deferrable=False) == 1
    with Statements(reading) as sent:
        await reading.run(write, read_only=False)
    assert list(sent) == ["BEGIN READ WRITE", insert, "COMMIT"]


@pytest.mark.parametrize("mode", ["read_only", "deferrable"])
@pytest.mark.parametrize("value", ["off", 0, 1, []])
async def test_a_mode_that_is_no_truth_value_is_refused(
    session: AsyncSession, mode: str, value: object
) -> None:
    with pytest.raises(ConfigurationError, match=f"{mode}=.*give True or False, or None"):
        session.begin(**{mode: value})  # type: ignore[arg-type]  # pyright: ignore


async def test_null_stays_null_where_array_nulls_is_off(database_url: str) -> None:
    await with_defaults(database_url, array_nulls="off")
    async with await create_engine(database_url, max_connections=1) as engine:
        # What the statements do by themselves, as behind PgBouncer, where no setting lasts.
        await engine.create_all(models.SCHEMA)
        await engine.execute("SET array_nulls = off")
        session = AsyncSession(engine)
        await check_nulls(session)
        shown = "SELECT $1::tsvector[], current_setting('array_nulls')"
        for _ in range(2):
            found = (await engine.execute(shown, [[None, "'a'"]])).tuples()
            assert found == [([None, "'a'"], "on")]
            await engine.execute("SET work_mem = '1MB'")  # reset afterwards


async def check_nulls(session: AsyncSession) -> None:
    """Store NULL in every way and count what is not NULL then."""
    sql = (
        "SELECT sum(num_nonnulls(words, mac, document)) FROM words UNION ALL "
        "SELECT sum(num_nonnulls(words, mac, document) + cardinality(array_remove(lists, NULL))) "
        "FROM things"
    )
    async with session.begin() as tx:
        await tx.execute_raw("SET LOCAL array_nulls = off")
        nothing = {"words": None, "mac": None, "document": None}
        made = [Word(code=number, **nothing) for number in range(3)]
        await tx.insert_all(made)
        await tx.insert(Word(code=3, **nothing))
        await tx.upsert_all(
            [Word(code=number, **nothing) for number in range(5)], conflict_target=["code"]
        )
        await tx.bulk_update([*made], [Word.words, Word.mac, Word.document])
        things = [Thing(code=number, lists=[None], **nothing) for number in range(2)]
        await tx.insert_all(things)
        await tx.update(things[0], lists=[None, None])
        found = await tx.execute_raw(sql)
        assert [int(each) for each in found.column()] == [0, 0]


@pytest.mark.parametrize("encoding", ["latin1", "LATIN1", "SQL_ASCII", "euc_jp", "windows-1252"])
async def test_another_encoding_of_the_connection_is_refused(
    database_url: str, encoding: str
) -> None:
    async def init(connection: NewConnection) -> None:
        await connection.execute("SELECT set_config('client_encoding', $1, false)", ["latin1"])

    with pytest.raises(ConfigurationError, match=ONLY_UTF8):
        await create_engine(f"{database_url}&client_encoding={encoding}")
    for name in ("client_encoding", "Client_Encoding"):
        with pytest.raises(ConfigurationError, match=ONLY_UTF8):
            await create_engine(database_url, server_settings={name: encoding})
    with pytest.raises(ConfigurationError, match=ONLY_UTF8):
        await create_engine(database_url, init=init)
    async with await create_engine(database_url) as engine:
        with pytest.raises(ConfigurationError, match=ONLY_UTF8):
            engine.transaction(settings={"client_encoding": encoding})


async def test_a_default_encoding_of_others_does_not_matter(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_defaults(database_url, client_encoding="latin1")
    monkeypatch.setenv("PGCLIENTENCODING", "latin1")
    for words in ("", "&client_encoding=utf-8", "&client_encoding=UTF8", "&client_encoding=auto"):
        async with await create_engine(database_url + words) as engine:
            for _ in range(2):
                shown = await engine.execute("SELECT $1::text, 'ü€'", ["ü€"])
                assert shown.tuples() == [("ü€", "ü€")]
                await engine.execute("RESET ALL")


@pytest.fixture(params=["SQL_ASCII", "LATIN1", "EUC_JP"])
def encoded_url(request: pytest.FixtureRequest, server18: Server) -> Iterator[str]:
    """The URL of a database of another encoding than UTF-8."""
    name = f"encoded_{request.param.lower()}"
    server18.maintain(f"DROP DATABASE IF EXISTS {name}")
    server18.maintain(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{request.param}' "
        f"LOCALE_PROVIDER libc LOCALE 'C'"
    )
    yield urlsplit(server18.url)._replace(path=f"/{name}").geturl()
    server18.maintain(f"DROP DATABASE {name} WITH (FORCE)")


async def test_json_holds_what_the_database_can(encoded_url: str) -> None:
    document: Any = UMLAUT if "sql_ascii" in encoded_url else {"name": "ü"}
    if "euc_jp" in encoded_url:
        document = {"name": "日本"}
    async with await create_engine(encoded_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        one = await session.insert(
            Word(code=0, document=document, documents=[document], source=document)
        )
        await session.insert_all(
            [Word(code=n, document=document, documents=[], source=document) for n in (1, 2)]
        )
        await session.update(one, document=[document], source=[document])
        one.document = document
        await session.bulk_update([one], [Word.document])
        await session.upsert(Word(code=1, document=document), conflict_target=["code"])
        found = await session.query(Word).filter(Word.document.contains(document)).all()
        assert [word.document for word in found] == [document] * 3
        assert await session.query(Word).filter(document__in=[document]).count() == 3
        assert await session.query(Word).filter(Word.document["name"] == document["name"]).count()
        shown = await engine.execute("SELECT $1::jsonb, $2::json", [document, document])
        assert shown.tuples() == [(document, document)]


async def test_half_a_surrogate_pair_in_json_is_stored_as_before(database_url: str) -> None:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        word = await AsyncSession(engine).insert(Word(code=1, source={"half": "\ud800"}))
        again = await AsyncSession(engine).get_or_raise(Word, word.id)
        assert again.source == {"half": "\ud800"}
