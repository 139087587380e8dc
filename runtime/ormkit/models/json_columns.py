"""Define jsonb columns and paths into them: `User.settings["plan"] == "pro"`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, UsageError
from ..postgres.array_parameter import FlatArray
from ..postgres.forms import StoredForm
from ..postgres.identifiers import quoted_text
from ..postgres.several import Several
from ..postgres.type_mismatch import mismatch
from ..postgres.type_words import scalar_of
from ..postgres.values import UNSET
from ..sql.context import Scope
from ..sql.expressions import Call, Comparison, Condition, Expression, Membership, Test
from ..sql.operands import as_list, checked_is_null, none_in_list
from ..sql.templates import IS_NOT_NULL, IS_NULL, CastTo, Template, infix
from ..sql.trees import AnyNode, Tree
from ..sql.type_variables import O, T, V_co
from .columns import Column
from .json_types import JsonType, Misfit

AS_TEXT = Template("(", 0, " #>> '{}')")
AS_JSONB = Template(0, CastTo("jsonb"))
HAS_KEY, HAS_KEYS, HAS_ANY_KEY = map(infix, ("?", "?&", "?|"))


class JsonOperators(Expression[O, T, V_co]):
    """The operators of jsonb, for a whole column and for a value inside it."""

    __slots__ = ()

    def __getitem__(self, step: str | int) -> JsonPath[O]:
        """Return the value under a key of an object, or at a place of an array; NULL without."""
        return JsonPath(self, step)

    @property
    def as_text(self) -> Expression[O, str, str | None]:
        """The value as text, a string without its quotes; NULL for JSON's null as well."""
        return Call(AS_TEXT, self.as_jsonb, "text")

    @property
    def as_jsonb(self) -> Expression[O, Any, Any]:
        """The value as jsonb, which json has to be cast to for most operators."""
        is_binary = scalar_of(self.type).has_equality
        return self if is_binary else Call(AS_JSONB, self, "jsonb")

    if TYPE_CHECKING:

        def contains(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
            self, value: T | Expression[Any, T, Any]
        ) -> Condition[O]: ...
        def contained_by(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
            self, value: T | Expression[Any, T, Any]
        ) -> Condition[O]: ...

    def has_key(self, key: str) -> Condition[O]:
        """Match an object with this key, or an array with this string (PostgreSQL's ?)."""
        return Comparison(HAS_KEY, KeyOperand(self.as_jsonb), text_key(key))

    def has_keys(self, keys: Several[str]) -> Condition[O]:
        """Match an object with all of these keys (PostgreSQL's ?&)."""
        wanted = [text_key(key) for key in as_list(keys, self)]
        return Comparison(HAS_KEYS, KeyOperand(self.as_jsonb), wanted)

    def has_any_key(self, keys: Several[str]) -> Condition[O]:
        """Match an object with at least one of these keys (PostgreSQL's ?|)."""
        wanted = [text_key(key) for key in as_list(keys, self)]
        return Comparison(HAS_ANY_KEY, KeyOperand(self.as_jsonb), wanted)

    def among(self, template: Template, values: Any) -> Condition[O]:
        return JsonMembership(template, self, values)


class JsonColumn(  # pyright: ignore[reportIncompatibleMethodOverride]
    JsonOperators[O, T, V_co], Column[O, T, V_co]
):
    """A column of type jsonb or json."""

    __slots__ = ("json_type",)

    def __init__(self, type_: str, *, json_type: Any = None, **settings: Any) -> None:
        """Describe a column.

        json_type: the class of its values; None for plain documents.
        settings: what Column takes.
        """
        super().__init__(type_, **settings)
        #: Makes objects of documents, and documents of objects.
        self.json_type = None if json_type is None else JsonType(json_type)
        if self.json_type is not None:
            self.is_plain = self.is_simple = False
            self.is_coded = self.is_object = True
            document_form = self.form.of
            self.form = StoredForm(partial(self._checked_value, self.json_type, document_form))
            self.kept = None
            if self.initial not in (UNSET, None):
                self.initial = self.loaded(self.initial)

    def loaded(self, document: Any) -> V_co:
        """Return the value that a document stands for; raises InvalidValue where it fits none."""
        if self.json_type is None:
            return document  # type: ignore[no-any-return]
        try:
            value: V_co = self.json_type.load(document)
        except Misfit as error:
            raise InvalidValue(f"it does not fit {self.json_type.cls.__name__}: {error}") from None
        return value

    def _checked_value(self, json_type: JsonType, form: Callable[[Any], Any], value: Any) -> Any:
        """Return an object whose document is valid; raises InvalidValue."""
        try:
            found = json_type.load(form(json_type.dump(value)))
        except Misfit as error:
            raise InvalidValue(f"it does not fit {json_type.cls.__name__}: {error}") from None
        return value if json_type.is_value(value) else found

    def encode(self, value: Any) -> object:
        if self.json_type is None or value is None or isinstance(value, Expression):
            return super().encode(value)  # pyright: ignore[reportUnknownArgumentType]
        try:
            return self.json_type.dump(value)
        except Misfit as error:
            raise self._unfit(value, str(error)) from None

    def decode(self, value: Any) -> Any:
        if self.json_type is None or (value is None and self.is_nullable):
            return super().decode(value)
        try:
            return self.json_type.load(value)
        except Misfit as error:
            raise self.unread(f"it does not fit {self.json_type.cls.__name__}: {error}") from None

    def among(self, template: Template, values: Any) -> Condition[O]:
        if self.json_type is not None:
            values = list(map(self.encode, as_list(values, self)))
        return super().among(template, values)


