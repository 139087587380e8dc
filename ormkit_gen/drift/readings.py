"""What the schema files have said, kept for runs in which they are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ormkit.catalog import reader_version
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.drift.cache import cache_key, catalog_cache
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.places import Places
from ormkit_gen.ir import Position
from ormkit_gen.project.targets import Target
from ormkit_gen.version import ormkit_version


@dataclass(frozen=True, slots=True)
class KnownSchemas:
    """What a comparison needs of the schemas: no more than can be kept as JSON."""

    expected: Expected
    places: Places
    warnings: tuple[Diagnostic, ...]


class Readings:
    """Schemas that earlier runs have read, by the contents of all files that they came from."""

    def __init__(self, root: Path, targets: Sequence[Target], server: str) -> None:
        """Take the targets of a project, and the version of the shadow server."""
        self._root = root
        self._cache = catalog_cache()
        self._key = _key(root, targets, server)

    def get(self) -> KnownSchemas | None:
        """Return what the files say; None where that is not known, or a module has changed."""
        with suppress(KeyError, TypeError, ValueError, OSError):
            document = self._cache.document(self._key) if self._key else None
            if document is None or document["modules"] != _hashes(map(Path, document["modules"])):
                return None
            expected = self._cache.get(document["catalog"])
            if expected is not None:
                others = frozenset(document["others"])
                warnings = tuple(map(_diagnostic, document["warnings"]))
                places = Places.from_rows(document["places"])
                return KnownSchemas(expected.without(others), places, warnings)
        return None

    def keep(self, known: KnownSchemas, others: Iterable[str], modules: Iterable[Path]) -> None:
        """Keep what the files say.

        others: the objects that the schema leaves to others.
        modules: the files of the application that were read with it.
        """
        if not self._key or not known.expected.key:
            return
        with suppress(OSError):
            document = {
                "catalog": known.expected.key,
                "others": sorted(others),
                "places": known.places.rows(),
                "warnings": [astuple(each) for each in known.warnings],
                "modules": _hashes(modules),
            }
            self._cache.keep(self._key, document)


def _key(root: Path, targets: Sequence[Target], server: str) -> str:
    """Return a hash of all that decides what the files say; empty if a file cannot be read."""
    parts = [ormkit_version(), reader_version(), server, str(root)]
    try:
        for target in targets:
            parts += (target.label, str(target.dto))
            for file, digest in _hashes((*target.schemas, *target.sql)).items():
                parts += (file, digest)
    except OSError:
        return ""
    return cache_key(*parts)


def _hashes(files: Iterable[Path]) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _diagnostic(row: list[Any]) -> Diagnostic:
    severity, code, message, remedy, at = row
    return Diagnostic(severity, code, message, remedy, Position(*at) if at else None)
