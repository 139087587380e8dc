"""Types as SQL writes them, "varchar(5)[]": a record, its modifiers and its dimensions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from . import checks, comparability, cursor_values, forms
from .base_type import BaseType
from .types import ALIASES, EXPRESSION_TYPES, TYPES


@dataclass(frozen=True, slots=True)
class Type:
    """A type as SQL writes it: a scalar type, its modifiers, and how many array dimensions."""

    base: BaseType
    modifiers: tuple[int, ...] = ()
    dimensions: int = 0

    @property
    def bare(self) -> str:
        """The type without its modifiers, "numeric[]"."""
        return self.base.name + "[]" * self.dimensions

    @property
    def cast(self) -> str:
        """The type to cast a parameter to on its way into a column of this type.

        A cast to a type with a length cuts the value in silence; without one the assignment to the
        column checks it. https://www.postgresql.org/docs/18/datatype-character.html
        """
        return (self.base.unlimited or self.base.name) + "[]" * self.dimensions

    @property
    def is_text(self) -> bool:
        """True where LIKE applies."""
        return self.base.family == "text" and not self.dimensions

    @property
    def is_range(self) -> bool:
        """True for a range, and no array of ranges."""
        return self.base.family == "range" and not self.dimensions

    @property
    def is_joined(self) -> bool:
        """True where || joins values, for which Python has +."""
        joins = self.base.family == "text" or self.base.arithmetic == "joins"
        return joins or self.dimensions > 0


#: What stands for an array where its elements are not meant.
ARRAY = BaseType(name="")


@lru_cache(maxsize=1024)
def scalar_of(words: str) -> BaseType:
    """Return what is known of a scalar; of an array, nothing."""
    known = type_of(words)
    return ARRAY if known.dimensions else known.base


#: A name, maybe with a schema and between quotes; the modifiers; the dimensions.
SPELLING = re.compile(r'((?:[^"(\[]|"[^"]*")*)(?:\(([^()]*)\))?((?:\[\])*)')


@lru_cache(maxsize=1024)
def type_of(words: str, is_enum: bool = False) -> Type:
    """Return the type that words of SQL name, "varchar(5)[]"; one without a record has its name.

    is_enum: it is an enum's, whose name may be that of a type.
    """
    found = SPELLING.fullmatch(words)
    name, modifiers, brackets = found.groups(default="") if found else (words, "", "")
    name = name.strip()
    if is_enum:
        base = BaseType(name=name)
    else:
        name = ALIASES.get(name, name)
        base = TYPES.get(name) or EXPRESSION_TYPES.get(name) or BaseType(name=name)
    numbers_of = tuple(map(int, re.findall(r"-?\d+", modifiers)))
    return Type(base, numbers_of, len(brackets) // 2)


@lru_cache(maxsize=1024)
def text_type_of(words: str) -> Type:
    """Return a type of which only its text form is known, by its words in SQL, "box", "a.b[]"."""
    found = SPELLING.fullmatch(words)
    name, _, brackets = found.groups(default="") if found else (words, "", "")
    return Type(
        BaseType(
            name=name.strip(),
            family="equal",
            arithmetic="none",
            reads=(str,),
            compared=comparability.TEXTS,
            check=checks.text_mismatch,
            form=forms.plain(forms.text_form, str),
            is_rewritten=True,
            from_cursor=cursor_values.read_text,
            is_sent_as_text=True,
            is_read_as_text=True,
        ),
        (),
        len(brackets) // 2,
    )