class JsonPath(Tree[O, Any, Any], JsonOperators[O, Any, Any]):
    """A value within a jsonb column; NULL where a step of the path leads nowhere.

    Compared with None it matches what is missing and JSON's null alike.
    """

    __slots__ = ("base", "step")

    def __init__(self, base: JsonOperators[O, Any, Any], step: str | int) -> None:
        """Describe a step from a column, or from a value within one."""
        self.base = base
        self.step = checked_step(step)
        self.type = "jsonb"
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.base,)

    def mark(self) -> Hashable:
        # The step is part of the SQL text, so that an index on the same path can be used.
        return "json path", self.step

    __hash__ = object.__hash__

    def __eq__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: object
    ) -> Condition[O]:
        return self.isnull() if other is None else super().__eq__(other)

    def __ne__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, other: object
    ) -> Condition[O]:
        return self.isnull(is_null=False) if other is None else super().__ne__(other)

    def isnull(self, is_null: bool = True) -> Condition[O]:
        return Test(IS_NULL if checked_is_null(is_null) else IS_NOT_NULL, self.as_text)

    @property
    def as_text(self) -> Expression[O, str, str | None]:
        return JsonText(self)

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        return self.written("->")

    def written(self, last: str) -> Iterator[str | AnyNode]:
        """Yield the text of the path, with this operator before its last step."""
        steps: list[str | int] = []
        base: JsonOperators[Any, Any, Any] = self
        while isinstance(base, JsonPath):
            steps.append(base.step)
            base = base.base
        yield "("
        yield base.as_jsonb
        for step in steps[:0:-1]:
            yield f" -> {step_sql(step)}"
        yield f" {last} {step_sql(steps[0])})"


class JsonText(Tree[O, str, str | None], Expression[O, str, str | None]):
    """A value within a jsonb column as text."""

    __slots__ = ("path",)

    def __init__(self, path: JsonPath[O]) -> None:
        self.path = path
        self.type = "text"
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.path,)

    def mark(self) -> Hashable:
        return "json text"

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        return self.path.written("->>")


class KeyOperand(Tree[O, str, Any], Expression[O, str, Any]):
    """A jsonb value that is compared with keys, which are text."""

    __slots__ = ("operand",)

    def __init__(self, operand: Expression[O, Any, Any]) -> None:
        self.operand = operand
        self.type = "text"
        self._grow()

    def operands(self) -> tuple[AnyNode, ...]:
        return (self.operand,)

    def mark(self) -> Hashable:
        return "json keys"

    def null_with(self) -> tuple[AnyNode, ...]:
        return (self.operand,)

    def pieces(self, scope: Scope) -> Iterator[str | AnyNode]:
        yield self.operand


class JsonMembership(Membership[O]):
    """A comparison with every one of many JSON values.

    A list among them is one JSON value, and no further dimension of the array.
    """

    __slots__ = ()

    def __init__(
        self, template: Template, operand: Expression[O, Any, Any], of: Collection[object]
    ) -> None:
        listed = as_list(of, operand)
        if None in listed:
            raise InvalidValue(none_in_list(operand))
        # Skips Membership.__init__, which would encode the values for the operand.
        super(Membership, self).__init__(template, operand, FlatArray(listed), "boolean")


def checked_step(step: object) -> str | int:
    """Return one step of a path; raises UsageError for anything but a key or an index."""
    if isinstance(step, bool) or not isinstance(step, (str, int)):
        raise UsageError(
            "a step into JSON must be a key (str) or an index of an array (int), not "
            f"{type(step).__name__}"
        )
    if reason := mismatch("text" if isinstance(step, str) else "integer", step):
        raise InvalidValue(f"a step into JSON cannot be this {type(step).__name__}: {reason}")
    return step


def text_key(key: object) -> str:
    """Return the key; raises UsageError for anything but a str."""
    if not isinstance(key, str):
        raise UsageError(f"a key of a JSON object must be a string (str), not {type(key).__name__}")
    return key


def step_sql(step: str | int) -> str:
    """Return one step of a path as an SQL constant."""
    return str(step) if isinstance(step, int) else quoted_text(step)
