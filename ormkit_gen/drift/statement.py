"""One statement that removes a difference, and when it runs among others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, auto

#: A qualified name, as PostgreSQL prints it with an empty search_path.
_NAME = re.compile(r'(?:"(?:[^"]|"")+"|[\w$]+)\.(?:"(?:[^"]|"")+"|[\w$]+|[-+*/<>=~!@#%^&|`?]+)')


class Stage(IntEnum):
    """The order of statements: each stage may need what the ones before it have done."""

    #: Triggers, policies, rules and views, which keep what they use from changing.
    DROP_DEPENDENTS = auto()
    DROP_FOREIGN_KEYS = auto()
    #: Indexes and the other constraints.
    DROP_CONSTRAINTS = auto()
    SCHEMAS = auto()
    #: Extensions and languages, which are in schemas.
    EXTENSIONS = auto()
    #: New objects, except those that are part of a table.
    CREATE = auto()
    #: Labels of enums, columns, and everything about them.
    ALTER = auto()
    #: Indexes and constraints.
    CONSTRAINTS = auto()
    FOREIGN_KEYS = auto()
    #: Views whose tables had to change first.
    VIEWS = auto()
    #: Triggers, policies, rules, publications.
    DEPENDENTS = auto()
    COMMENTS = auto()
    #: Owners, who then have other rights, and what others may do.
    OWNERS = auto()
    GRANTS = auto()
    #: Objects that nothing uses any more.
    DROP = auto()
    #: What they were in.
    DROP_SCHEMAS = auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of SQL."""

    stage: Stage
    sql: str
    #: What somebody has to know who runs it, such as the data that it loses.
    note: str = ""
    #: The qualified name of the object that it creates, which others may need.
    creates: str = ""
    #: The qualified name of the object that it drops, and the SQL that created it.
    drops: str = ""
    needs: str = ""
    #: The tables that it changes beside its own object.
    tables: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The statement, behind a comment with its note."""
        return [f"-- {self.note}", self.sql] if self.note else [self.sql]


def ordered(statements: Iterable[tuple[str, Statement]]) -> list[tuple[str, Statement]]:
    """Return statements, each with its heading, in an order in which they can run.

    Within a stage, a statement that names an object runs after the one that creates it, and what
    drops an object after what drops those that name it.
    """
    found = sorted(statements, key=lambda each: each[1].stage)
    before = _required([statement for _, statement in found])
    done: dict[int, None] = {}

    def visit(place: int, above: frozenset[int]) -> None:
        if place in done or place in above:
            return
        for needed in before[place]:
            visit(needed, above | {place})
        done[place] = None

    for place in range(len(found)):
        visit(place, frozenset())
    return [found[place] for place in done]


def _required(statements: list[Statement]) -> list[list[int]]:
    """Return for each statement the places of those of its stage that run before it."""
    before: list[list[int]] = [[] for _ in statements]
    creators = {(each.stage, each.creates): n for n, each in enumerate(statements) if each.creates}
    droppers = {(each.stage, each.drops): n for n, each in enumerate(statements) if each.drops}
    for place, each in enumerate(statements):
        if each.creates:
            for name in dict.fromkeys(_NAME.findall(each.sql)):
                creator = creators.get((each.stage, name), place)
                if creator != place:
                    before[place].append(creator)
        for name in dict.fromkeys(_NAME.findall(each.needs)):
            dropper = droppers.get((each.stage, name), place)
            if dropper != place:
                before[dropper].append(place)
    return before
