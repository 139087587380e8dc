"""Whether the schema files have a change that no migration makes.

Two schemas may differ and still be the same database: an attribute has another name, columns are in
another order, an expression is written in another way. Such a change needs no migration.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ormkit.catalog import compare
from ormkit.migrations.chain import Chain
from ormkit_gen.ddl.schema import is_enforced, late_foreign_key, parts_sql, schema_parts
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import problem
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.ir import (
    Check,
    Column,
    Domain,
    Exclude,
    Index,
    IndexElement,
    Model,
    Schema,
    View,
)
from ormkit_gen.migrations.authoring import state_of
from ormkit_gen.migrations.state import State, canonical

#: What takes the place of an expression, of which only PostgreSQL knows whether it has changed.
_ANY = "NULL"


def certain_change(chain: Chain, schema: Schema, place: str) -> Diagnostic | None:
    """Return that the schema files differ from the last migration, if that needs no server to know.

    An expression that has changed does not count, because it may mean the same.

    place: the directory of the migrations, as messages name it.
    """
    if _is_certain(_last_state(chain, schema), schema):
        return _problem(chain, place)
    return None


async def pending_change(
    chain: Chain, schema: Schema, place: str, shadow: str | None
) -> Diagnostic | None:
    """Return that the schema files differ from the last migration; None if they do not.

    The shadow server decides where only expressions differ.

    Raises:
        Refusal: There is no shadow server, or it cannot build a schema.
    """
    state = _last_state(chain, schema)
    if canonical(state) == canonical(schema):
        return None
    if _is_certain(state, schema):
        return _problem(chain, place)
    before = await expected_catalog([state], shadow)
    after = await expected_catalog([schema], shadow)
    return _problem(chain, place) if compare(after, before) else None


def _last_state(chain: Chain, now: Schema) -> Schema:
    return state_of(chain.head, State.of(now)) if chain.head is not None else Schema(models=())


def _problem(chain: Chain, place: str) -> Diagnostic:
    head = chain.head
    after = f"since {head.id}" if head is not None else f"and there is no migration in {place}"
    message = f"the schema has changed {after}"
    return problem("no-migration", message, "write one: ormkit migrate new NAME")


def _is_certain(before: Schema, after: Schema) -> bool:
    if canonical(before) == canonical(after):
        return False
    return _statements(before) != _statements(after)


def _statements(schema: Schema) -> Counter[tuple[str, ...]]:
    """Return the statements that create a schema, without its expressions and without an order."""
    blank = _without_expressions(schema)
    keys = [
        late_foreign_key(model, key, blank)
        for model in blank.models
        for key in model.foreign_keys
        if model.is_managed and is_enforced(model, key, blank)
    ]
    models = tuple(replace(model, foreign_keys=()) for model in blank.models)
    parts = schema_parts(replace(blank, models=models))
    texts = [*(parts_sql([part]) for part in parts), *keys]
    objects = [f"-- {each.label}" for each in schema.objects]
    return Counter(
        tuple(sorted(line.strip().rstrip(",") for line in text.splitlines()))
        for text in (*texts, *objects)
    )


def _without_expressions(schema: Schema) -> Schema:
    return replace(
        schema,
        models=tuple(map(_model, schema.models)),
        domains=tuple(map(_domain, schema.domains)),
        objects=(),
    )


def _model(model: Model) -> Model:
    view = model.view
    return replace(
        model,
        columns=tuple(map(_column, model.columns)),
        checks=tuple(map(_check, model.checks)),
        indexes=tuple(map(_index, model.indexes)),
        excludes=tuple(map(_exclude, model.excludes)),
        view=replace(view, query=_any(view.query)) if isinstance(view, View) else None,
    )


def _column(column: Column) -> Column:
    has_default = column.server_default is not None or column.default is not None
    return replace(
        column,
        default=None,
        server_default=_ANY if has_default else None,
        generated=_any(column.generated),
    )


def _check(check: Check) -> Check:
    return replace(check, expression=_ANY)


def _index(index: Index) -> Index:
    return replace(index, elements=tuple(map(_element, index.elements)), where=_any(index.where))


def _exclude(exclude: Exclude) -> Exclude:
    elements = tuple((_element(each), operator) for each, operator in exclude.elements)
    return replace(exclude, elements=elements, where=_any(exclude.where))


def _element(element: IndexElement) -> IndexElement:
    return replace(element, expression=_any(element.expression))


def _domain(domain: Domain) -> Domain:
    checks = tuple(replace(each, expression=_ANY) for each in domain.checks)
    return replace(domain, server_default=_any(domain.server_default), checks=checks)


def _any(expression: str | None) -> str | None:
    return None if expression is None else _ANY
