"""Matching of text: LIKE, ILIKE and regular expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from ..postgres.type_words import scalar_of
from .operands import O, Selectable, T, V_co, like_text

if TYPE_CHECKING:
    from .expressions import Condition


class TextOperators(Selectable[O, V_co], Generic[O, T, V_co]):
    """The operators of an expression that match text."""

    __slots__ = ()

    @property
    def as_text(self) -> Any:
        """What patterns are matched with: the expression itself, or the text within JSON."""
        return self

    def like(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern: % any text, _ any character, backslash escapes."""
        return self.asked("{0} LIKE {1}", self.as_text, pattern)

    def ilike(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a LIKE pattern, upper and lower case alike."""
        return self.asked("{0} ILIKE {1}", self.as_text, pattern)

    def icontains(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that has this in it, upper and lower case alike."""
        return self.asked("{0} ILIKE {1}", self.as_text, f"%{like_text(text, self)}%")

    def startswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this; every character stands for itself."""
        return self.asked("{0} LIKE {1}", self.as_text, f"{like_text(text, self)}%")

    def istartswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that begins with this, upper and lower case alike."""
        return self.asked("{0} ILIKE {1}", self.as_text, f"{like_text(text, self)}%")

    def endswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this; every character stands for itself."""
        return self.asked("{0} LIKE {1}", self.as_text, f"%{like_text(text, self)}")

    def iendswith(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match text that ends with this, upper and lower case alike."""
        return self.asked("{0} ILIKE {1}", self.as_text, f"%{like_text(text, self)}")

    def iexact(self: TextOperators[O, str, Any], text: str) -> Condition[O]:
        """Match equal text, upper and lower case alike."""
        # lower() takes the padding off a char(n), and must off what is compared with it.
        is_padded = scalar_of(self.as_text.type).is_padded
        template = "lower({0}) = lower({1}::bpchar)" if is_padded else "lower({0}) = lower({1})"
        return self.asked(template, self.as_text, text)

    def regex(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression anywhere in the text (PostgreSQL's ~)."""
        return self.asked("{0} ~ {1}", self.as_text, pattern)

    def iregex(self: TextOperators[O, str, Any], pattern: str) -> Condition[O]:
        """Match a POSIX regular expression, upper and lower case alike (PostgreSQL's ~*)."""
        return self.asked("{0} ~* {1}", self.as_text, pattern)
