"""Define the operators that match text: LIKE, ILIKE and regular expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from ..postgres.type_words import scalar_of
from .operands import Selectable, like_text
from .templates import IEXACT, IEXACT_PADDED, ILIKE, IREGEX, LIKE, REGEX
from .type_variables import O, T, V_co

if TYPE_CHECKING:
    from .expressions import Condition


class TextOperators(Selectable[O, V_co], Generic[O, T, V_co]):
    """The operators of an expression that match text."""

    __slots__ = ()

    @property
    def as_text(self) -> Any:
        """The operand of patterns: the expression itself, or the text of a JSON value."""
        return self

    def like(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern: % any text, _ any character, backslash escapes."""
        return self.asked(LIKE, self.as_text, pattern)

    def ilike(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern, upper and lower case alike."""
        return self.asked(ILIKE, self.as_text, pattern)

    def icontains(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that has this in it, upper and lower case alike."""
        return self.asked(ILIKE, self.as_text, f"%{like_text(text, self)}%")

    def startswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this; every character stands for itself."""
        return self.asked(LIKE, self.as_text, f"{like_text(text, self)}%")

    def istartswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this, upper and lower case alike."""
        return self.asked(ILIKE, self.as_text, f"{like_text(text, self)}%")

    def endswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this; every character stands for itself."""
        return self.asked(LIKE, self.as_text, f"%{like_text(text, self)}")

    def iendswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this, upper and lower case alike."""
        return self.asked(ILIKE, self.as_text, f"%{like_text(text, self)}")

    def iexact(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match equal text, upper and lower case alike."""
        is_padded = scalar_of(self.as_text.type).is_padded
        return self.asked(IEXACT_PADDED if is_padded else IEXACT, self.as_text, text)

    def regex(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression anywhere in the text (PostgreSQL's ~)."""
        return self.asked(REGEX, self.as_text, pattern)

    def iregex(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression, upper and lower case alike (PostgreSQL's ~*)."""
        return self.asked(IREGEX, self.as_text, pattern)
