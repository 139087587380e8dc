"""Computed attributes: reading them, and finding the columns that their expressions name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Column, Computed, Relationship
from ormkit_gen.postgres.functions import AGGREGATES, COUNTS, PURE, TAKES_NULL
from ormkit_gen.schema.columns import read_python_type, read_type
from ormkit_gen.schema.document import Path
from ormkit_gen.schema.draft import ComputedDraft, ModelDraft, SchemaDraft, Types
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.name_checks import unreserved_name
from ormkit_gen.schema.names import is_attribute
from ormkit_gen.schema.sql_expressions import (
    GRAMMAR,
    BadExpression,
    Call,
    Item,
    Name,
    SqlExpression,
    read_expression,
)

KEYS = frozenset(["type", "expression", "nullable", "python_type"])
#: Words and operators that may give a value although an operand is NULL.
HANDLES_NULL = frozenset({"and", "case", "distinct", "is", "isnull", "not", "notnull", "or"})


def read_computed(model: ModelDraft, types: Types) -> None:
    """Read the names, types and expressions of the model's computed attributes."""
    for name, value, path in model.fields.named("computed"):
        if found := _read_one(model, name, value, path, types):
            model.computed_drafts[found.column.name] = found


def _read_one(
    model: ModelDraft, name: str, value: Any, path: Path, types: Types
) -> ComputedDraft | None:
    problems = model.fields.problems
    fields = Fields(model.fields.document, path, value, problems, f"{model.name}.{name}")
    fields.only(KEYS)
    name = unreserved_name(fields, name)
    if not is_attribute(name):
        problems.error(
            "bad-identifier",
            f"{name!r} cannot be an attribute",
            "it needs a Python name without a leading or a double underscore",
            fields.at,
        )
    if not fields.is_table:
        return None
    expression = fields.text("expression")
    if "expression" not in fields.data:
        problems.error(
            "missing-key", f"{fields.what} needs expression", 'as in "count(posts)"', fields.at
        )
    typed = read_type(fields, types)
    if typed is None or expression is None:
        return None
    type_, is_nullable = typed
    says = fields.flag("nullable") if "nullable" in fields.data else is_nullable or None
    column = Column(
        name=name, db_name=name, type=type_, python_type=read_python_type(fields), at=fields.at
    )
    return ComputedDraft(column, expression, says, fields)


def resolve_computed(draft: SchemaDraft) -> None:
    """Resolve the computed attributes of all models, which may refer to one another."""
    resolver = _Resolver(draft)
    for model in draft.models.values():
        for name, written in model.computed_drafts.items():
            _check_name(model, name, written)
            if found := resolver.resolve(model, name):
                model.computed.append(found)


def _check_name(model: ModelDraft, name: str, written: ComputedDraft) -> None:
    others = {each.name: "a column" for each in model.columns}
    others.update({each.name: "a relationship" for each in model.relationships})
    if name in others:
        model.fields.problems.error(
            "name-clash",
            f"{model.name}.{name} is both {others[name]} and a computed attribute",
            "rename the computed attribute",
            written.fields.at,
        )


