"""The libraries that are compared, each as its own documentation says to use it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec

from benchmarks.libraries.library import Library

__all__ = ["LIBRARIES", "Library", "UnknownLibrary", "choose"]

#: By the name that a command takes: where the class is, and the package that it needs.
LIBRARIES = {
    "bare": ("benchmarks.libraries.bare", "Bare", "asyncpg"),
    "pool": ("benchmarks.libraries.pool", "Pool", "asyncpg"),
    "ormkit": ("benchmarks.libraries.ormkit_", "OrmKit", "ormkit"),
    "ormkit-alone": ("benchmarks.libraries.ormkit_", "OrmKitAlone", "ormkit"),
    "sqlalchemy": ("benchmarks.libraries.sqlalchemy_", "SqlAlchemy", "sqlalchemy"),
    "tortoise": ("benchmarks.libraries.tortoise_", "TortoiseOrm", "tortoise"),
    "piccolo": ("benchmarks.libraries.piccolo_", "Piccolo", "piccolo"),
    "yara": ("benchmarks.libraries.yara_", "Yara", "yara_orm"),
}


class UnknownLibrary(Exception):
    """A name that is none of LIBRARIES."""


def choose(keys: Sequence[str] = ()) -> tuple[list[Library], list[str]]:
    """Return one object of each library, and the keys of those that are not installed.

    keys: the ones to take, beside the two that others are measured by; all of them without.
    """
    for key in keys:
        if key not in LIBRARIES:
            raise UnknownLibrary(f"no library {key!r}: there are {', '.join(LIBRARIES)}")
    wanted = {"bare", "pool", *(keys or LIBRARIES)}
    found, missing = [], []
    for key in LIBRARIES:
        if key in wanted:
            if is_installed(key):
                found.append(load(key))
            else:
                missing.append(key)
    return found, missing


def is_installed(key: str) -> bool:
    return find_spec(LIBRARIES[key][2]) is not None


def load(key: str) -> Library:
    """Import a library and return an object that works with it."""
    module, name, _ = LIBRARIES[key]
    library: Library = getattr(importlib.import_module(module), name)()
    return library
