"""Columns whose values a codec of the application makes of texts: the setting `codec`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from ..errors import InvalidValue, UsageError
from ..postgres.forms import StoredForm
from ..postgres.lists import decoded
from ..postgres.type_mismatch import mismatch
from ..postgres.values import UNSET
from ..sql.expressions import Expression
from ..sql.type_variables import O, T, V_co
from .columns import Column


class Codec(Protocol[T]):
    """What makes values of a type out of texts, and texts out of values.

    It may be a module, an object, or a class with two static methods.
    """

    def decode(self, text: str, /) -> T:
        """Return the value of a text, as PostgreSQL writes it."""
        ...

    def encode(self, value: T, /) -> str:
        """Return a text of the value, as PostgreSQL reads it; raise ValueError for another one."""
        ...


class CodecColumn(Column[O, T, V_co]):
    """A column whose values travel as texts, and are objects of the application in Python."""

    __slots__ = ("codec",)

    def __init__(self, type_: str, *, codec: Any, **settings: Any) -> None:
        """Describe a column.

        codec: makes a value of the text of one element, and the other way around.
        settings: what Column takes.
        """
        super().__init__(type_, is_text=True, **settings)
        if not all(callable(getattr(codec, name, None)) for name in ("decode", "encode")):
            name = getattr(codec, "__qualname__", type(codec).__qualname__)
            raise UsageError(f"a codec has the functions decode and encode: {name} has not")
        self.codec: Codec[Any] = codec
        self.is_plain = self.is_simple = False
        self.is_coded = self.is_mutable = self.is_object = True
        self.form = StoredForm(self._checked_value)
        self.kept = None
        if self.initial not in (UNSET, None):
            self.initial = self.loaded(self.initial)

    def loaded(self, text: Any) -> V_co:
        """Return the value of a text; raises InvalidValue where the codec takes another one."""
        try:
            return cast("V_co", decoded(text, self.codec.decode))
        except Exception as error:
            raise InvalidValue(_failure("decode", error)) from error

    def _checked_value(self, value: Any) -> Any:
        self._texts(value)
        return value

    def _texts(self, value: Any) -> Any:
        """Return the text of a value, or the texts of an array's elements; raises InvalidValue."""
        if not self.is_array:
            return self._text(value)
        if not isinstance(value, (list, tuple)):
            raise InvalidValue("an array needs a list")
        return list(map(self._element, value))  # pyright: ignore[reportUnknownArgumentType]

    def _element(self, value: Any) -> Any:
        # A tuple within an array may be a value of its own.
        return (
            None if value is None else (self._texts if type(value) is list else self._text)(value)
        )

    def _text(self, value: Any) -> str:
        encode: Callable[[Any], object] = self.codec.encode
        try:
            text = encode(value)
        except InvalidValue:
            raise
        except Exception as error:
            raise InvalidValue(_failure("encode", error)) from error
        if not isinstance(text, str):
            raise InvalidValue(f"its codec encodes it as {type(text).__name__}, and not as text")
        if reason := mismatch("text", text):
            raise InvalidValue(f"its codec encodes it as an invalid text: {reason}")
        return text

    def encode(self, value: Any) -> object:
        if value is None or isinstance(value, Expression):
            return value  # pyright: ignore[reportUnknownVariableType]
        try:
            return cast("object", self._texts(value))
        except InvalidValue as error:
            raise self._unfit(value, str(error)) from error.__cause__

    def encode_each(self, values: list[Any]) -> list[Any]:
        return list(map(self.encode, values))

    def encode_many(self, values: Iterable[object]) -> list[object]:
        return list(map(self.encode, values))

    def decode(self, value: Any) -> Any:
        try:
            return decoded(value, self.codec.decode)
        except Exception as error:
            raise self.unread(_failure("decode", error)) from error


def _failure(step: str, error: Exception) -> str:
    # The message of the error may hold the value.
    return f"its codec cannot {step} it ({type(error).__name__})"
