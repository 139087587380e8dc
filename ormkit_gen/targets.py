"""The targets of a settings file, read and checked."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ormkit_gen.diagnostics import Diagnostic
from ormkit_gen.ir import Position
from ormkit_gen.refusal import problem

EXAMPLE_TARGET = 'schemas = ["schemas/*.toml"] and output = "app/db"'
KEYS = ("schemas", "output")
_SUFFIXES = (".toml", ".py")

#: Returns the place of a value, given the index of its target and its key (None: the target).
Locate = Callable[[int, str | None], Position | None]


@dataclass(frozen=True, slots=True)
class Target:
    """One package and the schema files it is made from."""

    label: str  #: The package's directory as the settings spell it.
    output: Path
    schemas: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one target and gathers what is wrong with it."""

    root: Path
    locate: Callable[[str | None], Position | None]
    problems: list[Diagnostic]

    def read(self, table: Any) -> Target | None:
        if not isinstance(table, dict):
            self._report(None, "bad-target", "a target is a table", f"give it {EXAMPLE_TARGET}")
            return None
        before = len(self.problems)
        for key in table:
            if key not in KEYS:
                remedy = suggestion(str(key), KEYS)
                self._report(key, "unknown-setting", f"a target has no setting '{key}'", remedy)
        schemas = self._schemas(table.get("schemas"))
        output = self._output(table.get("output"))
        if output is None or len(self.problems) > before:
            return None
        return Target(label=str(output), output=(self.root / output).resolve(), schemas=schemas)

    def _schemas(self, value: Any) -> tuple[Path, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
            message = "a target names its schema files in 'schemas', a list of strings"
            self._report("schemas", "bad-schemas", message, f"write {EXAMPLE_TARGET}")
            return ()
        return tuple(sorted({file for pattern in value for file in self._matches(pattern)}))

    def _matches(self, pattern: str) -> Iterator[Path]:
        if _leaves_root(pattern):
            message = f"'{pattern}' is not below the settings file's directory"
            self._report("schemas", "path-outside", message, "name a path below it, without '..'")
            return
        found = [
            path for path in self.root.glob(pattern) if path.suffix in _SUFFIXES and path.is_file()
        ]
        if not found:
            message = f"no schema file matches '{pattern}'"
            remedy = f"make one below {self.root}, ending in .toml or .py, or correct the path"
            self._report("schemas", "no-schema-file", message, remedy)
        yield from found

    def _output(self, value: Any) -> PurePosixPath | None:
        if not isinstance(value, str) or not value:
            message = "a target names the package to write in 'output'"
            self._report("output", "bad-output", message, f"write {EXAMPLE_TARGET}")
            return None
        output = PurePosixPath(value)
        if _leaves_root(value) or not output.name:
            message = f"the output '{value}' is not below the settings file's directory"
            self._report("output", "path-outside", message, "name a directory below it: app/db")
        elif not output.name.isidentifier() or keyword.iskeyword(output.name):
            message = f"'{output.name}' cannot be the name of a Python package"
            self._report("output", "bad-output", message, "use letters, digits and underscores")
        elif (self.root / output).exists() and not (self.root / output).is_dir():
            message = f"the output '{value}' is a file, not a directory"
            self._report("output", "bad-output", message, "move the file away or choose another")
        return output

    def _report(self, key: str | None, code: str, message: str, remedy: str) -> None:
        self.problems.append(problem(code, message, remedy, self.locate(key)))


def read_targets(
    tables: list[Any], root: Path, locate: Locate
) -> tuple[tuple[Target, ...], list[Diagnostic]]:
    """Return the targets, and everything that is wrong with them."""
    problems: list[Diagnostic] = []
    targets: list[tuple[int, Target]] = []
    for index, table in enumerate(tables):
        target = _Reader(root, lambda key, i=index: locate(i, key), problems).read(table)
        if target is not None:
            targets.append((index, target))
    for (_, left), (index, right) in combinations(targets, 2):
        if _overlap(left.output, right.output):
            message = f"the outputs '{left.label}' and '{right.label}' lie in each other"
            remedy = "give every target a directory of its own"
            problems.append(problem("outputs-overlap", message, remedy, locate(index, "output")))
    return tuple(target for _, target in targets), problems


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Return the remedy for a name that is not known."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"there are: {', '.join(known)}"


def _leaves_root(path: str) -> bool:
    return (
        not path
        or ".." in PurePosixPath(path).parts
        or PurePosixPath(path).is_absolute()
        or bool(PureWindowsPath(path).anchor)
        or "\\" in path
    )


def _overlap(left: Path, right: Path) -> bool:
    # Some file systems take DB and db for one name; a project may be checked out on one.
    one, other = (Path(str(path).casefold()) for path in (left, right))
    return one.is_relative_to(other) or other.is_relative_to(one)
