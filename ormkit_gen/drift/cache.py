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

#: How many catalogs stay. Each of a thousand tables is some MB.
_KEPT = 20


class CatalogCache:
    """The catalogs that earlier runs have read, by what they were made of."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, key: str) -> Catalog | None:
        """Return the catalog with this key; None where there is none, or it cannot be read."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            document: Any = json.loads(self._file(key).read_text(encoding="utf-8"))
            os.utime(self._file(key))
            return Catalog((Fact(*row) for row in document["facts"]), document["server_version"])
        return None

    def put(self, key: str, catalog: Catalog) -> None:
        """Keep a catalog, and remove the oldest ones. A cache that cannot be written is none."""
        document = {
            "server_version": catalog.server_version,
            "facts": [astuple(fact) for fact in catalog],
        }
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


def cache_key(*texts: str) -> str:
    """Return the key of a catalog that is made of these texts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def cache_directory() -> Path:
    """Return OrmKit's directory in the cache of the user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ormkit"
