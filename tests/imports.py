"""The imports of a source file, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module, the names taken from it, and where it stands."""

    module: str
    names: tuple[str, ...]
    is_typing_only: bool
    is_in_function: bool


def imports_of(file: Path, package: str) -> list[Import]:
    """Return what the file imports, modules in full.

    package: that of the file, from which its relative imports start.
    """
    return list(_walk(ast.parse(file.read_text(encoding="utf-8")), package, False, False))


def _walk(node: ast.AST, package: str, typing: bool, function: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, (), typing, function)
        elif isinstance(child, ast.ImportFrom):
            module = _absolute(child, package)
            yield Import(module, tuple(alias.name for alias in child.names), typing, function)
        else:
            guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _walk(child, package, typing or guarded, function or inside)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".") if node.level and package else []
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *filter(None, [node.module])])
