"""Define typed columns, which queries are written with: `User.age >= 18`."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable
from operator import is_not
from typing import TYPE_CHECKING, Any, Never, Self

from ..errors import InvalidValue, UnreadableValue, UsageError
from ..postgres.enum_labels import NULL_IN_NOT_NULL, UNKNOWN_LABEL, OpenLabels
from ..postgres.forms import StoredForm
from ..postgres.identifiers import quote
from ..postgres.lists import decoded, encoded
from ..postgres.stored_forms import form_of
from ..postgres.type_mismatch import mismatch
from ..postgres.type_words import text_type_of, type_of
from ..postgres.values import UNSET
from ..sql.comparison_types import native_types
from ..sql.context import Scope
from ..sql.expressions import Expression
from ..sql.type_variables import O, T, V_co
from .factories import Factory

if TYPE_CHECKING:
    from .table import Table

_keys = itertools.count(1)


def new_key() -> int:
    """Return a key that is unique among the columns and relationships of this process."""
    return next(_keys)


class Column(Expression[O, T, V_co]):
    """A column of model O, compared with T, read as V.

    Generated metaclasses hold columns, so that `User.age` is the column while `user.age` is the
    value: a data descriptor of the metaclass takes precedence over the slot of the same name.
    """

    __slots__ = (
        "bit",
        "carrier",
        "cast",
        "compared",
        "exact",
        "factory",
        "form",
        "has_default",
        "initial",
        "is_array",
        "is_coded",
        "is_computed",
        "is_generated",
        "is_json",
        "is_mutable",
        "is_nullable",
        "is_object",
        "is_plain",
        "is_private",
        "is_rewritten",
        "is_simple",
        "is_text",
        "kept",
        "known",
        "label",
        "labels",
        "name",
        "native",
        "quoted",
        "slot",
        "sure",
        "table",
    )

    table: Table
    #: True where attributes hold the driver's values unchanged; read for each value.
    is_plain: bool
    is_array: bool
    #: Python name, the attribute of the model.
    slot: str
    #: "User.age", for messages.
    label: str
    #: The bit of the column in the `__given__` of an object.
    bit: int

    def __init__(
        self,
        type_: str,
        *,
        name: str = "",
        is_nullable: bool = False,
        has_default: bool = False,
        is_generated: bool = False,
        is_computed: bool = False,
        default: object = UNSET,
        factory: str | None = None,
        is_private: bool = False,
        labels: Iterable[Any] | None = None,
        is_open: bool = False,
        is_text: bool = False,
    ) -> None:
        """Describe a column.

        type_: PostgreSQL's name of the type, "varchar(100)".
        name: the name in PostgreSQL where it is not the attribute's.
        has_default: PostgreSQL fills the column in when an INSERT leaves it out.
        is_generated: PostgreSQL always fills it in; it cannot be written.
        is_computed: PostgreSQL fills it in from other columns, again at every update.
        default: the constant that it has in PostgreSQL and in new objects where it is not given.
        factory: the place of the function that makes the value of a new object, "uuid:uuid4".
        is_private: its values show in no repr and in no cursor.
        labels: the enum class of an enum type.
        is_open: labels that the enum's class lacks are read as texts.
        is_text: values are texts in Python, in the form that PostgreSQL writes.
        """
        self.type = type_
        #: What is known of the type.
        self.known = known = text_type_of(type_) if is_text else type_of(type_, labels is not None)
        #: True where values travel as texts, which the server reads and writes.
        self.is_text = is_text
        base, is_array = known.base, known.dimensions > 0
        #: True for an array type.
        self.is_array = is_array  # pyright: ignore[reportIncompatibleMethodOverride]
        #: True for json and jsonb, and arrays of them.
        self.is_json = base.is_json
        #: True where values are objects of a class of the application.
        self.is_object = False
        #: The type to cast a parameter to.
        self.cast = known.cast
        #: The element type of an array parameter with many values of the column.
        self.carrier = "text" if base.is_sent_as_text and not is_array else self.cast
        #: Detects values that the driver would truncate silently; None where it truncates none.
        self.exact = base.exact
        #: The Python type whose values are never truncated; None where the type does not tell.
        self.sure = self.exact.sure if self.exact is not None else None
        #: True where values are encoded before they go to the driver.
        self.is_coded = base.encode is not None and (is_array or not base.has_codec)
        #: True where the driver takes values unchanged and truncates none.
        self.is_simple = not self.is_coded and self.exact is None
        #: Python types whose values are always sent as the column's type.
        self.native = native_types(known)
        self.name = name
        self.is_nullable = is_nullable
        self.has_default = has_default or default is not UNSET
        self.is_generated = is_generated or is_computed
        #: The constructor's default for the column; UNSET where it has none.
        self.initial = default
        if default is UNSET and is_nullable and not (has_default or self.is_generated):
            self.initial = None
        #: Makes the value of a new object that is not given one; None for no function.
        self.factory: Factory | None = None
        if factory is not None:
            self.initial = UNSET
            self.factory = Factory(factory, needs_zone=base.needs_zone and not is_array)
        self.is_computed = is_computed
        self.is_private = is_private
        self.labels: dict[str, Any] | None = None
        if labels is not None:
            members: Iterable[Any] = labels
            closed = {member.value: member for member in members}
            self.labels = OpenLabels(members) if is_open else closed
        #: Converts values to their stored form.
        self.form: StoredForm = form_of(known, self.labels)
        #: The Python type whose values are stored unchanged; read for each value.
        self.kept = self.form.kept
        #: Converts numbers to the type in comparisons; None for types that need no conversion.
        self.compared = form_of(type_of(self.cast)) if base.is_compared_as_stored else None
        #: True where only PostgreSQL normalizes values, which are therefore read back.
        self.is_rewritten = base.is_rewritten
        is_plain = labels is None and base.decode is None
        self.is_plain = is_plain  # pyright: ignore[reportIncompatibleMethodOverride]
        #: True where a value can change in place: lists and JSON.
        self.is_mutable = base.is_mutable or is_array
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

    def made(self) -> V_co:
        """Return a new value of `default_factory`; raises UsageError where there is none."""
        if self.factory is None:
            raise UsageError(f"{self.label} has no default_factory")
        made: V_co = self.factory.make(self.label)
        return made

    def sql(self, scope: Scope) -> str:
        if self.is_text:
            # ORDER BY would take the bare name for the text that is selected under it.
            return f"{scope.name(self.table)}.{self.quoted}"
        return scope.column(self)

    def null_with(self) -> tuple[()] | None:
        return None if self.is_nullable else ()

    def compares_as_given(self, kind: type) -> bool:
        """Return whether every value of this Python type is sent as the column's type.

        That holds for a datetime only with a time zone, which the query checks separately.
        """
        return kind in self.native or self.is_moment(kind) or self.is_of_any_kind

    def is_moment(self, kind: type) -> bool:
        """Return whether values of this Python type need a time zone in a comparison."""
        return kind is dt.datetime and self.known.base.needs_zone and not self.is_array

    @property
    def is_of_any_kind(self) -> bool:
        """True where every value is sent as the column's type."""
        return self.known.base.compared.takes_all

    def encode(self, value: object) -> object:
        if self.is_simple or value is None or type(value) is self.sure:
            return value
        if isinstance(value, Expression):
            return value  # pyright: ignore[reportUnknownVariableType]
        if self.exact is not None:
            return value if self.exact.holds(value) else self._checked(value)
        try:
            return encoded(value, self.known.base.encode, self.known.dimensions)
        except InvalidValue as error:
            raise self._unfit(value, str(error)) from None

    def stored(self, value: Any) -> Any:
        """Return the value in its stored form; raises InvalidValue where it would be cut."""
        if value is None or type(value) is self.kept:
            return value
        try:
            # Inlines `form.of`: this runs for every value.
            return self.form.convert(value)
        except InvalidValue as error:
            raise self._unfit(value, str(error)) from None
        except Exception:
            return value

    def stored_each(self, values: list[Any]) -> list[Any]:
        """Return the values in their stored form; the same list where nothing changes."""
        if self.form.keeps_all(values):
            return values
        try:
            found = list(map(self.stored, values))
        except InvalidValue:
            raise self._unfit_among(values) from None
        return found if any(map(is_not, values, found)) else values

    def encode_each(self, values: list[Any]) -> list[Any]:
        if self.is_simple or (self.exact is not None and self.exact.holds_all(values)):
            return values
        return list(map(self.encode, values))

    def _checked(self, value: Any) -> Any:
        """Return a value that is sent without loss; raises InvalidValue for others."""
        if self.exact is not None and self.is_array and self.exact.holds_elements(value):
            return value
        if reason := mismatch(self.cast, value):
            raise self._unfit(value, reason)
        return value if self.compared is None else self.compared.of(value)

    def _unfit(self, value: object, reason: str, place: int = 0) -> InvalidValue:
        """Return the error for a value; `place` is its number among many, from 1."""
        if needs := self.known.base.needs:
            return InvalidValue(f"{self.label} needs {needs}: {reason}")
        kind = f"{type(value).__name__} (value {place})" if place else type(value).__name__
        return InvalidValue(
            f"{self.label} is of type {self.type} and cannot take this {kind}: {reason}"
        )

    def _unfit_among(self, values: list[Any]) -> InvalidValue:
        """Return the error for the first of the values that cannot be stored."""
        for place, value in enumerate(values, 1):
            try:
                if value is not None:
                    self.form.of(value)
            except InvalidValue as error:
                return self._unfit(value, str(error), place)
        return InvalidValue(f"{self.label} cannot take one of the values")

    def selected(self, name: str) -> str:
        """Return the text that reads the column under this name."""
        return f"{name}::text{'[]' * self.known.dimensions}" if self.is_read_as_text else name

    def read(self, name: str, scope: Scope) -> str:
        """Return the same for a SELECT, whose scope notes what it casts to."""
        if self.is_read_as_text:
            scope.note_cast(f"text{'[]' * self.type.count('[]')}")
        return self.selected(name)

    @property
    def is_read_as_text(self) -> bool:
        """True for values that are selected as text, and arrays that are selected as text[]."""
        return (self.is_array or self.is_text) and self.known.base.is_read_as_text

    @property
    def is_sent_as_text(self) -> bool:
        """True for arrays whose elements are sent as texts, which the server then parses.

        The driver would send the array as one text with NULL in it, which a server with array_nulls
        off reads as a string.
        """
        return (self.is_array or self.is_text) and self.known.base.is_sent_as_text

    def placeholder(self, parameter: str) -> str:
        """Return the SQL of a parameter that holds one value of the column."""
        if not self.is_sent_as_text:
            return parameter
        return f"{parameter}::text{'[]' if self.is_array else ''}::{self.cast}"

    def array(self, parameter: str) -> str:
        """Return the SQL of a parameter that holds many values of the column."""
        return f"{parameter}::{'text[]::' if self.is_text else ''}{self.cast}[]"

    def sent(self, parameter: str, *, is_many: bool = False) -> str:
        if not self.is_text:
            return parameter
        return self.array(parameter) if is_many else self.placeholder(parameter)

    def decode(self, value: Any) -> Any:
        """Return the attribute's value for a value that the driver decoded."""
        if value is None or self.is_plain:
            return value
        if self.labels is None:
            return decoded(value, self.known.base.decode)
        try:
            return decoded(value, self.labels.__getitem__)
        except KeyError:
            raise self.unread(UNKNOWN_LABEL) from None

    def unread(self, reason: str) -> UnreadableValue:
        """Return the error for a value of the column that cannot be read."""
        error = UnreadableValue.of(self.label, reason)
        error.table, error.column = self.table.name, self.name
        return error

    def unread_label(self, value: Any) -> UnreadableValue | None:
        """Return the error for an unknown label of the enum; None where the label is known."""
        if self.labels is None or self.is_array or value in self.labels:
            return None
        if value is None:
            return None if self.is_nullable else self.unread(NULL_IN_NOT_NULL)
        return None if isinstance(self.labels, OpenLabels) else self.unread(UNKNOWN_LABEL)


#: Any column, where its model and its types do not matter.
AnyColumn = Column[Any, Any, Any]
