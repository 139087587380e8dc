"""Catalogs of built schemas, kept in files: the second run needs no server."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ormkit.catalog import Catalog, Fact
from ormkit_gen.drift.expected import Expected
from ormkit_gen.drift.left_out import LeftOut, Missing
from ormkit_gen.ir import Position

#: How many files stay: a catalog of a thousand tables is some MB.
_KEPT = 40


class CatalogCache:
    """The catalogs that earlier runs have read, by what they were made of."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, key: str) -> Expected | None:
        """Return the catalog with this key; None where there is none, or it cannot be read."""
        document = self.document(key)
        with suppress(ValueError, TypeError, KeyError):
            if document is not None:
                return Expected(
                    Catalog((Fact(*row) for row in document["facts"]), document["server_version"]),
                    tuple(Missing(*row) for row in document["missing"]),
                    tuple(map(_left_out, document["left_out"])),
                    key,
                )
        return None

    def put(self, key: str, expected: Expected) -> None:
        """Keep a catalog."""
        self.keep(
            key,
            {
                "server_version": expected.catalog.server_version,
                "facts": [astuple(fact) for fact in expected.catalog],
                "missing": [astuple(each) for each in expected.missing],
                "left_out": [astuple(each) for each in expected.left_out],
            },
        )

    def document(self, key: str) -> Any:
        """Return what is kept with this key; None where there is nothing, or it is damaged."""
        with suppress(OSError, ValueError):
            text = self._file(key).read_text(encoding="utf-8")
            os.utime(self._file(key))
            return json.loads(text)
        return None

    def keep(self, key: str, document: object) -> None:
        """Keep a document, and remove the oldest ones. A cache that cannot be written is none."""
        with suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self._directory / f"{secrets.token_hex(8)}.tmp"
            unfinished.write_text(json.dumps(document), encoding="utf-8")
            unfinished.replace(self._file(key))
            files = sorted(self._directory.iterdir(), key=lambda file: -file.stat().st_mtime)
            for old in files[_KEPT:]:
                old.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._directory / f"{key}.json"


def _left_out(row: list[Any]) -> LeftOut:
    label, kind, keys, reason, at = row
    pairs = tuple((whole, part) for whole, part in keys)
    return LeftOut(label, kind, pairs, reason, Position(*at) if at else None)


def cache_key(*texts: str) -> str:
    """Return the key of a catalog that is made of these texts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def catalog_cache() -> CatalogCache:
    """Return the catalogs that this user's commands keep."""
    return CatalogCache(cache_directory() / "catalogs")


def cache_directory() -> Path:
    """Return OrmKit's directory in the cache of the user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ormkit"
