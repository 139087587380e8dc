"""Parses embedded:// URLs, starts their server, and creates the requested database."""

from __future__ import annotations

import asyncio

from ..connecting.conninfo import ConnInfo, query_parameters, url_decoded
from ..connecting.libpq_parameters import TLS_REQUIRED_MODES
from ..connecting.options import EMBEDDED
from ..driver.connection import Connection
from ..errors import ConfigurationError, DatabaseError
from ..postgres.identifiers import quote
from .server import EmbeddedServer

#: Connection options that locate a server, which an embedded:// URL refuses.
OF_THE_SERVER = ("host", "hostaddr", "port", "service", "servicefile", "passfile")
#: SQLSTATEs if another process has created the database concurrently.
MADE_ALREADY = ("42P04", "23505")


async def open_embedded(url: str) -> tuple[EmbeddedServer, ConnInfo]:
    """Start the server of the URL; return it and the connection parameters for its database.

    The directory and the database are created if they do not exist.

    Raises ConfigurationError, EmbeddedServerError, ConnectionFailed, and the DatabaseError of a
    failed CREATE DATABASE.
    """
    path, words = parts_of(url)
    ConnInfo.of(EMBEDDED, {}, words)  # Invalid options raise before anything is created.
    server = await asyncio.to_thread(EmbeddedServer.start, path)
    try:
        if name := words.get("dbname"):
            await create_database(server, name)
        return server, ConnInfo.of(server.url, {}, words)
    except BaseException:
        await asyncio.to_thread(server.stop)
        raise


def parts_of(url: str) -> tuple[str, dict[str, str]]:
    """Return the path and the options of the URL; raises ConfigurationError."""
    path, _, query = url.removeprefix(EMBEDDED).partition("?")
    words = query_parameters(query)
    for word in OF_THE_SERVER:
        if word in words:
            raise ConfigurationError(
                f"{word} says where a server is, and the server of an embedded:// URL is in "
                "its directory: remove the parameter, or write postgresql://"
            )
    if words.get("sslmode") in TLS_REQUIRED_MODES:
        raise ConfigurationError(
            "the server of an embedded:// URL listens on a local socket, without TLS: remove "
            "sslmode"
        )
    return url_decoded(path), words


async def create_database(server: EmbeddedServer, name: str) -> None:
    """Create the database if it does not exist."""
    info = ConnInfo.of(server.url, {})
    connection = await Connection.open({**info.arguments(), "server_settings": {}})
    try:
        found = await connection.fetch("SELECT 1 FROM pg_database WHERE datname = $1", [name])
        if not found:
            await connection.script(f"CREATE DATABASE {quote(name)}")
    except DatabaseError as error:
        if error.sqlstate not in MADE_ALREADY:
            raise
    finally:
        await connection.close()
