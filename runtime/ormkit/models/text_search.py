"""Define full-text search: `Post.search.matches("quick -fox")`."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from ..errors import UsageError
from ..sql.context import Scope
from ..sql.expressions import Comparison, Condition, Expression
from ..sql.literals import literal
from ..sql.templates import infix
from .columns import Column

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")
V_co = TypeVar("V_co", covariant=True)

MATCHES = infix("@@")
#: The syntaxes of a search, and the function that parses each.
Syntax = Literal["web", "plain", "phrase", "raw"]
QUERY_FUNCTIONS: dict[str, str] = {
    "web": "websearch_to_tsquery",
    "plain": "plainto_tsquery",
    "phrase": "phraseto_tsquery",
    "raw": "to_tsquery",
}


class SearchOperators(Expression[O, T, V_co]):
    """What a tsvector can be asked."""

    __slots__ = ()

    def matches(
        self, words: str, *, config: str | None = None, syntax: Syntax = "web"
    ) -> Condition[O]:
        """Match documents that a search finds (PostgreSQL's @@).

        config: the text search configuration, such as "english"; the server's default where None.
        syntax: "web" as in search engines (quotes, or, -), which is never an error; "plain" all
            words; "phrase" all in order; "raw" the language of to_tsquery().
        """
        return Comparison(MATCHES, self, SearchQuery(words, config, syntax))

    def rank(
        self, words: str, *, config: str | None = None, syntax: Syntax = "web"
    ) -> Expression[O, float, float]:
        """Return how well a document answers a search, for order_by (PostgreSQL's ts_rank)."""
        return Rank(self, SearchQuery(words, config, syntax))


class SearchColumn(SearchOperators[O, T, V_co], Column[O, T, V_co]):
    """A column of type tsvector."""

    __slots__ = ()


class Document(SearchOperators[O, str, str]):
    """A text as a tsvector, made when it is searched."""

    __slots__ = ("config", "operand")

    def __init__(self, operand: Expression[O, str, Any], config: str | None) -> None:
        self.operand = operand
        self.config = None if config is None else literal(config)
        self.key = ("document", config is not None, operand.key)
        self.values = (*(() if self.config is None else self.config.values), *operand.values)
        self.type = "tsvector"

    def sql(self, scope: Scope) -> str:
        return called(scope, "to_tsvector", self.config, self.operand)


class SearchQuery(Expression[Any, str, str]):
    """What is searched for."""

    __slots__ = ("config", "reader", "words")

    def __init__(self, words: str, config: str | None, syntax: str) -> None:
        if not isinstance(words, str):
            raise UsageError(f"a search must be a string (str), not {type(words).__name__}")
        if syntax not in QUERY_FUNCTIONS:
            raise UsageError(
                f"syntax={syntax!r}: it must be one of {', '.join(map(repr, QUERY_FUNCTIONS))}"
            )
        self.reader = QUERY_FUNCTIONS[syntax]
        self.words = literal(words)
        self.config = None if config is None else literal(config)
        self.key = (self.reader, config is not None)
        self.values = (*(() if self.config is None else self.config.values), words)
        self.type = "tsquery"

    def sql(self, scope: Scope) -> str:
        return called(scope, self.reader, self.config, self.words)


class Rank(Expression[O, float, float]):
    """ts_rank() of a document for a search."""

    __slots__ = ("document", "search")

    def __init__(self, document: Expression[O, Any, Any], search: SearchQuery) -> None:
        self.document = document
        self.search = search
        self.key = ("rank", document.key, search.key)
        self.values = document.values + search.values
        self.type = "real"

    def sql(self, scope: Scope) -> str:
        document = self.document.sql(scope)
        return f"{scope.call('ts_rank')}({document}, {self.search.sql(scope)})"


def called(
    scope: Scope, name: str, config: Expression[Any, Any, Any] | None, text: Expression[O, Any, Any]
) -> str:
    """Return the call of a function that reads a text under a configuration, where one is given."""
    given = "" if config is None else f"{scope.cast(config.sql(scope), 'regconfig')}, "
    return f"{scope.call(name)}({given}{text.sql(scope)})"


def to_tsvector(text: Expression[O, str, Any], *, config: str | None = None) -> Document[O]:
    """Read a text as a document to search: `to_tsvector(Post.body).matches("orm")`.

    config: the text search configuration, such as "english"; the server's default where None. An
        index serves only if it was made with the same one named.
    """
    if not isinstance(text, Expression):
        raise UsageError("to_tsvector() takes a text column such as Post.body")
    return Document(text, config)
