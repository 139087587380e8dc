"""The migrations of a project in their order: each names the one before it, and its hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import MigrationError
from .files import UP, Migration, is_left_behind, is_migration_id, read_migration


@dataclass(frozen=True, slots=True)
class Chain:
    """Migrations in the order in which they run."""

    migrations: tuple[Migration, ...]

    @property
    def head(self) -> Migration | None:
        """The last migration; None if there is none."""
        return self.migrations[-1] if self.migrations else None

    def __len__(self) -> int:
        """Return the number of migrations."""
        return len(self.migrations)

    def __iter__(self) -> Iterator[Migration]:
        """Iterate over the migrations, the oldest first."""
        return iter(self.migrations)

    def get(self, name: str) -> Migration | None:
        """Return the migration with this ID, or None."""
        return next((each for each in self.migrations if each.id == name), None)


def read_migrations(directory: Path) -> tuple[Migration, ...]:
    """Read the migrations below a directory, in the order of their IDs. It need not exist.

    A folder that version control has left behind is none.

    Raises:
        MigrationError: The files of one cannot be read, or are not of the format.
    """
    if not directory.is_dir():
        return ()
    folders = (each for each in sorted(directory.iterdir()) if each.is_dir())
    return tuple(
        read_migration(each) for each in folders if is_named(each) and not is_left_behind(each)
    )


def is_named(folder: Path) -> bool:
    """Return whether a folder has the name of a migration.

    Raises:
        MigrationError: It has another one that begins with a day, and the steps of a migration.
    """
    if is_migration_id(folder.name):
        return True
    if folder.name[:8].isdigit() and (folder / UP).exists():
        raise MigrationError(
            f"{folder} has an {UP}, and the name of no migration, so that it would never run: name "
            "it as in 20261129-1953-add-age-k3f9, with a-z, 0-9 and hyphens, or move it away"
        )
    return False


def read_chain(directory: Path) -> Chain:
    """Read the migrations below a directory, and put them in their order.

    Raises:
        MigrationError: They are no single chain, or one has changed since the next was written.
    """
    return chained(read_migrations(directory))


def chained(migrations: tuple[Migration, ...]) -> Chain:
    """Return migrations in their order.

    Raises:
        MigrationError: They are no single chain, or one has changed since the next was written.
    """
    by_id = {each.id: each for each in migrations}
    children: dict[str | None, list[Migration]] = {}
    for each in migrations:
        parent = each.header.parent
        if parent is not None and parent not in by_id:
            raise MigrationError(
                f"the migration {each.id} follows {parent}, which is not there: restore its folder "
                "from version control"
            )
        children.setdefault(parent, []).append(each)
    ordered: list[Migration] = []
    place: str | None = None
    while found := children.get(place):
        if len(found) > 1:
            first, second = (each.id for each in found[:2])
            after = f"follow {place}" if place else "are the first one"
            raise MigrationError(
                f"the migrations {first} and {second} both {after}: run `ormkit migrate rebase` to "
                "put one after the other"
            )
        _check_parent(found[0], ordered[-1] if ordered else None)
        ordered.append(found[0])
        place = found[0].id
    if len(ordered) < len(migrations):
        left = sorted(by_id.keys() - {each.id for each in ordered})
        raise MigrationError(f"the migrations {', '.join(left)} follow one another in a circle")
    return Chain(tuple(ordered))


def _check_parent(migration: Migration, parent: Migration | None) -> None:
    if parent is not None and migration.header.parent_hash != parent.hash:
        raise MigrationError(
            f"the files of {parent.id} have changed since {migration.id} was written: restore them "
            "from version control, or run `ormkit migrate rebase` if it was never applied"
        )
