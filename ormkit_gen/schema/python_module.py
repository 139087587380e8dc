"""Executes a Python schema file, and leaves nothing of it behind."""

from __future__ import annotations

import ast
import contextlib
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

from ormkit_gen.diagnostics import Problems
from ormkit_gen.ir import Position

#: The name that the file has while it runs.
NAME = "ormkit_schema"


def parse_source(text: str, file: Path, name: str, problems: Problems) -> ast.Module | None:
    """Return the syntax tree, or None with the problem noted."""
    try:
        return ast.parse(text, filename=str(file))
    except SyntaxError as error:
        at = Position(name, error.lineno or 1, max(1, error.offset or 1))
        problems.error("broken-python", f"not valid Python: {error.msg}", "mend the syntax", at)
    except (RecursionError, MemoryError, ValueError) as error:
        at = Position(name, 1, 1)
        problems.error("broken-python", f"cannot be parsed: {error}", "simplify the file", at)
    return None


def execute(tree: ast.Module, file: Path, name: str, problems: Problems) -> ModuleType | None:
    """Return the module that the file makes, or None with its exception noted."""
    module = ModuleType(NAME)
    module.__file__ = str(file)
    try:
        code = compile(tree, str(file), "exec")
        with _isolated(module, file):
            exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        frames = [
            each for each in traceback.extract_tb(error.__traceback__) if each.filename == str(file)
        ]
        line = (frames[-1].lineno or 1) if frames else 1
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        remedy = "a schema file is executed to be read, and must run without errors"
        problems.error("python-error", f"the file raised {text}", remedy, Position(name, line, 1))
        return None
    return module


@contextlib.contextmanager
def _isolated(module: ModuleType, file: Path) -> Generator[None]:
    """Let the file import its neighbours; afterwards paths and modules are as they were.

    What it prints goes to standard error, since standard output may be read by a program.
    """
    known, path = set(sys.modules), list(sys.path)
    sys.modules[NAME] = module
    sys.path.insert(0, str(file.parent))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            origin = getattr(sys.modules[name], "__file__", None)
            if name == NAME or (origin and Path(origin).is_relative_to(file.parent)):
                del sys.modules[name]
