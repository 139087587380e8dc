"""`BaseType`: what there is to know of a type of PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from . import checks, comparability, forms
from .checks import Check
from .comparability import Comparability
from .cursor_values import Reader
from .forms import MakeForm
from .json_values import JsonForm
from .truncation import LosslessValues

#: Which operators a type's columns have. An array has those of arrays, whatever its elements are.
Family = Literal["equal", "ordered", "text", "boolean", "json", "range", "document", "opaque"]
#: What + - * / do: add numbers or times, join values (||), or are not there. PostgreSQL decides
#: where it is not known.
Arithmetic = Literal["whole", "exact", "float", "time", "joins", "none", "not known"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaseType:
    """A scalar type. Each default is what holds for a type of which only the name is known."""

    #: Its name in a schema, and in SQL.
    name: str

    # Names

    #: Its name in pg_catalog and in the driver, where that is another one.
    catalog: str = ""
    #: Its names that are words of SQL's grammar, to be written without quotes. Any other name of a
    #: type is an identifier.
    words: tuple[str, ...] = ()
    #: The type of values of any length, where the bare name means a length of one.
    unlimited: str = ""

    # Operators

    family: Family = "ordered"
    arithmetic: Arithmetic = "not known"
    #: How many bits whole numbers have.
    bits: int = 0
    #: True where = compares values. Others are compared as jsonb.
    has_equality: bool = True
    #: True where spaces at the end fill values up to the length, and count in no comparison.
    is_padded: bool = False
    #: The type of a range's bounds.
    bound: BaseType | None = None

    # Values in Python

    #: Types of Python whose values are sent under this type where nothing else names one.
    python: tuple[type, ...] = ()
    #: The classes of the values that are read; empty where that is not known.
    reads: tuple[type, ...] = ()
    #: How its values are compared with those of Python.
    compared: Comparability = comparability.PLAIN
    #: True where a value without a time zone is not to be compared.
    needs_zone: bool = False
    #: True where a float is brought into the stored form before it is compared.
    is_compared_as_stored: bool = False
    #: Tells why a value does not fit.
    check: Check = checks.no_check
    #: What errors say that a value has to be, where the name of the type does not tell.
    needs: str = ""
    #: Makes the form in which values are stored out of the numbers of the modifier.
    form: MakeForm = forms.any_form
    #: True where only PostgreSQL knows the form in which it stores a value, which is read back.
    is_rewritten: bool = False
    #: Tells which values the driver would cut in silence; None where it cuts none.
    exact: LosslessValues | None = None
    #: True where a list is one value, and does not stand for an array.
    holds_lists: bool = False
    #: True where a value can change in place.
    is_mutable: bool = False
    #: True where equal values may differ: 1.0 and 1.00, 0.0 and -0.0, a month and 30 days.
    has_equal_forms: bool = False
    #: Who takes two values as equal: Python in the same way as PostgreSQL, Python unless the
    #: column's collation takes more as equal, or only PostgreSQL.
    equality: Literal["python", "collation", "server"] = "server"
    #: The Python type of a key's values, which tell rows apart in Python as PostgreSQL does.
    key: type | None = None
    #: Reads a value from the cursor of a page; None where the type orders no pages.
    from_cursor: Reader | None = None

    # Values on the way to the server and back

    #: True where OrmKit has a codec of its own for it: see `driver/codecs.py`.
    has_codec: bool = False
    #: Turns a value into text where nothing else does; arrays of a type with a codec need it too.
    encode: Callable[[Any], str] | None = None
    #: Turns the text that the driver gives into a value; None where the driver gives values.
    decode: Callable[[str], Any] | None = None
    #: True where the driver sends values as text. They travel in arrays of text.
    is_sent_as_text: bool = False
    #: True where arrays are read as arrays of text. asyncpg's reader of other textual arrays
    #: returns an empty element as a null pointer, and the process dies.
    is_read_as_text: bool = False
    #: What the driver decodes a field of a record by: the type alone, the type once a column had
    #: it, or nothing, so that the field is read as text.
    in_records: Literal["type", "type once met", "text"] = "text"
    #: How JSON has a value; None where libraries know it.
    json_form: JsonForm | None = None
    #: Reads a JSON document from its text; None where values are no JSON.
    read_document: Callable[[str], Any] | None = None

    @property
    def is_json(self) -> bool:
        """True for json and jsonb."""
        return self.read_document is not None

    @property
    def is_moment(self) -> bool:
        """True for dates, times and timestamps."""
        return any(issubclass(each, (dt.date, dt.time)) for each in self.reads)

    @property
    def is_number(self) -> bool:
        """True for numbers of any kind."""
        return self.arithmetic in ("whole", "exact", "float")

    @property
    def convertible_kind(self) -> str:
        """What PostgreSQL converts into each other, such as numbers; empty where not known."""
        if self.is_number:
            return "number"
        if self.family in ("text", "boolean"):
            return self.family
        return "moment" if self.is_moment and self.name != "time" else ""

    @property
    def has_sum(self) -> bool:
        """False where PostgreSQL surely has no sum() of the values."""
        is_other = self.family in ("text", "json", "range", "document") or self.is_json
        return not is_other and self.arithmetic != "joins"

    @property
    def has_known_operators(self) -> bool:
        """True where all operators of arithmetic are known; PostgreSQL decides about others."""
        return self.is_number or self.arithmetic in ("time", "none")
