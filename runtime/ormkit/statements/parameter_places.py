"""Where a text of SQL has its parameters: in a comparison, a list of values, a limit, or a row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

PARAMETER = re.compile(r"\$(\d+)\b")
WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
WRITING = re.compile(r"\s*(?:INSERT|UPDATE)\b", re.IGNORECASE)
#: What stands before a parameter, up to it.
BEFORE = re.compile(
    r"""(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<column>\w+))\s*=\s*(?:(?P<any>ANY)\s*\(\s*)?$"""
    r"|(?P<list>\bIN\s*\([^()]*|\bunnest\s*\([^()]*)$"
    r"|(?P<bound>[<>]=?)\s*(?:\([^()]*)?$"
    r"|(?P<word>LIMIT|OFFSET)\s+$",
    re.IGNORECASE,
)
#: How much of a text is looked at before each parameter.
FAR = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where one parameter stands."""

    #: `equal`, `list`, `bound` (of a greater or less), `limit`, `offset`, `written`, or empty.
    role: str
    #: The column that is compared with `=`, by its name in the database.
    column: str = ""


@lru_cache(maxsize=1024)
def places_of(sql: str) -> tuple[Place, ...]:
    """Return where each parameter of the text stands, in the order of their numbers."""
    found: dict[int, Place] = {}
    written = 0
    if WRITING.match(sql):
        where = WHERE.search(sql)
        written = where.start() if where is not None else len(sql)
    for each in PARAMETER.finditer(sql):
        number = int(each[1])
        if number not in found:
            before = sql[max(0, each.start() - FAR) : each.start()]
            found[number] = Place("written") if each.start() < written else place_after(before)
    return tuple([found.get(number, Place("")) for number in range(1, max(found, default=0) + 1)])


def place_after(before: str) -> Place:
    """Return the place of a parameter that this text precedes."""
    match = BEFORE.search(before)
    if match is None:
        return Place("")
    if match["word"]:
        return Place(match["word"].lower())
    if match["bound"]:
        return Place("bound")
    if match["list"] or match["any"]:
        return Place("list")
    quoted: str | None = match["quoted"]
    return Place("equal", match["column"] if quoted is None else quoted.replace('""', '"'))
