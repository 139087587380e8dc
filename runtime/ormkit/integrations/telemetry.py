"""What telemetry says of a statement, by the names of OpenTelemetry's semantic conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..connecting.conninfo import ConnInfo
from ..connecting.options import EMBEDDED
from ..embedded.url import parts_of
from ..errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from ..engine import Engine
    from ..events.event import StatementEvent

#: How many texts each cache keeps.
MOST_TEXTS = 4096
#: The bounds of the histogram of seconds that the conventions advise.
BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Target:
    """The database of an engine, as far as its URL says it."""

    namespace: str | None
    address: str | None
    port: int | None

    @classmethod
    def of(cls, engine: Engine) -> Target:
        """Return the database that an engine was opened for."""
        url = engine.url
        if url.startswith(EMBEDDED):
            return cls(parts_of(url)[1].get("dbname", "postgres"), None, None)
        info = ConnInfo.of(url)
        arguments = info.arguments()
        first = next(iter(info.hosts), None)
        address = None if first is None else first.target
        port = None if first is None or address is None else first.port or 5432
        return cls(arguments.get("database") or arguments.get("user"), address, port)

    @property
    def pool_name(self) -> str:
        """What tells its pool from those of other databases: `address:port/namespace`."""
        server = self.address or ""
        if server and self.port is not None:
            server += f":{self.port}"
        return "/".join(filter(None, (server, self.namespace))) or "ormkit"

    def attributes(self) -> dict[str, str | int]:
        """Return the attributes of every span and metric of this database."""
        found: dict[str, str | int] = {"db.system.name": "postgresql"}
        if self.namespace:
            found["db.namespace"] = self.namespace
        if self.address:
            found["server.address"] = self.address
            if self.port is not None:
                found["server.port"] = self.port
        return found


def check_engine(engine: object, name: str) -> None:
    """Raise UsageError for anything but an engine."""
    if not hasattr(engine, "listen"):
        raise UsageError(f"{name}() takes an engine, not {type(engine).__name__}")


def shape_attributes(event: StatementEvent) -> dict[str, str]:
    """Return the attributes that all statements of one shape and operation share."""
    batch = "BATCH " if event.is_pipelined else ""
    found = {
        "db.operation.name": batch + event.operation,
        "db.query.summary": batch + event.summary,
    }
    if len(event.tables) == 1:
        found["db.collection.name"] = event.tables[0]
    return found


def error_attributes(error: BaseException) -> dict[str, str]:
    """Return the attributes of a failed statement, without the text of the server."""
    found = {"error.type": type(error).__name__}
    if isinstance(error, DatabaseError) and error.sqlstate:
        found["db.response.status_code"] = error.sqlstate
    return found
