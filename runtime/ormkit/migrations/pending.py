"""What a database still lacks of the migrations, and whether its own are those of the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..driver.connection import Connection
from ..errors import MigrationError
from .chain import Chain
from .files import STATE, ChosenPhase, Migration, Phase
from .state import Record, StateTables


@dataclass(frozen=True, slots=True)
class Pending:
    """What there is to do."""

    #: What the database says of each migration.
    records: tuple[Record, ...]
    #: The one that is between two of its steps.
    unfinished: Record | None
    #: The migrations that the database does not have, or not all of; oldest first.
    migrations: tuple[Migration, ...]

    def chosen(self, choice: Choice) -> Sequence[Migration]:
        """Return those of the migrations that a run is for."""
        return choice.of(self.migrations, self.unfinished.id if self.unfinished else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of the pending migrations a run is for."""

    #: The ID of the last one.
    to: str | None = None
    #: The phase of all of them.
    phase: ChosenPhase | None = None
    #: Whether those of the phase contract wait until they are asked for.
    is_apart: bool = False

    def of(self, pending: Sequence[Migration], begun: str | None = None) -> Sequence[Migration]:
        """Return those that it is for.

        begun: the ID of one that is half done, which goes on.
        """
        if self.to is not None or self.phase == "all":
            return upto(pending, self.to, None)
        if self.phase is not None or not self.is_apart:
            return upto(pending, None, self.phase)
        places = (
            number
            for number, each in enumerate(pending)
            if each.header.phase == "contract" and each.id != begun
        )
        return pending[: next(places, None)]


def upto(
    migrations: Sequence[Migration], to: str | None, phase: Phase | None
) -> tuple[Migration, ...]:
    """Return the migrations up to an ID, or those of a phase before the first of another one."""
    found: list[Migration] = []
    if to is not None and all(each.id != to for each in migrations):
        # The database has it, and with it all that are before it.
        return ()
    for each in migrations:
        if phase is not None and each.header.phase != phase:
            break
        found.append(each)
        if each.id == to:
            break
    return tuple(found)


async def find_pending(
    connection: Connection, tables: StateTables, chain: Chain, directory: Path
) -> Pending:
    """Compare the migrations of the files with those of a database.

    Raises:
        MigrationError: The database has one that the files do not have, or that was edited since,
            or one that came after another that it does not have.
    """
    if not await tables.exist(connection):
        return Pending((), None, chain.migrations)
    records = await tables.records(connection)
    by_id = {each.id: each for each in records}
    check_known(records, chain, directory)
    squashed = squashes(chain, by_id)
    has = [each for each in chain if is_there(each, by_id, squashed)]
    check_order(chain, has, by_id)
    for each in has:
        record = by_id.get(each.id)
        if record is not None and record.hash != each.hash:
            await check_edited(connection, tables, record, each)
    unfinished = next((each for each in records if each.is_unfinished), None)
    left = tuple(each for each in chain if each not in has)
    if unfinished is not None and all(each.id != unfinished.id for each in left[:1]):
        if unfinished.state == "reverting":
            raise MigrationError(
                f"the down of {unfinished.id} was cut short: run `ormkit migrate down` to end it",
                code="reverting",
                migrations=(unfinished.id,),
            )
        raise unfinished_late(unfinished, left)
    return Pending(records, unfinished, left)


def is_there(migration: Migration, by_id: dict[str, Record], squashed: frozenset[str]) -> bool:
    """Return whether a database has all of a migration."""
    record = by_id.get(migration.id)
    return (record is not None and record.state == "applied") or migration.id in squashed


def check_known(records: Sequence[Record], chain: Chain, directory: Path) -> None:
    """Raise MigrationError for a migration of the database that is in no file."""
    known = {each.id for each in chain}
    for each in chain:
        known.update(each.header.replaces)
    for record in records:
        if record.id not in known and record.state != "abandoned":
            head = chain.head.id if chain.head else "no migration at all"
            raise MigrationError(
                f"the database has the migration {record.id}, which is not in {directory}, whose "
                f"last one is {head}: update the files from version control, or write it anew from "
                f"the texts in the database with `ormkit migrate status --restore {record.id}`",
                code="unknown-migration",
                migrations=(record.id,),
            )


