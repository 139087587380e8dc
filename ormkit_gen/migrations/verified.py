"""Which migrations were verified before, kept in the cache of the user."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ormkit.catalog import reader_version
from ormkit.migrations.files import Migration
from ormkit_gen.drift.cache import cache_directory, cache_key
from ormkit_gen.migrations import measure, rules
from ormkit_gen.version import ormkit_version


class VerifiedMigrations:
    """The migrations that earlier runs found to be good, with this version of OrmKit."""

    def __init__(self, shadow: str | None) -> None:
        sources = (Path(module.__file__ or "").read_text("utf-8") for module in (measure, rules))
        self._way = cache_key(ormkit_version(), reader_version(), shadow or "", *sources)
        self._directory = cache_directory() / "migrations"

    def among(self, migrations: Iterable[Migration]) -> frozenset[str]:
        """Return the hashes of those that need no second look."""
        found = (each.hash for each in migrations)
        return frozenset(each for each in found if self._file(each).exists())

    def remember(self, migration: Migration) -> None:
        """Keep that a migration is good. A cache that cannot be written is none."""
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file(migration.hash).touch()

    def _file(self, digest: str) -> Path:
        return self._directory / cache_key(self._way, digest)
