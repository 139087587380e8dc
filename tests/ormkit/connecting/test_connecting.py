"""Making connections: every form of URL, several hosts, and what prepares a connection."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ormkit import (
    ConfigurationError,
    ConnectionFailed,
    DatabaseError,
    NewConnection,
    StatementError,
    UsageError,
    create_engine,
)
from tests.proxy import Proxy

WHO = "SELECT current_database(), current_setting('app.region', true)"


async def database_at(url: str, **options: Any) -> str:
    """Connect and return the name of the database."""
    async with await create_engine(url, **options) as engine:
        name: str = (await engine.execute(WHO)).scalar()
        return name


def dead_port() -> int:
    """Return a port on which no one listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.slow
async def test_every_form_of_url_reaches_its_database(database_url: str) -> None:
    parts = urlsplit(database_url)
    name = parts.path[1:]
    host = parse_qs(parts.query)["host"][0]
    for url in (
        database_url,
        database_url.replace("postgresql://", "postgres://"),
        f"postgresql:///{name}?host={host}&user=postgres",
        f"postgresql://?host={host}&user=postgres&dbname={name}",
        f"postgresql://postgres@{host.replace('/', '%2F')}/{name}",
        f"postgresql://postgres@/%74{name[1:]}?host={host}",
        f"{database_url}&application_name=x&target_session_attrs=any",
    ):
        assert await database_at(url) == name
    async with Proxy(database_url) as proxy:
        assert await database_at(proxy.url) == name
        assert await database_at(proxy.url.replace("sslmode=disable", "sslmode=prefer")) == name
        assert await database_at(proxy.url.replace("postgres@", "postgres:p%40%2F@")) == name


async def test_of_several_hosts_one_that_answers_is_taken(database_url: str) -> None:
    name = urlsplit(database_url).path[1:]
    async with Proxy(database_url) as proxy:
        alive = proxy.url.partition("@")[2].partition("/")[0]
        dead = f"127.0.0.1:{dead_port()}"
        for hosts in (f"{dead},{alive}", f"{alive},{dead}"):
            url = f"postgresql://postgres@{hosts}/{name}?sslmode=disable"
            assert await database_at(url) == name
            assert await database_at(f"{url}&target_session_attrs=primary") == name
            assert await database_at(f"{url}&target_session_attrs=read-write") == name
            with pytest.raises(ConnectionFailed, match="cannot connect"):
                await database_at(f"{url}&target_session_attrs=standby", reconnect_timeout=0)
        with pytest.raises(ConnectionFailed, match="cannot connect"):
            await database_at(f"postgresql://postgres@{dead},{dead}/{name}", reconnect_timeout=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sslmode=verify", "sslmode"),
        ("sslmode=require&ssl_min_protocol_version=TLSv9", "TLS version"),
        ("sslnegotiation=never", "sslnegotiation"),
        ("target_session_attrs=best", "one of any, primary"),
        ("wrok_mem=1MB", "unrecognized configuration parameter"),
        ("work_mem=lots", "invalid value for parameter"),
    ],
)
async def test_a_wrong_word_in_the_url_is_told(database_url: str, words: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        async with Proxy(database_url) as proxy:
            await create_engine(f"{proxy.url.partition('?')[0]}?{words}")


@pytest.mark.parametrize(
    "url", ["postgresql://u:s3cret/x@host/db", "postgresql://u:s3cret@host:x/db", "postgresql://["]
)
async def test_a_url_that_cannot_be_read_does_not_show_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await create_engine(url)
    assert "s3cret" not in str(caught.value)


async def test_tls_that_the_server_does_not_have_is_a_failed_connection(database_url: str) -> None:
    async with Proxy(database_url) as proxy:
        with pytest.raises(ConnectionFailed, match="SSL"):
            await create_engine(proxy.url.replace("sslmode=disable", "sslmode=require"))


async def test_a_server_that_does_not_answer_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(ConnectionFailed, match="no answer in time"):
            await create_engine(url, connect_timeout=0.1, reconnect_timeout=0)


async def prepare(connection: NewConnection) -> None:
    await connection.execute("SELECT set_config('app.region', $1, false)", ["eu"])
    await connection.execute("CREATE TEMP TABLE scratch (n int)")


async def test_init_prepares_each_connection_also_after_a_reset(database_url: str) -> None:
    async with await create_engine(database_url, max_connections=2, init=prepare) as engine:
        for reset in ("SELECT 1", "SET app.region = 'us'", "DISCARD TEMP", "SET work_mem = '1MB'"):
            await engine.execute(reset)
            shown = await asyncio.gather(*(engine.execute(WHO) for _ in range(4)))
            assert {result.tuples()[0][1] for result in shown} == {"eu"}
            assert (await engine.execute("SELECT count(*) FROM scratch")).scalar() == 0


@pytest.mark.slow
async def test_an_init_that_raises_fails_the_connection_and_leaks_nothing(
    database_url: str,
) -> None:
    async def wrong(connection: NewConnection) -> None:
        await connection.execute("SELECT nonsense")

    async def broken(connection: NewConnection) -> None:
        raise LookupError

    async def slow(connection: NewConnection) -> None:
        await connection.execute("SELECT pg_sleep(30)")

    async with await create_engine(database_url) as engine:
        with pytest.raises(StatementError):
            await create_engine(database_url, init=wrong, application_name="leak")
        with pytest.raises(LookupError):
            await create_engine(database_url, init=broken, application_name="leak")
        with pytest.raises(ConnectionFailed, match="init took longer"):
            await create_engine(
                database_url, init=slow, connect_timeout=0.3, application_name="leak"
            )
        leaked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leak' "
        async with asyncio.timeout(20):
            while (await engine.execute(leaked + "AND query NOT LIKE '%sleep%'")).scalar():
                await asyncio.sleep(0.05)


async def test_an_init_that_fails_later_reaches_whoever_asked(database_url: str) -> None:
    calls = 0

    async def second_fails(connection: NewConnection) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            await connection.execute("SELECT nonsense")

    async with await create_engine(database_url, max_connections=2, init=second_fails) as engine:
        work = [engine.execute("SELECT pg_sleep(0.1)") for _ in range(2)]
        results = await asyncio.gather(*work, return_exceptions=True)
        assert sum(isinstance(each, DatabaseError) for each in results) == 1
        assert engine.pool.size == 1


async def test_the_connection_of_init_is_not_kept(database_url: str) -> None:
    kept: list[NewConnection] = []

    async def keep(connection: NewConnection) -> None:
        with pytest.raises(UsageError, match="BEGIN"):
            await connection.execute("BEGIN")
        kept.append(connection)

    async with await create_engine(database_url, init=keep):
        with pytest.raises(UsageError, match="init has ended"):
            await kept[0].execute("SELECT 1")


async def test_init_is_a_function(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="init="):
        await create_engine(f"embedded://{tmp_path}/never", init=3)  # type: ignore[arg-type]  # pyright: ignore
