"""TLS is checked as the URL says, and a password shows nowhere."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit import ConfigurationError, ConnectionFailed, Engine, PoolTimeout, create_engine
from tests.reliability.certificates import make_authority, make_certificate
from tests.servers import ContribServer, contrib_binaries

PASSWORD = "s3cret-Pa55"
RULES = """
local all all trust
hostssl all ada 127.0.0.1/32 scram-sha-256
hostssl all all 127.0.0.1/32 trust
"""


class SecureServer:
    """A server that takes TLS alone over TCP, as `localhost`."""

    def __init__(self, port: int, certificates: Path) -> None:
        self.port = port
        self.certificates = certificates

    def url(self, mode: str, host: str = "localhost", authority: str = "", user: str = "") -> str:
        """Return a URL for the server with this sslmode, and this authority to check it with."""
        root = f"&sslrootcert={self.certificates / authority}.crt" if authority else ""
        return f"postgresql://{user or 'postgres'}@{host}:{self.port}/postgres?sslmode={mode}{root}"


@pytest.fixture(scope="module")
def secure(server_directory: Path) -> Iterator[SecureServer]:
    binaries = contrib_binaries()
    if binaries is None or shutil.which("openssl") is None:
        pytest.skip("neither PostgreSQL with TLS nor openssl is installed")
    directory = server_directory / "certificates"
    directory.mkdir()
    make_authority(directory, "right")
    make_authority(directory, "wrong")
    make_certificate(directory, "right", "server", "localhost")
    (directory / "pg_hba.conf").write_text(RULES, encoding="utf-8")
    (directory / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        for file in (directory, *directory.iterdir()):
            shutil.chown(file, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "ssl": "on",
        "ssl_cert_file": str(directory / "server.crt"),
        "ssl_key_file": str(directory / "server.key"),
        "hba_file": str(directory / "pg_hba.conf"),
    }
    server = ContribServer(binaries, server_directory / "secure", settings)
    server.url += f"&port={port}"
    with server:
        server.run_script(server.url, f"CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'")
        yield SecureServer(port, directory)


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
