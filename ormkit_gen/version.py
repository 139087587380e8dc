"""The version of the distribution, read without importing the runtime."""

from __future__ import annotations

import importlib.util
import runpy
from functools import cache
from pathlib import Path


@cache
def ormkit_version() -> str:
    """Return the version of the installed OrmKit.

    The file is run on its own because importing ``ormkit`` loads asyncpg, which takes longer than
    a generation that has nothing to do.
    """
    spec = importlib.util.find_spec("ormkit")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package 'ormkit' is not installed beside 'ormkit_gen'")
    names = runpy.run_path(str(Path(spec.origin).with_name("_version.py")))
    return str(names["__version__"])
