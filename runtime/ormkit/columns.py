"""Columns: the typed names that queries are written with, as in `User.age >= 18`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Never, Self

from .errors import InvalidValue
from .expressions import Expression, O, T, V_co, as_list
from .scope import Scope, quote

if TYPE_CHECKING:
    from .table import Table

_keys = itertools.count(1)


def new_key() -> int:
    """Return a number that no other column or relationship of this process has."""
    return next(_keys)


class Column(Expression[O, T, V_co]):
    """A column of model O, compared with T, read as V.

    Generated metaclasses hold them, so that `User.age` is the column while `user.age` is the
    value: a data descriptor there goes before the slot of the same name.
    """

    __slots__ = (
        "cast",
        "has_default",
        "is_computed",
        "is_generated",
        "is_nullable",
        "label",
        "labels",
        "name",
        "quoted",
        "slot",
        "table",
    )

    table: Table
    #: Python name, the attribute of the model.
    slot: str
    #: "User.age", for messages.
    label: str

    def __init__(
        self,
        type_: str,
        *,
        name: str = "",
        is_nullable: bool = False,
        has_default: bool = False,
        is_generated: bool = False,
        is_computed: bool = False,
        labels: Iterable[Any] | None = None,
    ) -> None:
        """Describe a column.

        type_: PostgreSQL's name of the type, "varchar(100)".
        name: the name in PostgreSQL where it is not the attribute's.
        has_default: PostgreSQL fills the column in when an INSERT leaves it out.
        is_generated: PostgreSQL always fills it in; it cannot be written.
        is_computed: PostgreSQL fills it in from other columns, again at every update.
        labels: the enum class of an enum type.
        """
        self.type = type_
        self.cast = castable(type_)
        self.name = name
        self.is_nullable = is_nullable
        self.has_default = has_default
        self.is_generated = is_generated or is_computed
        self.is_computed = is_computed
        self.labels = {member.value: member for member in labels} if labels is not None else None
        self.key = new_key()
        self.values = ()

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = name
        self.name = self.name or name
        self.quoted = quote(self.name)

    def __get__(self, model: object, owner: object = None) -> Self:
        return self

    def __set__(self, model: object, value: Never) -> None:
        raise AttributeError(f"{self.label} is a column; assign to an object's attribute instead")

    def __repr__(self) -> str:
        return f"<Column {self.label}: {self.type}>"

    def sql(self, scope: Scope) -> str:
        return scope.column(self)

    @property
    def is_plain(self) -> bool:
        """True where values go to the driver and come from it as they are."""
        return self.labels is None and not self.type.startswith("vector")

    def encode(self, value: object) -> object:
        if value is None or not self.type.startswith("vector") or isinstance(value, Expression):
            return value  # pyright: ignore[reportUnknownVariableType]
        if self.is_array:
            return [vector_text(self.label, each) for each in as_list(value)]
        return vector_text(self.label, value)

    def decode(self, value: Any) -> Any:
        """Return what the attribute holds for a value as the driver gave it."""
        if value is None or self.is_plain:
            return value
        return decoded(value, self.labels.__getitem__ if self.labels else numbers)


def vector_text(label: str, value: object) -> str:
    """Return the numbers in pgvector's text form, "[1.0,2.0]"."""
    try:
        return f"[{','.join(map(repr, map(float, as_list(value))))}]"
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{label} needs numbers: {error}") from None


def numbers(text: str) -> list[float]:
    """Return the numbers of a vector in pgvector's text form."""
    return [float(number) for number in text[1:-1].split(",")] if len(text) > 2 else []


def decoded(value: Any, decode: Callable[[Any], Any]) -> Any:
    """Return the value decoded, element by element where it is an array of any depth."""
    if isinstance(value, list):
        return [decoded(each, decode) for each in as_list(value)]  # pyright: ignore
    return None if value is None else decode(value)


def castable(type_: str) -> str:
    """Return the type to cast a parameter to on its way into a column of this type.

    A cast to a type with a length cuts the value in silence; without one the assignment to the
    column checks it. https://www.postgresql.org/docs/18/datatype-character.html
    """
    bare = re.sub(r"\([\d, ]*\)", "", type_)
    element = bare.removesuffix("[]")
    return UNLIMITED.get(element, element) + bare[len(element) :]


#: Types whose bare name means a length of one, and the names that mean any length.
UNLIMITED = {"char": "bpchar", "bit": "varbit"}
