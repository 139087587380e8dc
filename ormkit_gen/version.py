"""The version of OrmKit, read without importing the runtime."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast


class _Loader(Protocol):
    """A loader of modules from a directory or a zip archive."""

    def get_data(self, path: str) -> bytes: ...


@cache
def ormkit_version() -> str:
    """Return the version of the installed OrmKit.

    Only the file with the version is executed, because importing ``ormkit`` loads asyncpg, which
    takes longer than a generation without changes. The loader reads the file, because it may be in
    a zip archive.
    """
    spec = importlib.util.find_spec("ormkit")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package 'ormkit' is not installed beside 'ormkit_gen'")
    path = str(Path(spec.origin).with_name("_version.py"))
    names: dict[str, Any] = {}
    try:
        exec(cast(_Loader, spec.loader).get_data(path), names)
    except OSError:
        raise ImportError(
            f"{spec.origin} is another project named ormkit: "
            "run `pip uninstall ormkit ormkit-pg`, then install OrmKit again: its distribution is "
            "ormkit-pg"
        ) from None
    return str(names["__version__"])
