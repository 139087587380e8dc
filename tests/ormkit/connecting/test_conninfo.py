"""libpq's words: each is honoured, or refused by name where ignoring it would be unsafe."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ormkit import (
    ConfigurationError,
    ConnectionFailed,
    EmbeddedServer,
    Engine,
    create_engine,
)
from ormkit import engine as engine_module
from ormkit.connecting.conninfo import ConnInfo, without_secrets
from ormkit.connecting.foreign_parameters import check_known_spelling
from ormkit.connecting.libpq_parameters import KNOWN_PARAMETERS, UNSUPPORTED
from ormkit.connecting.options import check_url
from tests.proxy import Proxy
from tests.servers import Server

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

#: https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS
LIBPQ = re.findall(
    r"\w+",
    """
host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout
client_encoding options application_name fallback_application_name keepalives keepalives_idle
keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode requiressl
sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert
sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version
min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key
scram_server_key service servicefile target_session_attrs load_balance_hosts oauth_issuer
oauth_client_id oauth_client_secret oauth_scope
""",
)


def arguments(url: str, **environment: str) -> dict[str, Any]:
    return ConnInfo.of(url, environment).arguments()


@asynccontextmanager
async def opened(url: str, words: str, **options: Any) -> AsyncIterator[Engine]:
    """An engine by TCP, with these words in its URL."""
    async with Proxy(url) as proxy:
        plain = proxy.url.partition("?")[0]
        async with await create_engine(f"{plain}?{words}", max_connections=1, **options) as engine:
            yield engine


def socket_of(engine: Engine) -> Any:
    (connection,) = engine.pool._opened_at
    return connection._raw._transport.get_extra_info("socket")


def test_no_word_of_libpq_is_passed_as_a_run_time_parameter() -> None:
    # options is one that the server itself takes.
    assert set(LIBPQ) - KNOWN_PARAMETERS == {"options"}


def test_a_url_is_read_as_libpq_reads_it() -> None:
    assert arguments("postgresql://u:p%40%2F:@one:1,[::1]:2/d%20b") == {
        "user": "u",
        "password": "p@/:",
        "database": "d b",
        "host": ["one", "::1"],
        "port": [1, 2],
    }
    assert arguments("postgresql://") == {}
    assert arguments("postgresql://:5433") == {"port": [5433]}
    assert arguments("postgresql://h?port=6543&password=a+b%2B") == {
        "host": ["h"],
        "port": [6543],
        "password": "a+b+",
    }
    assert arguments("postgresql://a,b:2/x") == {
        "host": ["a", "b"],
        "port": [5432, 2],
        "database": "x",
    }
    assert arguments("postgresql://a,b/x?port=7") == {
        "host": ["a", "b"],
        "port": [7, 7],
        "database": "x",
    }
    # What follows the ? goes before, and the last one counts.
    assert arguments("postgresql://u@h/x?host=/tmp&dbname=y&user=v&user=w")["host"] == ["/tmp"]
    assert arguments("postgresql://u@h/x?dbname=y&user=v&user=w")["user"] == "w"
    assert arguments("postgresql:///?sslmode=require&sslpassword=a%26b") == {
        "dsn": "postgresql://?sslmode=require&sslpassword=a%26b"
    }
    assert arguments("postgresql:///?ssl=true") == {"dsn": "postgresql://?sslmode=require"}
    assert ConnInfo.of("postgresql:///?work_mem=1MB&options=-c%20a.b%3D1", {}).settings == {
        "work_mem": "1MB",
        "options": "-c a.b=1",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("channel_binding=require", "channel_binding is not supported: .*sslmode=verify-full"),
        ("channel_binding=maybe", "channel_binding"),
        ("require_auth=scram-sha-256", "require_auth is not supported"),
        ("require_auth=!password", "require_auth is not supported"),
        ("requirepeer=postgres", "requirepeer is not supported"),
        ("gssencmode=require", "gssencmode is not supported: .*sslmode=require"),
        ("gssdelegation=1", "gssdelegation is not supported"),
        ("replication=database", "replication is not supported"),
        ("sslsni=0", "sslsni is not supported"),
        ("sslcertmode=require", "sslcertmode is not supported"),
        ("sslcertmode=disable", "sslcertmode is not supported"),
        ("sslkeylogfile=/tmp/x", "sslkeylogfile is not supported: set SSLKEYLOGFILE"),
        ("min_protocol_version=3.2", "min_protocol_version is not supported"),
        ("max_protocol_version=2", "max_protocol_version is not supported"),
        (
            "load_balance_hosts=always",
            "load_balance_hosts is not supported: it must be disable or random",
        ),
        ("scram_client_key=x", "scram_client_key is not supported"),
        ("oauth_issuer=x", "oauth_issuer is not supported"),
        ("requiressl=1", "write sslmode=require"),
        ("ssl=require", "write sslmode="),
        ("connect_timeout=soon", "connect_timeout must be a whole number"),
        ("keepalives_idle=-1", "keepalives_idle must be a whole number, at least 0"),
        ("tcp_user_timeout=1.5", "tcp_user_timeout must be a whole number"),
        ("sslcert=/nowhere", "sslcert names '/nowhere'"),
        ("sslmode=verify-ca&sslrootcert=/nowhere", "sslrootcert names '/nowhere'"),
        ("sslrootcert=system&sslmode=require", "only with sslmode=verify-full"),
        ("host=a,b&hostaddr=1.1.1.1", "1 addresses for 2 hosts"),
        ("host=a,b,c&port=1,2", "2 ports for 3 hosts"),
        ("host=a,,c", "one of the hosts in the URL has no name"),
        ("sslmode", "not name=value"),
        ("=x", "not name=value"),
        ("user=%FF", "cannot be read"),
        ("user=%00", "NUL"),
    ],
)
async def test_a_word_that_cannot_be_honoured_is_refused_by_name(words: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await create_engine(f"postgresql://h/x?{words}")


@pytest.mark.parametrize(
    "words",
    [
        *("channel_binding=prefer", "channel_binding=disable", "channel_binding="),
        *("require_auth=", "gssencmode=prefer", "gssencmode=disable", "gssdelegation=0"),
        *("replication=false", "sslcompression=0", "sslcompression=1", "sslsni=1"),
        *("sslcertmode=allow", "min_protocol_version=3.0", "max_protocol_version=latest"),
        *("load_balance_hosts=random", "load_balance_hosts=disable", "krbsrvname=postgres"),
        *("tcp_user_timeout=1000", "keepalives=0", "sslmode=prefer", "target_session_attrs=any"),
        *("connect_timeout=0", "connect_timeout=-1", "connect_timeout=7", "options=-c%20geqo=off"),
        *("fallback_application_name=x", "sslrootcert=/nowhere", "client_encoding=auto"),
    ],
)
async def test_a_word_that_asks_for_what_happens_anyway_connects(
    database_url: str, words: str
) -> None:
    async with opened(database_url, words) as engine:
        assert (await engine.execute("SELECT 1")).scalar() == 1


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("schema=public", "the URL has schema, .*: write search_path="),
        ("currentSchema=app", "currentSchema, .*: write search_path="),
        ("connection_limit=5", "max_connections="),
        ("max_connections=5", "create_engine"),
        ("minPoolSize=5", "min_connections="),
        ("pgbouncer=true", "statement_cache_size=0"),
        ("prepareThreshold=0", "statement_cache_size=0"),
        ("pool_timeout=3", "acquire_timeout="),
        ("connectTimeout=3", "write connect_timeout="),
        ("charset=utf8", "UTF-8"),
        ("sslaccept=strict", "sslmode=verify-full"),
        ("ssl=no-verify", "require where no certificate is checked"),
    ],
)
def test_a_parameter_of_another_library_is_answered_with_what_to_write(
    words: str, remedy: str
) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        arguments(f"postgresql://localhost/x?{words}")


def test_parameters_of_the_server_are_none_of_other_libraries() -> None:
    words = ("search_path", "Search_Path", "statement_timeout", "TimeZone", "work_mem", "a.schema")
    url = f"postgresql:///x?{'&'.join(f'{word}=1' for word in words)}"
    assert {*ConnInfo.of(url, {}).settings} == {*words}


async def test_no_parameter_of_the_server_is_refused_as_one_of_another_library(
    database_url: str,
) -> None:
    async with await create_engine(database_url) as engine:
        found = await engine.execute("SELECT name FROM pg_settings WHERE context <> 'postmaster'")
    for row in found:
        check_known_spelling(row["name"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is the variable set"),
        (" postgresql:///x\n", "a blank or a quote"),
        ("'postgresql:///x'", "a blank or a quote"),
        ("${DATABASE_URL}", "the name of a variable"),
        ("postgresql+asyncpg:///x", "write postgresql://, as asyncpg"),
        ("jdbc:postgresql://h/x", "write postgresql://"),
        ("host=h password=secret", "keywords and values"),
        ("mysql://h/x", "must begin with one of"),
    ],
)
def test_what_is_no_url_is_told_with_the_way_to_one(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)


async def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    for url in (f"postgresql:///x?host={tmp_path}", "postgresql://nowhere.invalid/x"):
        with pytest.raises(ConnectionFailed, match=r"; tried (/|nowhere)"):
            await create_engine(url, reconnect_timeout=0)


async def test_names_of_the_application_and_timeouts_come_from_the_url(database_url: str) -> None:
    shown = "SELECT current_setting('application_name')"

    async def name(words: str, **options: Any) -> object:
        async with opened(database_url, words, **options) as engine:
            return (await engine.execute(shown)).scalar()

    assert await name("sslmode=disable") == "ormkit"
    assert await name("application_name=shop") == "shop"
    assert await name("fallback_application_name=shop") == "shop"
    assert await name("application_name=shop&fallback_application_name=other") == "shop"
    assert await name("application_name=shop", application_name="given") == "given"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=1"
        async with asyncio.timeout(4):
            with pytest.raises(ConnectionFailed, match="no answer in time"):
                await create_engine(url, reconnect_timeout=0)


async def test_words_about_the_socket_reach_it(database_url: str) -> None:
    words = (
        "keepalives_idle=31&keepalives_interval=7&keepalives_count=4&tcp_user_timeout=9000"
        "&sslmode=disable"
    )

    def options(engine: Engine) -> list[int]:
        found = socket_of(engine)
        names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        return [
            found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            *(found.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names),
        ]

    async with opened(database_url, words) as engine:
        assert options(engine) == [1, 31, 7, 4, 9000]
    async with opened(database_url, "keepalives=1") as engine:
        assert options(engine)[0] == 1
    async with opened(database_url, "keepalives=0&keepalives_idle=31") as engine:
        assert options(engine)[0] == 0
    async with await create_engine(f"{database_url}&keepalives_idle=31") as engine:
        assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_hostaddr_is_dialled_and_host_is_a_name(database_url: str) -> None:
    async with Proxy(database_url) as proxy:
        port = urlsplit(proxy.url).port
        name = urlsplit(database_url).path
        for words in ("host=nowhere.invalid&hostaddr=127.0.0.1", "hostaddr=127.0.0.1"):
            url = f"postgresql://postgres@{name}?{words}&port={port}&sslmode=disable"
            async with await create_engine(url) as engine:
                assert (await engine.execute("SELECT 1")).scalar() == 1


def test_hosts_are_balanced_for_each_attempt() -> None:
    info = ConnInfo.of("postgresql://a:1,b:2,c:3/x?load_balance_hosts=random", {})
    orders = set()
    for _ in range(200):
        found = info.arguments()
        assert sorted(zip(found["host"], found["port"], strict=True)) == [
            ("a", 1),
            ("b", 2),
            ("c", 3),
        ]
        orders.add(tuple(found["host"]))
    assert len(orders) == 6
    plain = ConnInfo.of("postgresql://a:1,b:2,c:3/x", {})
    assert {tuple(plain.arguments()["host"]) for _ in range(20)} == {("a", "b", "c")}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PGSERVICE", "missing", "the service 'missing' is not defined"),
        ("PGCHANNELBINDING", "require", "channel_binding is not supported"),
        ("PGREQUIREAUTH", "scram-sha-256", "require_auth is not supported"),
        ("PGREQUIREPEER", "postgres", "requirepeer is not supported"),
        ("PGGSSENCMODE", "require", "gssencmode is not supported"),
        ("PGSSLCERTMODE", "require", "sslcertmode is not supported"),
    ],
)
async def test_a_variable_that_must_not_be_ignored_is_not(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=message):
        await create_engine("postgresql://localhost:1/x")


async def test_a_service_gives_words_and_a_missing_one_is_told(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = parse_qs(urlsplit(database_url).query)["host"][0]
    name = urlsplit(database_url).path[1:]
    file = tmp_path / "services"
    file.write_text(
        f"# ours\n[shop]\nhost={host}\ndbname={name}\nuser=postgres\npassword=50%off%(x)s\n"
        "application_name=from service\n[odd]\nwork_mem=1MB\n",
        encoding="utf-8",
    )
    shown = "SELECT current_database(), current_setting('application_name')"

    async def answer(url: str) -> object:
        async with await create_engine(url) as engine:
            return (await engine.execute(shown)).tuples()[0]

    found = (name, "from service")
    assert await answer(f"postgresql://?service=shop&servicefile={file}") == found
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert await answer("postgresql://?service=shop") == found
    assert await answer("postgresql:///postgres?service=shop") == ("postgres", "from service")
    assert await answer("postgresql://?service=shop&application_name=x") == (name, "x")
    monkeypatch.setenv("PGSERVICE", "shop")
    assert await answer("postgresql://") == found
    for service, message in (("none", "'none' is not defined"), ("odd", "has 'work_mem'")):
        with pytest.raises(ConfigurationError, match=message):
            await create_engine(f"postgresql://?service={service}")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match=r"is not defined: looked in .*nowhere"):
        await create_engine("postgresql://?service=shop")
    monkeypatch.delenv("PGSERVICEFILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"looked in .*\.pg_service\.conf"):
        await create_engine("postgresql://?service=shop")
    file.write_text("[shop\npassword=s3cret\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        await create_engine(f"postgresql://?service=shop&servicefile={file}")
    assert "s3cret" not in str(caught.value)


def test_every_refusal_says_what_to_do() -> None:
    for word, (allowed, reason) in UNSUPPORTED.items():
        assert (
            "remove the parameter" in reason
            or "it must be" in reason
            or "set " in reason
            or "write " in reason
        ), word
        assert all(value == value.lower() for value in allowed)


async def test_a_server_that_is_not_up_yet_is_waited_for(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with EmbeddedServer.start(directory, settings={"fsync": "off"}) as server:
        url = server.url
    opening = asyncio.create_task(create_engine(url))
    await asyncio.sleep(0.3)
    assert not opening.done()
    with await asyncio.to_thread(EmbeddedServer.start, directory, settings={"fsync": "off"}):
        async with await opening as engine:
            assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_waiting_ends_with_reconnect_timeout_and_mistakes_are_told_at_once(
    database_url: str,
) -> None:
    loop = asyncio.get_running_loop()

    async def seconds(url: str, **options: Any) -> float:
        began = loop.time()
        with pytest.raises((ConnectionFailed, ConfigurationError)):
            await create_engine(url, **options)
        return loop.time() - began

    refused = "postgresql://127.0.0.1:1/x"
    # It gives up where the next wait, of up to half a second, would end too late.
    assert 0.35 < await seconds(refused, reconnect_timeout=0.9) < 2
    assert await seconds(refused, reconnect_timeout=0) < 0.5
    for wrong in (
        database_url.replace("/test_", "/no_such_"),
        database_url.replace("postgres@", "nobody@"),
        f"{database_url}&work_mem=lots",
        "postgresql://127.0.0.1:x/x",
    ):
        assert await seconds(wrong, reconnect_timeout=30) < 3
    async with Proxy(database_url) as proxy:
        tls = proxy.url.replace("sslmode=disable", "sslmode=require")
        assert await seconds(tls, reconnect_timeout=30) < 3


async def test_an_old_server_is_logged_once(
    database_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_warned_of", set())
    async with await create_engine(database_url):
        assert caplog.records == []
    monkeypatch.setattr(engine_module, "OLDEST_VERSION", 19)
    with caplog.at_level(logging.WARNING, "ormkit"):
        for _ in range(2):
            async with await create_engine(database_url, min_connections=2):
                pass
    (record,) = caplog.records
    assert "the server is PostgreSQL 18" in record.getMessage()


async def test_a_server_below_16_is_told_of(
    contrib_server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_warned_of", set())
    with caplog.at_level(logging.WARNING, "ormkit"):
        async with await create_engine(contrib_server.url) as engine:
            version = (await engine.execute("SHOW server_version_num")).scalar()
    assert len(caplog.records) == (int(version) < 160000)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:se%2Fcret@h1,h2/d?x=1", "postgresql://u:***@h1,h2/d?x=1"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:@h/d", "postgresql://u:***@h/d"),
        ("postgresql:///d?password=secret&host=/tmp", "postgresql:///d?password=***&host=/tmp"),
        ("postgresql://h/d?pass%77ord=secret", "postgresql://h/d?pass%77ord=***"),
        ("postgresql://h/d?sslpassword=secret", "postgresql://h/d?sslpassword=***"),
        ("postgresql://h/d?xpassword=s&password=s", "postgresql://h/d?xpassword=s&password=***"),
        ("postgresql://u:secret@h/?", "postgresql://u:***@h/?"),
        ("embedded://.pgdata", "embedded://.pgdata"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
