"""Templates: the text of an expression around its operands, with the functions that it calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Scope


class Called:
    """A function that a template calls by this name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def sql(self, scope: Scope) -> str:
        """Return the name, noted as called."""
        return scope.call(self.name)


class CastTo:
    """A cast of what stands before it to this type."""

    __slots__ = ("type",)

    def __init__(self, type_: str) -> None:
        self.type = type_

    def sql(self, scope: Scope) -> str:
        """Return the operator and the type, noted as cast to."""
        return scope.cast("", self.type)


class Template:
    """The parts of a text: plain text, functions, casts, and numbers that stand for operands.

    A part of a statement's key, so that each is made once: two are equal if they are the same.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str | int | Called | CastTo) -> None:
        self.parts = parts

    def pieces(self, scope: Scope) -> Iterator[str | int]:
        """Yield the texts, and the numbers of the operands between them."""
        for part in self.parts:
            yield part if isinstance(part, (str, int)) else part.sql(scope)


def infix(operator: str) -> Template:
    """Return the template of an operator between two operands."""
    return Template(0, f" {operator} ", 1)


LOWER = Called("lower")
EQUAL, NOT_EQUAL = infix("="), infix("<>")
LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL = map(infix, ("<", "<=", ">", ">="))
DISTINCT = infix("IS DISTINCT FROM")
IN, NOT_IN = infix("IN"), infix("NOT IN")
LIKE, ILIKE, REGEX, IREGEX = map(infix, ("LIKE", "ILIKE", "~", "~*"))
CONTAINS, CONTAINED_BY, OVERLAPS = map(infix, ("@>", "<@", "&&"))
EQUAL_ANY = Template(0, " = ANY(", 1, ")")
NOT_EQUAL_ALL = Template(0, " <> ALL(", 1, ")")
IEXACT = Template(LOWER, "(", 0, ") = ", LOWER, "(", 1, ")")
#: lower() takes the padding off a char(n), and must off what is compared with it.
IEXACT_PADDED = Template(LOWER, "(", 0, ") = ", LOWER, "(", 1, CastTo("bpchar"), ")")
NEGATIVE = Template("(- ", 0, ")")
CARDINALITY = Template(Called("cardinality"), "(", 0, ")")
IS_NULL, IS_NOT_NULL = Template(0, " IS NULL"), Template(0, " IS NOT NULL")
IS_NOT_TRUE, NOT = Template(0, " IS NOT TRUE"), Template("NOT ", 0)
