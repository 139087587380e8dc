"""Check which migrations of the project a database has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ormkit_gen.cli.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from ormkit.migrations import Options, Status

#: What brings the tables of a database up to the schema.
APPLY = "run `ormkit migrate apply`"
STATUS = "see `ormkit migrate status`"


def check_migrations(name: str, url: str, directory: Path, options: Options) -> Finding | None:
    """Return what there is to do about the migrations of a directory; None without one."""
    from ormkit import DatabaseError, create_engine
    from ormkit.migrations import read_status

    async def read() -> Status:
        async with await create_engine(url, max_connections=1, statement_cache_size=0) as engine:
            return await read_status(engine, directory, options)

    if not directory.is_dir():
        return None
    try:
        return finding_of(name, asyncio.run(read()))
    except DatabaseError as error:
        return note(name, f"cannot be read: {error}", STATUS)


def finding_of(name: str, status: Status) -> Finding:
    """Return what there is to do about migrations of this state."""
    if status.problem is not None:
        return problem(name, str(status.problem), STATUS)
    if status.unfinished is not None:
        return problem(name, f"{status.unfinished.id} is half done", f"{STATUS}, or {APPLY}")
    if status.pending:
        count, first = len(status.pending), status.pending[0]
        others = f" and {count - 1} after it" if count > 1 else ""
        return problem(name, f"{first}{others} is not in the database", APPLY)
    return ok(name, "the database has all of them")
