"""The files of what a schema keeps as SQL: one for each object, as `sql/KIND/NAME.sql`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ormkit_gen.pull.snapshot import DatabaseObject

DIRECTORY = "sql"
#: The pattern of a target that finds the files.
PATTERN = f"{DIRECTORY}/**/*.sql"
_UNSAFE = re.compile(r"[^\w.]+")
_ARGUMENTS = re.compile(r"\(.*\)")
#: Bytes of a file's name without its ending, fewer than file systems allow.
_LONGEST = 100


def sql_text(item: DatabaseObject) -> str:
    """Return the text of an object's file: what it is, what it needs, and its statements."""
    heading = f"-- object: {item.label}\n"
    if item.depends_on is not None:
        heading += f"-- depends on: {', '.join(item.depends_on) or 'nothing'}\n"
    return f"{heading}\n{item.sql.strip()}\n"


def file_names(
    objects: Iterable[DatabaseObject],
    known: Mapping[str, str],
    taken: Iterable[str] = (),
    directory: str = DIRECTORY,
) -> dict[str, str]:
    """Return the path of each object's file by its label.

    known: the paths of objects that have files already.
    taken: further paths that exist.
    directory: where the other ones go.
    """
    found: dict[str, str] = {}
    # Some file systems take names in upper and lower case for the same.
    used = {path.lower() for path in (*known.values(), *taken)}
    for each in objects:
        path = known.get(each.label) or _free(f"{directory}/{_path(each)}", used)
        used.add(path.lower())
        found[each.label] = path
    return found


def _path(item: DatabaseObject) -> str:
    name = _ARGUMENTS.sub("", item.name).replace('"', "")
    words = name.replace("public.", "").replace(" on ", " ")
    safe = _UNSAFE.sub("_", words).strip("_.") or "unnamed"
    stem = safe.encode()[:_LONGEST].decode(errors="ignore")
    return f"{item.kind.replace(' ', '_')}/{stem}.sql"


def _free(path: str, used: set[str]) -> str:
    number, found = 1, PurePosixPath(path)
    while str(found).lower() in used:
        number += 1
        found = PurePosixPath(path).with_name(f"{PurePosixPath(path).stem}_{number}.sql")
    return str(found)
