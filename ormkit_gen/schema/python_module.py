"""Executing a Python schema file without leaving traces in the process."""

from __future__ import annotations

import ast
import contextlib
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from types import ModuleType

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import Position
from ormkit_gen.spellings import NAMES, UnknownSpelling

#: The module name of the file while it runs.
NAME = "ormkit_schema"


def parse_source(text: str, file: Path, name: str, problems: Problems) -> ast.Module | None:
    """Return the syntax tree, or record the problem and return None."""
    try:
        return ast.parse(text, filename=str(file))
    except SyntaxError as error:
        at = Position(name, error.lineno or 1, max(1, error.offset or 1))
        problems.error("broken-python", f"not valid Python: {error.msg}", "fix the syntax", at)
    except (RecursionError, MemoryError, ValueError) as error:
        at = Position(name, 1, 1)
        problems.error("broken-python", f"cannot be parsed: {error}", "simplify the file", at)
    return None


def execute(tree: ast.Module, file: Path, name: str, problems: Problems) -> ModuleType | None:
    """Return the executed module, or record the exception and return None."""
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
        if isinstance(error, UnknownSpelling):
            text, remedy = error.args
            problems.error("unknown-argument", text, remedy, Position(name, line, 1))
            return None
        if isinstance(error, NameError) and (hint := NAMES.get(error.name or "")):
            remedy = f"write {hint}"
        problems.error("python-error", f"the file raised {text}", remedy, Position(name, line, 1))
        return None
    return module


@contextlib.contextmanager
def _isolated(module: ModuleType, file: Path) -> Generator[None]:
    """Let the file import modules of its directory. Restore paths and modules afterwards.

    Its output goes to standard error, because a program may read standard output.
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
