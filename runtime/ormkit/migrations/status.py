"""What a database says of its migrations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MigrationError
from .backend import Holder, lock_holder
from .chain import Chain, read_chain
from .options import Options
from .pending import find_pending
from .runner import reading
from .state import Record, StepRecord

if TYPE_CHECKING:
    from ..engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of the migrations of a database."""

    #: What the database says of each migration, in the order in which they began.
    records: tuple[Record, ...] = ()
    #: The IDs of the migrations of the files that the database does not have, or not all of.
    pending: tuple[str, ...] = ()
    #: The migration that is half done, and its steps; and how many its file has.
    unfinished: Record | None = None
    steps: tuple[StepRecord, ...] = ()
    #: Who runs migrations now.
    holder: Holder | None = None
    #: Why the files do not fit the database.
    problem: MigrationError | None = None

    @property
    def is_current(self) -> bool:
        """Whether the database has all migrations, and is between two steps of none."""
        is_clean = all(each.state != "abandoned" for each in self.records)
        return is_clean and not self.pending and not self.unfinished and self.problem is None


async def read_status(engine: Engine, directory: str | Path, options: Options) -> Status:
    """Return the state of the migrations of a database. It is only read.

    Raises DatabaseError if it cannot be read.
    """
    problem: MigrationError | None = None
    try:
        chain = read_chain(Path(directory))
    except MigrationError as error:
        chain, problem = Chain(()), error
    async with reading(engine, options) as backend:
        connection, tables = backend.connection, backend.tables
        holder = await lock_holder(connection, tables)
        if not await tables.exist(connection):
            pending = tuple(each.id for each in chain)
            return Status(pending=pending, holder=holder, problem=problem)
        records = await tables.records(connection)
        has = {each.id for each in records if each.is_there}
        pending = tuple(each.id for each in chain if each.id not in has)
        if problem is None:
            try:
                found = await find_pending(connection, tables, chain, Path(directory))
                pending = tuple(each.id for each in found.migrations)
            except MigrationError as error:
                problem = error
        unfinished = next((each for each in records if each.is_unfinished), None)
        steps = await tables.steps(connection, unfinished.id) if unfinished else ()
    return Status(
        records=records,
        pending=pending,
        unfinished=unfinished,
        steps=steps,
        holder=holder,
        problem=problem,
    )


async def stored_files(engine: Engine, migration: str, options: Options) -> dict[str, str]:
    """Return the texts of the files of a migration, as they were when it ran.

    Raises MigrationError for a migration that the database does not have.
    """
    async with reading(engine, options) as backend:
        found = {}
        if await backend.tables.exist(backend.connection):
            found = dict(await backend.tables.files(backend.connection, migration))
    if not found:
        raise MigrationError(f"the database has no migration {migration}", code="unknown-migration")
    return found
