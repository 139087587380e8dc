"""TLS is checked as the URL says, and a password shows nowhere."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from ormkit import ConfigurationError, ConnectionFailed, Engine, PoolTimeout, create_engine
from tests.reliability.secure_server import PASSWORD, SecureServer


async def is_encrypted(engine: Engine) -> bool:
    found: bool = (
        await engine.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    ).scalar()
    return found


@pytest.mark.parametrize(
    ("mode", "host", "authority"),
    [
        ("require", "localhost", ""),
        ("prefer", "localhost", ""),
        ("verify-ca", "127.0.0.1", "right"),
        ("verify-full", "localhost", "right"),
    ],
)
async def test_a_connection_is_encrypted(
    secure: SecureServer, mode: str, host: str, authority: str
) -> None:
    async with await create_engine(secure.url(mode, host, authority)) as engine:
        assert await is_encrypted(engine)


async def user_of(url: str) -> tuple[str, bool, str]:
    """Connect; return who the server takes one for, whether by TLS, and from which address."""
    sql = (
        "SELECT session_user::text, ssl, host(inet_client_addr()) "
        "FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    )
    async with await create_engine(url) as engine:
        (row,) = (await engine.execute(sql)).tuples()
        return row  # type: ignore[no-any-return]


@pytest.mark.parametrize("mode", ["require", "prefer", "allow"])
async def test_a_password_lets_in_over_tls(secure: SecureServer, mode: str) -> None:
    url = secure.url(mode, "127.0.0.1", user=f"ada:{PASSWORD}")
    assert await user_of(url) == ("ada", True, "127.0.0.1")


async def test_a_function_gives_the_password_of_each_connection(secure: SecureServer) -> None:
    url = secure.url("require", "127.0.0.1", user="ada:wrong")
    given: list[str] = []

    async def rotating() -> str:
        given.append(PASSWORD)
        return PASSWORD

    async with await create_engine(url, password=rotating, max_connections=3) as engine:
        await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.05)") for _ in range(3)))
        assert len(given) == engine.pool_stats().opened
        assert len(given) >= 2
    async with await create_engine(url, password=lambda: PASSWORD) as engine:
        assert await is_encrypted(engine)
    async with await create_engine(url, password=PASSWORD) as engine:
        assert await is_encrypted(engine)


async def test_a_password_that_changed_while_connecting_is_asked_for_again(
    secure: SecureServer,
) -> None:
    url = secure.url("require", "127.0.0.1", user="ada")
    for given in ([PASSWORD, ""], ["old", PASSWORD], ["old", "old"], ["old", "older"]):
        left = [*given]
        connecting = create_engine(url, password=lambda left=left: left.pop(0))
        if PASSWORD in given:
            async with await connecting as engine:
                assert await is_encrypted(engine)
        else:
            with pytest.raises(ConnectionFailed, match="password authentication failed"):
                await connecting
        assert left == given[given.index(PASSWORD) + 1 if PASSWORD in given else 2 :]


async def test_a_function_that_gives_no_password_is_named(secure: SecureServer) -> None:
    url = secure.url("require", "127.0.0.1", user="ada")
    nothing: Any = dict
    with pytest.raises(ConfigurationError, match="returned a value of type dict"):
        await create_engine(url, password=nothing)
    number: Any = 5
    with pytest.raises(ConfigurationError, match="password is of type int"):
        await create_engine(url, password=number)

    def fail() -> str:
        raise LookupError("no token")

    with pytest.raises(LookupError, match="no token"):
        await create_engine(url, password=fail)


async def test_a_password_is_read_from_the_password_file(
    secure: SecureServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".pgpass"
    file.write_text(f"127.0.0.1:{secure.port}:*:ada:{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    url = secure.url("require", "127.0.0.1", user="ada")
    assert (await user_of(f"{url}&passfile={file}"))[0] == "ada"
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert (await user_of(url))[0] == "ada"
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (await user_of(url))[0] == "ada"


async def test_a_service_names_the_server_and_the_password_file_its_password(
    secure: SecureServer, tmp_path: Path
) -> None:
    passwords, services = tmp_path / "passwords", tmp_path / "services"
    passwords.write_text(f"localhost:{secure.port}:postgres:ada:{PASSWORD}\n", encoding="utf-8")
    passwords.chmod(0o600)
    services.write_text(
        f"[shop]\nhost=localhost\nport={secure.port}\nuser=ada\ndbname=postgres\n"
        f"sslmode=require\npassfile={passwords}\n",
        encoding="utf-8",
    )
    assert (await user_of(f"postgresql:///?service=shop&servicefile={services}"))[0] == "ada"


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
async def test_a_password_lets_in_over_plain_tcp(secure: SecureServer, mode: str) -> None:
    url = secure.url(mode, "127.0.0.1", user=f"edsger:{PASSWORD}")
    assert await user_of(url) == ("edsger", False, "127.0.0.1")


async def test_a_certificate_lets_its_user_in(secure: SecureServer) -> None:
    assert (await user_of(secure.certified("grace")))[:2] == ("grace", True)


async def test_without_the_right_certificate_nobody_is_let_in(secure: SecureServer) -> None:
    none = secure.url("require", user="grace")
    foreign = secure.certified("mallory").replace("//mallory@", "//grace@")
    of_another = secure.certified("grace").replace("//grace@", "//postgres@")
    assert (await user_of(of_another))[0] == "postgres"
    for url, problem in ((none, "client certificate"), (foreign, "cannot connect")):
        with pytest.raises(ConnectionFailed, match=problem):
            await create_engine(url, reconnect_timeout=0)


@pytest.mark.parametrize("mode", ["disable", "require"])
async def test_ipv6_reaches_it(secure: SecureServer, mode: str) -> None:
    if "::1" not in secure.addresses:
        pytest.skip("this machine has no IPv6")
    user = "edsger" if mode == "disable" else "ada"
    url = secure.url(mode, "[::1]", user=f"{user}:{PASSWORD}")
    assert await user_of(url) == (user, mode == "require", "::1")


@pytest.mark.parametrize("user", ["ada", "edsger"])
async def test_a_cancelled_statement_is_cancelled_on_the_server(
    secure: SecureServer, user: str
) -> None:
    """The request goes out on a connection of its own, which is encrypted too."""
    mode = "disable" if user == "edsger" else "verify-full"
    authority = "" if user == "edsger" else "right"
    url = secure.url(mode, authority=authority, user=f"{user}:{PASSWORD}")
    async with await create_engine(url, max_connections=1) as engine:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await engine.execute("SELECT pg_sleep(10)")
            async with asyncio.timeout(5):
                assert (await engine.execute("SELECT 1")).scalar() == 1


@pytest.mark.parametrize(
    ("mode", "host", "authority", "problem"),
    [
        ("verify-full", "localhost", "wrong", "certificate verify failed"),
        ("verify-ca", "localhost", "wrong", "certificate verify failed"),
        ("verify-full", "127.0.0.1", "right", "IP address mismatch"),
        ("disable", "localhost", "", "no encryption"),
    ],
)
async def test_a_server_that_cannot_be_trusted_is_refused_at_once(
    secure: SecureServer, mode: str, host: str, authority: str, problem: str
) -> None:
    url = secure.url(mode, host, authority)
    with pytest.raises(ConnectionFailed, match=problem):
        await create_engine(url)
    async with await create_engine(url, min_connections=0, reconnect_timeout=60) as engine:
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionFailed, match=problem):
                await engine.execute("SELECT 1")


async def test_a_missing_authority_is_a_wrong_configuration(secure: SecureServer) -> None:
    with pytest.raises((ConfigurationError, ConnectionFailed)):
        await create_engine(secure.url("verify-full", authority="missing"))


@pytest.mark.parametrize(
    ("user", "host", "error"),
    [
        (f"ada:{PASSWORD}x", "localhost", ConnectionFailed),
        (f"nobody:{PASSWORD}", "nowhere.invalid", ConnectionFailed),
        (f"ada:{PASSWORD}/", "localhost", ConfigurationError),
    ],
    ids=["wrong password", "wrong host", "unreadable URL"],
)
async def test_a_password_shows_in_no_error_and_no_log(
    secure: SecureServer,
    caplog: pytest.LogCaptureFixture,
    user: str,
    host: str,
    error: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error) as caught:
        await create_engine(secure.url("require", host, user=user), connect_timeout=5)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert PASSWORD not in shown


async def test_a_password_shows_in_no_repr_and_no_log_of_a_working_engine(
    secure: SecureServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    url = secure.url("verify-full", authority="right", user=f"ada:{PASSWORD}")
    async with await create_engine(url, leak_threshold=0.02) as engine:
        connection = await engine.pool.acquire()
        await asyncio.sleep(0.05)
        shown = f"{engine!r} {engine.pool!r} {engine.pool.options!r} {connection!r} {vars(engine)}"
        engine.pool.give(connection)
        assert await is_encrypted(engine)
        assert "may be leaking" in caplog.text
        assert PASSWORD not in shown + caplog.text


async def test_a_password_shows_in_no_exception_group_no_task_and_no_holder(
    secure: SecureServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    url = secure.url("require", user=f"ada:{PASSWORD}")
    wrong = secure.url("require", user=f"ada:{PASSWORD}x")
    shown = ""
    for each, problem in ((url, PoolTimeout), (wrong, ConnectionFailed)):
        async with await create_engine(
            each, min_connections=0, max_connections=1, acquire_timeout=0.5
        ) as engine:
            held = await engine.pool.acquire() if each is url else None
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    for _ in range(3):
                        group.create_task(engine.execute("SELECT 1"))
                    await asyncio.sleep(0)
                    shown += f"{asyncio.all_tasks()} {[t.get_stack() for t in asyncio.all_tasks()]}"
            assert {type(error) for error in caught.value.exceptions} == {problem}
            shown += "".join(traceback.format_exception(caught.value))
            shown += "".join(repr(vars(error)) for error in caught.value.exceptions)
            if held is not None:
                engine.pool.give(held)
    assert "held by" in shown
    assert PASSWORD not in shown + caplog.text
