"""Packages of models with methods of their own, beside the module that defines the methods."""

from __future__ import annotations

import importlib
import sys
import uuid
from pathlib import Path
from typing import Any

from ormkit.models.package import _known as known_packages
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load


def write_application(directory: Path, schema: str, source: str) -> tuple[str, str]:
    """Write a package and the module with its methods; return both names.

    schema, source: `APP` in them stands for the module, `DB` for the package.
    """
    name = uuid.uuid4().hex
    package, module = f"db_{name}", f"app_{name}"

    def named(text: str) -> str:
        return text.replace("APP", module).replace("DB", package)

    (directory / f"{module}.py").write_text(named(source), encoding="utf-8")
    file = directory / f"{name}.toml"
    file.write_text(named(schema), encoding="utf-8")
    (directory / package).mkdir()
    for each, text in render(load([file], directory).schema).items():
        (directory / package / each).write_text(text, encoding="utf-8")
    return package, module


def import_application(directory: Path, schema: str, source: str) -> Any:
    """Write a package and the module with its methods, and import both, the package first."""
    package, module = write_application(directory, schema, source)
    return import_in_turn(directory, package, module)[0]


def import_in_turn(directory: Path, *names: str) -> list[Any]:
    """Import modules of a directory; create_all() of other tests does not see them."""
    sys.path.insert(0, str(directory))
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(directory))
        for name in names:
            known_packages.pop(name, None)
