"""Reading the files of the objects that a schema has as SQL: views, functions, triggers, ..."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Problems, did_you_mean
from ormkit_gen.ir import Position, SqlObject
from ormkit_gen.postgres.object_kinds import OF_RELATIONS, ORDER, RANKS, split_label
from ormkit_gen.schema.names import is_storable
from ormkit_gen.schema.toml_reader import read_text

#: A line of the comment at the beginning: `-- object: view active_users`.
_HEADER = re.compile(r"--[ \t]*(?P<key>object|depends on)[ \t]*:[ \t]*(?P<value>.*?)[ \t]*")
#: A comma between two dependencies, and none between the arguments of a function.
_COMMA = re.compile(r",(?![^(]*\))")
NOTHING = "nothing"


def read_sql_objects(files: Mapping[Path, str], problems: Problems) -> list[SqlObject]:
    """Return the objects, sorted by kind and name. Record problems.

    files: the files, with their names in messages.
    """
    found: dict[str, SqlObject] = {}
    for file, name in sorted(files.items(), key=lambda each: each[1]):
        text = read_text(file, name, problems)
        each = _File(name, file, text, problems).read() if text is not None else None
        if each is None:
            continue
        other = found.setdefault(each.label, each)
        if other is not each:
            where = f" in {other.at.file}" if other.at else ""
            problems.error(
                "duplicate-object",
                f"there are two objects {each.label}",
                f"remove one; the other is{where}",
                each.at,
            )
    return sorted(found.values(), key=lambda each: (each.kind, each.name))


class _File:
    """One file: comments that say what it is, and the statements that create it."""

    def __init__(self, name: str, file: Path, text: str, problems: Problems) -> None:
        self.name = name
        self.file = file
        self.problems = problems
        self.text = text
        self.at = Position(name, 1, 1)

    def read(self) -> SqlObject | None:
        """Return the object, or record the problem and return None."""
        kind = self.file.parent.name.replace("_", " ").lower()
        name = self.file.stem
        depends_on: list[str] | None = None
        lines = self.text.split("\n")
        first = 0
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.lstrip().startswith("--"):
                break
            if (found := _HEADER.fullmatch(line.strip())) is None:
                continue
            first = number
            at = Position(self.name, number, 1, max(1, len(line)))
            if found["key"] == "object":
                kind, name = split_label(found["value"])
                self.at = at
            else:
                depends_on = (depends_on or []) + self._dependencies(found["value"], at)
        text = "\n".join(lines[first:]).strip()
        if all(not line.strip() or line.lstrip().startswith("--") for line in lines):
            text = ""
        if not self._is_valid(kind, name, text):
            return None
        wanted = tuple(depends_on) if depends_on is not None else None
        return SqlObject(kind=kind, name=name, text=text, depends_on=wanted, at=self.at)

    def _dependencies(self, value: str, at: Position) -> list[str]:
        if value == NOTHING:
            return []
        found: list[str] = []
        for each in _COMMA.split(value):
            kind, name = split_label(each.strip())
            if kind not in RANKS:
                self.problems.error(
                    "bad-dependency",
                    f"{each.strip()!r} does not name an object",
                    "write kind and name of each, as in -- depends on: table users, function f",
                    at,
                )
            else:
                found.append(f"{kind} {name}")
        return found

    def _is_valid(self, kind: str, name: str, text: str) -> bool:
        if kind not in ORDER:
            near = did_you_mean(kind, ORDER)
            self.problems.error(
                "unknown-object-kind",
                f"{kind or 'nothing'!r} is not a kind of object",
                f"{near}; write -- object: KIND NAME in the first line, as in -- object: view "
                f"active_users, or put the file into a directory named after its kind",
                self.at,
            )
            return False
        wanted = ""
        if not name:
            wanted = "write its name behind the kind, as in -- object: view active_users"
        elif kind in OF_RELATIONS and not re.search(r"\son\s", name):
            wanted = f"write the table too, as in -- object: {kind} {name} on users"
        if wanted:
            self.problems.error("nameless-object", f"this {kind} has no full name", wanted, self.at)
            return False
        if not text or not is_storable(text):
            message = f"the file of {kind} {name} has no statements that PostgreSQL can read"
            self.problems.error(
                "empty-object", message, "write the statements that create it", self.at
            )
            return False
        return True
