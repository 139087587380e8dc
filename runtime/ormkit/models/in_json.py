"""What pydantic and msgspec need to know of PostgreSQL's values; neither is imported before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from typing import Any, get_args, get_origin

from ..errors import InvalidValue, UsageError
from ..postgres.infinity import Infinite
from ..postgres.interval import Interval
from ..postgres.json_values import (
    BITS,
    CIDR,
    DATE,
    DATE_RANGE,
    INET,
    INTEGER_RANGE,
    INTERVAL,
    MOMENTS,
    NUMBER_RANGE,
    RANGE,
    JsonForm,
    text_of,
)
from ..postgres.types import TYPES
from ..postgres.values import BitString, Cidr, Inet, Range
from .codec_columns import Codec
from .json_types import JsonType, Misfit

__all__ = ["InJson"]

#: How many classes of documents are remembered.
MAX_CACHED = 512
#: The forms of ranges by the type of their bounds.
RANGES: dict[Any, JsonForm] = {
    int: INTEGER_RANGE,
    Decimal: NUMBER_RANGE,
    dt.date: DATE_RANGE,
    dt.datetime: MOMENTS,
}
#: The forms of values whose classes pydantic and msgspec do not know.
CLASSES: dict[Any, JsonForm] = {Interval: INTERVAL, BitString: BITS, Inet: INET, Cidr: CIDR}


def form_of(hint: Any) -> JsonForm | None:
    """Return the form of the values of a type in Python; None for one that is none of ours."""
    if (get_origin(hint) or hint) is Range:
        return RANGES.get(next(iter(get_args(hint)), None), RANGE)
    return CLASSES.get(hint)


def form_of_value(value: Any) -> JsonForm | None:
    """Return the form of a value; None for one of a class that is none of ours."""
    if isinstance(value, Range):
        return RANGE
    if isinstance(value, Infinite):
        return DATE
    return next((form for cls, form in CLASSES.items() if isinstance(value, cls)), None)


@lru_cache(maxsize=MAX_CACHED)
def document_form_of(cls: Any) -> JsonForm | None:
    """Return the form of objects of a class that JSON columns may have; None for others."""
    try:
        return document_form(JsonType(cls))
    except UsageError:
        return None


@dataclass(frozen=True, slots=True)
class InJson:
    """Tells pydantic how JSON has the values of a type of PostgreSQL.

    `Annotated[bytes, InJson("bytea")]` is a text in Base64, and `Annotated[datetime,
    InJson("timestamptz")]` may be infinite. Ranges, intervals, bits and addresses need it only
    where their type in Python leaves something open, as `Range[datetime]` does.
    """

    #: The name of the type, as in a schema.
    type: str
    #: The codec of the column, if it has one: JSON has its texts for classes that pydantic lacks.
    codec: Any = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema by which pydantic validates and writes values of the type."""
        known = TYPES.get(self.type)
        form = None if known is None else known.json_form
        if self.codec is not None or form is None:
            schema = handler(source)
            # Without InJson, there would be no JSON Schema of the class.
            return own_schema(self.form_of(source)) if schema["type"] == "is-instance" else schema
        return own_schema(form) if form.special is None else known_schema(form, handler(source))

    def form_of(self, cls: Any) -> JsonForm:
        """Return the form of values of a class that pydantic does not know."""
        if self.codec is not None:
            return codec_form(cls, self.codec)
        return document_form(JsonType(cls))


def codec_form(cls: Any, codec: Codec[Any]) -> JsonForm:
    """Return the form of values that are texts to PostgreSQL."""

    def read(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        try:
            return codec.decode(text_of(value, "a text"))
        except InvalidValue:
            raise
        except Exception as error:
            raise InvalidValue(f"the codec cannot read it ({type(error).__name__})") from None

    return JsonForm({"type": "string"}, codec.encode, read)


def document_form(kind: JsonType) -> JsonForm:
    """Return the form of the objects of a JSON column."""

    def read(value: Any) -> Any:
        try:
            return value if kind.is_value(value) else kind.load(value)
        except Misfit as misfit:
            raise InvalidValue(str(misfit)) from None

    return JsonForm({}, kind.dump, read)


def own_schema(form: JsonForm) -> Any:
    """Return pydantic's schema for values that it does not know."""
    core: Any = import_module("pydantic_core").core_schema

    def schema(*_: Any) -> dict[str, Any]:
        return dict(form.schema)

    return core.no_info_plain_validator_function(
        told(form.read),
        serialization=core.plain_serializer_function_ser_schema(form.write, when_used="json"),
        metadata={"pydantic_js_functions": [schema]},
    )


def known_schema(form: JsonForm, known: Any) -> Any:
    """Return pydantic's schema for values of which it does not know a few."""
    core: Any = import_module("pydantic_core").core_schema
    special: Any = form.special
    if form.has_zone is not None:
        known = {**known, "tz_constraint": "aware" if form.has_zone else "naive"}

    def write(value: Any, handler: Callable[[Any], Any]) -> Any:
        return form.write(value) if special(value) else handler(value)

    def read(value: Any, handler: Callable[[Any], Any]) -> Any:
        return form.read(value) if special(value) else handler(value)

    return core.no_info_wrap_validator_function(
        read,
        known,
        serialization=core.wrap_serializer_function_ser_schema(
            write, schema=known, when_used="json"
        ),
    )


def told(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the reader with an error that pydantic tells as it is."""
    custom: Any = import_module("pydantic_core").PydanticCustomError

    def checked(value: Any) -> Any:
        try:
            return read(value)
        except InvalidValue as error:
            raise custom("value_of_postgresql", str(error)) from None

    return checked


def schema_of(cls: Any, source: Any, handler: Any) -> Any:
    """Return pydantic's schema of a class of values; pydantic calls it as a method."""
    form = form_of(source)
    return handler(source) if form is None else own_schema(form)


for _cls in (Range, *CLASSES):
    # pydantic asks the classes themselves. Range and BitString are the driver's.
    setattr(_cls, "__get_pydantic_core_schema__", classmethod(schema_of))  # noqa: B010