class _Resolver:
    """Resolves each computed attribute once, and notices those that need themselves."""

    def __init__(self, draft: SchemaDraft) -> None:
        self.draft = draft
        self._known: dict[tuple[str, str], Computed | None] = {}
        self._open: list[tuple[str, str]] = []

    def resolve(self, model: ModelDraft, name: str) -> Computed | None:
        """Return the computed attribute, or record its problem and return None."""
        mark = (model.name, name)
        if mark in self._known:
            return self._known[mark]
        if mark in self._open:
            circle = [*self._open[self._open.index(mark) :], mark]
            shown = " needs ".join(f"{model_name}.{each}" for model_name, each in circle)
            raise BadExpression(f"it refers to itself: {shown}", "name columns instead")
        self._open.append(mark)
        written = model.computed_drafts[name]
        try:
            self._known[mark] = _Writer(self, model, written).computed()
        except BadExpression as error:
            message, remedy = error.args
            fields = written.fields
            self.draft.problems.error(
                "bad-expression",
                f"{fields.what}: {message}",
                remedy,
                fields.value_at("expression"),
            )
            self._known[mark] = None
        finally:
            self._open.pop()
        return self._known[mark]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a name of an expression leads to, from the model of the computed attribute on."""

    hops: tuple[Relationship, ...]
    target: ModelDraft
    #: The column or computed attribute; empty if the name ends with a relationship.
    leaf: str
    is_nullable: bool

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.hops)

    @property
    def to_many(self) -> tuple[str, ...]:
        """The path up to the last relationship that leads to many rows."""
        count = max((n for n, each in enumerate(self.hops, 1) if each.is_to_many), default=0)
        return self.path[:count]


class _Writer:
    """Writes the template of one computed attribute."""

    def __init__(self, resolver: _Resolver, model: ModelDraft, written: ComputedDraft) -> None:
        self.resolver = resolver
        self.model = model
        self.written = written
        self.calls: dict[str, None] = {}
        #: True once an operand may be NULL that makes the whole NULL.
        self.is_null = "->" in written.expression or "#>" in written.expression
        #: True within a function that takes NULL.
        self.takes_null = False

    def computed(self) -> Computed:
        """Return the computed attribute. Raises BadExpression."""
        read = read_expression(self.written.expression)
        template = "".join(self._text(each, None) for each in read.items).strip()
        says = self.written.is_nullable
        return Computed(
            column=replace(
                self.written.column, is_nullable=self._may_be_null(read) if says is None else says
            ),
            template=template,
            calls=tuple(self.calls),
            casts=tuple(dict.fromkeys(read.casts)),
            is_foreign=any(name.lower() not in PURE for name in self.calls),
        )

    def _may_be_null(self, read: SqlExpression) -> bool:
        """Return whether an operand may be NULL and nothing in the expression handles that."""
        return self.is_null and not read.words & HANDLES_NULL

    def _text(self, item: Item, base: tuple[str, ...] | None) -> str:
        """Return an item as the template has it.

        base: within an aggregate, the path to the rows that it is about.
        """
        if isinstance(item, str):
            return item.replace("{", "{{").replace("}", "}}")
        if isinstance(item, Call):
            return self._call(item, base)
        found = self._find(item)
        if found is None:
            return item.space + item.parts[0]
        self._check(item, found, base)
        if base is None and found.is_nullable and not self.takes_null:
            self.is_null = True
        return f"{item.space}{{{'.'.join((*found.path, found.leaf))}}}"

    def _check(self, item: Name, found: _Found, base: tuple[str, ...] | None) -> None:
        written = ".".join(item.parts)
        if not found.leaf:
            raise BadExpression(
                f"{written} is a relationship, not a value",
                f"write count({written}), or name a column of {found.target.name}",
            )
        reached = () if base is None else base
        if found.to_many != reached[: len(found.to_many)]:
            if base is None:
                raise BadExpression(
                    f"{written} crosses a to-many relationship",
                    f"use an aggregate, as in max({written})",
                )
            raise BadExpression(
                f"{written} is not on the path {'.'.join(base)} of the aggregate",
                "an aggregate follows one path of relationships: use two aggregates",
            )

    def _call(self, call: Call, base: tuple[str, ...] | None) -> str:
        name = call.name.lower()
        is_aggregate = name in AGGREGATES or bool(call.tail)
        if not is_aggregate or (base is None and not self._leads_away(call)):
            self._check_aggregate(call, is_aggregate)
            return self._written(call, base)
        if base is not None:
            raise BadExpression(
                f"{call.name}() is an aggregate within an aggregate",
                "give the related model a computed attribute, and aggregate that attribute",
            )
        if name not in COUNTS and not self.takes_null:
            self.is_null = True
        path = self._base(call)
        return f"{call.space}{{{'.'.join(path)}: {self._written(call, path).strip()}}}"

    def _check_aggregate(self, call: Call, is_aggregate: bool) -> None:
        if is_aggregate:
            raise BadExpression(
                f"{call.name}() does not aggregate a relationship",
                f"use a relationship of {self.model.name} in it, as in "
                f"{call.name}({self._example()})",
            )

    def _example(self) -> str:
        names = [each.name for each in self.model.relationships if each.is_to_many]
        return names[0] if names else "posts"

    def _written(self, call: Call, base: tuple[str, ...] | None) -> str:
        """Return a call as the template has it."""
        self.calls[call.name] = None
        saved = self.takes_null
        self.takes_null = saved or call.name.lower() in TAKES_NULL
        inner = self._counted(call)
        if inner is None:
            inner = "".join(self._text(each, base) for each in call.arguments)
        tail = "".join(self._text(each, base) for each in call.tail)
        self.takes_null = saved
        return f"{call.space}{call.name}({inner}){tail}"

    def _counted(self, call: Call) -> str | None:
        """Return what count(relationship) counts; None for any other call."""
        if call.name.lower() != "count":
            return None
        words = [each for each in call.arguments if isinstance(each, str)]
        names = [each for each in call.arguments if isinstance(each, Name)]
        if len(names) != 1 or len(words) + 1 != len(call.arguments):
            return None
        found = self._find(names[0])
        if found is None or found.leaf or (words and words[0].strip().lower() != "distinct"):
            return None
        if not words:
            return "*"
        path = ".".join(found.path)
        key = ", ".join(f"{{{path}.{name}}}" for name in found.target.primary_key)
        return f"DISTINCT ({key})" if len(found.target.primary_key) > 1 else f"DISTINCT {key}"

    def _leads_away(self, call: Call) -> bool:
        return any(found.hops for found in self._all_found(call))

    def _base(self, call: Call) -> tuple[str, ...]:
        """Return the path to the rows that an aggregate is about."""
        found = [each for each in self._all_found(call) if each.hops]
        paths = [each.path if not each.leaf else each.to_many for each in found]
        longest = max(paths, key=len)
        return longest or found[0].path[:1]

    def _all_found(self, call: Call) -> Iterator[_Found]:
        for item in _names(call.items()):
            if found := self._find(item):
                yield found

    def _find(self, name: Name) -> _Found | None:
        """Return what a name leads to; None for a word of the grammar. Raises BadExpression."""
        model, hops = self.model, list[Relationship]()
        is_nullable = False
        for place, part in enumerate(name.parts):
            is_last = place == len(name.parts) - 1
            for spelling in dict.fromkeys((part, part if name.is_quoted else part.lower())):
                if is_last and (leaf := self._leaf(model, spelling)):
                    column, may_be_null = leaf
                    return _Found(tuple(hops), model, column, is_nullable or may_be_null)
                relationship = _relationship(model, spelling)
                if relationship is not None:
                    break
            else:
                if len(name.parts) == 1 and part.lower() in GRAMMAR:
                    return None
                raise self._unknown(model, part)
            hops.append(relationship)
            is_nullable = is_nullable or relationship.is_nullable
            model = self.resolver.draft.models[relationship.target]
        return _Found(tuple(hops), model, "", is_nullable)

    def _leaf(self, model: ModelDraft, name: str) -> tuple[str, bool] | None:
        """Return a column or computed attribute of a model, and whether it may be NULL."""
        if column := model.column(name):
            return column.name, column.is_nullable
        if name not in model.computed_drafts:
            return None
        computed = self.resolver.resolve(model, name)
        return name, computed is None or computed.column.is_nullable

    def _unknown(self, model: ModelDraft, name: str) -> BadExpression:
        known = _known_names(model)
        return BadExpression(
            f"{model.name} has no column or relationship {name!r}", did_you_mean(name, known)
        )


def _names(items: Iterable[Item]) -> Iterator[Name]:
    """Yield the names in items, those in calls included."""
    for item in items:
        if isinstance(item, Name):
            yield item
        elif isinstance(item, Call):
            yield from _names(item.items())


def _relationship(model: ModelDraft, name: str) -> Relationship | None:
    return next((each for each in model.relationships if each.name == name), None)


def _known_names(model: ModelDraft) -> Sequence[str]:
    columns = [each.name for each in model.columns]
    return (*columns, *model.computed_drafts, *[each.name for each in model.relationships])
