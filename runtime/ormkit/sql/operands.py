"""Define the base class of all expressions, and check the plain values beside them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Generic

from ..errors import InvalidValue, UsageError
from ..postgres.lists import collected
from .type_variables import O, V_co

if TYPE_CHECKING:
    from .expressions import AnyExpression, Condition
    from .templates import Template


class Selectable(Generic[O, V_co]):
    """What a query over model O can select, as a value of type V: the base of expressions.

    It has no type parameter for the values it is compared with: type checkers would infer Any for
    that parameter wherever an expression is an argument.
    """

    __slots__ = ()

    def encode(self, value: object) -> object:
        """Return the value in the form that the driver expects for this expression's type."""
        return value

    def encode_each(self, values: list[Any]) -> list[Any]:
        """Return each value of a list in the form that the driver expects."""
        return list(map(self.encode, values))

    def decode(self, value: Any) -> Any:
        """Return the Python value for a value that the driver decoded."""
        return value

    def sent(self, parameter: str, *, is_many: bool = False) -> str:
        """Return the SQL of a parameter that is compared with this.

        is_many: it is an array of such values.
        """
        return parameter

    @property
    def is_plain(self) -> bool:
        """True where decode() returns the driver's values unchanged."""
        return True

    def asked(self, template: Template, left: Any, right: Any) -> Condition[O]:
        """Return the condition of an operator between two sides; one of them may be a value."""
        raise NotImplementedError

    def sent_as(self, value: object, type_: str) -> AnyExpression:
        """Return the value as an expression of this PostgreSQL type."""
        raise NotImplementedError


def is_selectable(value: object) -> bool:
    """Return whether the value is an expression and not a plain Python value."""
    return isinstance(value, Selectable)


def as_list(values: object, of: object = None) -> list[Any]:
    """Return the collection as a list; raises InvalidValue for anything else, text included.

    of: the expression that the values are compared with, for the message.
    """
    if type(values) is list:  # the usual case; isinstance() with an abstract class is slow
        return values.copy()  # pyright: ignore[reportUnknownVariableType]
    try:
        return collected(values)
    except InvalidValue as error:
        raise InvalidValue(f"{subject(of)}{error}") from None


def listed(values: object, of: Selectable[Any, Any]) -> list[Any]:
    """Return the elements that an array is compared with; raises InvalidValue for None."""
    elements = as_list(values, of)
    if holds_none(elements):
        raise InvalidValue(none_in_list(of))
    return elements


def holds_none(values: Collection[Any]) -> bool:
    """Return whether there is a None among the values or in a nested list."""
    return any(
        each is None or (type(each) in (list, tuple) and holds_none(each)) for each in values
    )


def scalar_values(values: object, of: Selectable[Any, Any]) -> tuple[list[Any], set[type]]:
    """Return the arguments of in_() as a list, and their types.

    Raises InvalidValue for None, and for a list, which the driver would flatten.
    """
    listed = as_list(values, of)
    kinds = set(map(type, listed))
    if NONE_TYPE in kinds:
        raise InvalidValue(none_in_list(of))
    if list in kinds or tuple in kinds:
        check_scalar(of)
        raise InvalidValue(f"{subject(of)}in_() takes single values, not lists of them")
    return listed, kinds


def none_in_list(of: object) -> str:
    """Return the message for a None in a list of values to compare with."""
    label = subject(of).removesuffix(": ")
    keyword = f"{label.rpartition('.')[2]}__isnull=True" if label else "the keyword ending __isnull"
    method = f"{label or 'expression'}.isnull()"
    return (
        f"{subject(of)}a list of values cannot hold None, since NULL equals nothing: leave it out, "
        f"and add {method} or {keyword} to match NULL"
    )


NONE_TYPE: type = type(None)


def check_scalar(operand: Any) -> Any:
    """Return the operand of in_(); raises UsageError for an array."""
    if operand.is_array:
        raise UsageError(
            f"{subject(operand)}in_() and notin() do not compare arrays: use == and |, "
            "contains() or overlaps()"
        )
    return operand


def subject(compared: object) -> str:
    """Return the start of a message about an operand: "User.age: ", or "" without a column."""
    for each in (compared, getattr(compared, "operand", None)):
        if isinstance(label := getattr(each, "label", None), str):
            return f"{label}: "
    return ""


def checked_is_null(is_null: object, operator: str = "isnull") -> bool:
    """Return the argument of isnull or isnotnull; raises InvalidValue for anything but a bool."""
    if is_null is True or is_null is False:
        return is_null
    raise InvalidValue(f"{operator} takes True or False, not {type(is_null).__name__}")


def like_text(text: object, of: object = None) -> str:
    r"""Return the text with LIKE's special characters (% _ and \) escaped."""
    if not isinstance(text, str):
        kind = type(text).__name__
        raise InvalidValue(f"{subject(of)}text can only be matched with a string (str), not {kind}")
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
