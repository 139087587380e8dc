"""A PgBouncer in front of a server of the tests: in transaction mode, or one that adds TLS."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg

from ormkit import Engine, create_engine
from tests.reliability.certificates import make_authority

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

SETTINGS = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
admin_users = postgres
logfile = {directory}/pgbouncer.log
ignore_startup_parameters = extra_float_digits
"""
#: Each transaction meets another backend.
TRANSACTIONS = """
pool_mode = transaction
default_pool_size = 2
server_round_robin = 1
"""
#: Each connection has a backend of its own, as without PgBouncer, and is encrypted, which the
#: embedded server cannot do.
ENCRYPTED = """
pool_mode = session
default_pool_size = 20
client_tls_sslmode = require
client_tls_cert_file = {directory}/server.crt
client_tls_key_file = {directory}/server.key
"""


class Bouncer:
    """Serves a server's databases, as long as the block lasts."""

    def __init__(self, url: str, directory: Path, *, is_encrypted: bool = False) -> None:
        parts = urlsplit(url)
        words = parse_qs(parts.query)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._directory = directory
        self._host = words["host"][0]
        self._is_encrypted = is_encrypted
        self._settings = (SETTINGS + (ENCRYPTED if is_encrypted else TRANSACTIONS)).format(
            host=self._host,
            port=words.get("port", ["5432"])[0],
            listen=self.port,
            directory=directory,
        )

    def url_of(self, url: str) -> str:
        """Return the URL of a database of the server, through here."""
        path = urlsplit(url).path
        mode = "require" if self._is_encrypted else "disable"
        return f"postgresql://postgres@127.0.0.1:{self.port}{path}?sslmode={mode}"

    @asynccontextmanager
    async def engine(self, url: str) -> AsyncGenerator[Engine]:
        """Yield an engine on a database of the server, through here."""
        options: Any = {} if self._is_encrypted else {"statement_cache_size": 0}
        async with await create_engine(self.url_of(url), max_connections=5, **options) as engine:
            if not self._is_encrypted:
                # Two backends, of which each transaction then meets the other one.
                await asyncio.gather(*(engine.execute("SELECT pg_sleep(0.01)") for _ in range(2)))
            yield engine
        # Or to drop the database, the server would wait for the end of these connections. KILL also
        # holds back those who come later.
        console: Any = await asyncpg.connect(self.url_of("/pgbouncer"))
        await console.execute(f"KILL {urlsplit(url).path[1:]}")
        await console.execute(f"RESUME {urlsplit(url).path[1:]}")
        console.terminate()

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        self._directory.mkdir()
        file = self._directory / "pgbouncer.ini"
        file.write_text(self._settings, encoding="utf-8")
        if self._is_encrypted:
            make_authority(self._directory, "server")
        # It does not run as root, and the server's socket is for the server's own user.
        owner = os.stat(self._host)
        for each in (self._directory, *self._directory.iterdir()):
            shutil.chown(each, owner.st_uid)
        is_root = os.geteuid() == 0
        self._process = subprocess.Popen(
            [PROGRAM, str(file)],
            user=owner.st_uid if is_root else None,
            group=owner.st_gid if is_root else None,
            extra_groups=[] if is_root else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.02)
        self._stop()
        raise AssertionError("PgBouncer does not answer")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(10)
