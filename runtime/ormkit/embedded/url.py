"""embedded:// URLs: a directory, and words about the connection to the server on it."""

from __future__ import annotations

import asyncio

from ..connecting.conninfo import ConnInfo, decoded, query_words
from ..connecting.libpq_words import SURE_MODES
from ..connecting.options import EMBEDDED
from ..driver.connection import Connection
from ..errors import ConfigurationError, DatabaseError
from ..postgres.identifiers import quote
from .server import EmbeddedServer

#: Words about where a server is, and how it is reached.
OF_THE_SERVER = ("host", "hostaddr", "port", "service", "servicefile", "passfile")
#: SQLSTATEs where another process made the database in the same moment.
MADE_ALREADY = ("42P04", "23505")


async def open_embedded(url: str) -> tuple[EmbeddedServer, ConnInfo]:
    """Start the server of the URL; return it, and what connects to the database that is wanted.

    The database is made where the server does not have it, as the directory is.

    Raises ConfigurationError, EmbeddedServerError, and what connecting raises.
    """
    path, words = parts_of(url)
    ConnInfo.of(EMBEDDED, {}, words)  # refuses before anything is made
    server = await asyncio.to_thread(EmbeddedServer.start, path)
    try:
        if name := words.get("dbname"):
            await create_database(server, name)
        return server, ConnInfo.of(server.url, {}, words)
    except BaseException:
        await asyncio.to_thread(server.stop)
        raise


def parts_of(url: str) -> tuple[str, dict[str, str]]:
    """Return the path and the words of the URL; raises ConfigurationError."""
    path, _, query = url.removeprefix(EMBEDDED).partition("?")
    words = query_words(query)
    for word in OF_THE_SERVER:
        if word in words:
            raise ConfigurationError(
                f"{word} says where a server is, and the one of an embedded:// URL is in its "
                f"directory: remove the word, or write postgresql://"
            )
    if words.get("sslmode") in SURE_MODES:
        raise ConfigurationError(
            "the server of an embedded:// URL listens on a socket of this machine, without TLS: "
            "remove sslmode"
        )
    return decoded(path), words


async def create_database(server: EmbeddedServer, name: str) -> None:
    """Make the database where the server does not have it."""
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