def squashes(chain: Chain, by_id: dict[str, Record]) -> frozenset[str]:
    """Return the migrations in whose place the database has all the older ones.

    Raises:
        MigrationError: It has some of them only.
    """
    found: set[str] = set()
    for each in chain:
        replaced = each.header.replaces
        if not replaced or (each.id in by_id and by_id[each.id].is_there):
            continue
        has = [name for name in replaced if name in by_id and by_id[name].is_there]
        if len(has) == len(replaced):
            found.add(each.id)
        elif has:
            lacking = next(name for name in replaced if name not in has)
            raise MigrationError(
                f"{each.id} stands in the place of {len(replaced)} migrations, and the database "
                f"has them only up to {has[-1]}: run {lacking} and those after it from the version "
                f"of the files before {each.id} came, and then this one",
                code="partly-squashed",
                migrations=(each.id, lacking),
            )
    return frozenset(found)


def check_order(chain: Chain, has: Sequence[Migration], by_id: Mapping[str, Record]) -> None:
    """Raise MigrationError for a migration that came without the one before it.

    One that `ormkit migrate rebase` has put behind others since may have come before them: it has
    proved that both orders lead to the same schema.
    """
    names = {each.id for each in has}
    for each in has:
        parent = each.header.parent
        if parent is None or parent in names:
            continue
        record = by_id.get(each.id)
        if record is not None and record.parent != parent:
            continue
        raise MigrationError(
            f"{parent} is before {each.id} in the files, and the database has {each.id} without "
            f"it: put {parent} at the end with `ormkit migrate rebase`, or take back {each.id} "
            "with `ormkit migrate down`, and run both in their order",
            code="late-migration",
            migrations=(parent, each.id),
        )


def unfinished_late(unfinished: Record, left: Sequence[Migration]) -> MigrationError:
    """Return the error for a migration that is half done, and behind one that has not begun."""
    first = left[0].id if left else "those of the files"
    return MigrationError(
        f"{unfinished.id} is half done, and {first} is before it in the files: put {first} at the "
        f"end with `ormkit migrate rebase`, or run `ormkit migrate abandon {unfinished.id}`",
        code="late-migration",
        migrations=(first, unfinished.id),
    )


async def check_edited(
    connection: Connection, tables: StateTables, record: Record, migration: Migration
) -> None:
    """Raise MigrationError for a migration whose files are not those that ran."""
    is_moved = record.parent != migration.header.parent
    stored = await tables.files(connection, record.id)
    changed = changed_files(stored, migration.files, is_moved=is_moved)
    if not changed:
        # Only what it follows has another name or hash, as behind a squash of older ones.
        return
    raise MigrationError(
        f"{migration.id} was edited after it ran: {' and '.join(changed)} differ from what the "
        "database has: restore the files from version control, or write them anew with `ormkit "
        f"migrate status --restore {migration.id}`, and put the change into a new migration",
        code="edited-migration",
        migrations=(migration.id,),
    )


def changed_files(
    before: Mapping[str, str], after: Mapping[str, str], *, is_moved: bool = False
) -> list[str]:
    """Return the names of files whose texts differ in more than the line of the parent.

    is_moved: whether the migration has come behind another one, so that the schema after it is
        another, too.
    """
    names = sorted((before.keys() | after.keys()) - ({STATE} if is_moved else set()))
    return [name for name in names if without_parent(before, name) != without_parent(after, name)]


def without_parent(files: Mapping[str, str], name: str) -> list[str] | None:
    """Return the lines of a file but the one that names the migration before it."""
    if name not in files:
        return None
    return [line for line in files[name].split("\n") if not line.startswith("-- ormkit: parent ")]
