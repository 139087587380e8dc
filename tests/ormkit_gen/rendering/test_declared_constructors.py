"""Type checkers read a declaration of each constructor in place of the one that runs."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TypeGuard

from tests.generated import ROOT

PACKAGES = ("examples/blog/db", "examples/shop/db", "tests/typing/people")


def constructors(file: Path) -> tuple[list[ast.FunctionDef], list[ast.FunctionDef]]:
    """Return the constructors that type checkers read, and those that run."""
    declared: list[ast.FunctionDef] = []
    running: list[ast.FunctionDef] = []
    for each in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(each, ast.ClassDef):
            continue
        # One outside of a branch would be read and run.
        assert not any(map(is_constructor, each.body)), file
        for branch in each.body:
            if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING":
                for found, body in ((declared, branch.body), (running, branch.orelse)):
                    found += [one for one in body if is_constructor(one)]
    return declared, running


def is_constructor(statement: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    return isinstance(statement, ast.FunctionDef) and statement.name == "__init__"


def test_a_declared_constructor_takes_what_the_running_one_takes() -> None:
    compared = 0
    for package in PACKAGES:
        for file in sorted((ROOT / package).glob("*.py")):
            declared, running = constructors(file)
            if len(declared) != 1 or not running:
                continue
            (one,), (other,) = declared, running
            other.args.args[0].annotation = None
            assert ast.unparse(one.args) == ast.unparse(other.args), file
            compared += 1
    assert compared > 5
