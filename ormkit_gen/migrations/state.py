"""state.json: the schema after a migration, one element a line, and back.

The same schema is the same text, whether its files are TOML or Python, so a change of the text is a
change of the schema. `canonical()` says what is left out and what is sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ormkit_gen.ir import (
    Check,
    Column,
    Computed,
    Domain,
    Enum,
    Exclude,
    Extension,
    ForeignKey,
    Index,
    Model,
    Namespace,
    NumberSequence,
    Relationship,
    Schema,
    SqlObject,
    Unique,
)
from ormkit_gen.migrations.values import decode, encode

#: The version of the format.
FORMAT = 1
#: One for all lines, because `json.dumps` makes one for each.
_LINES = json.JSONEncoder(ensure_ascii=False)
#: The parts of a model with lines of their own: what a line is called, the field, and the class.
_PARTS: dict[str, tuple[str, type]] = {
    "column": ("columns", Column),
    "unique": ("uniques", Unique),
    "check": ("checks", Check),
    "foreign key": ("foreign_keys", ForeignKey),
    "index": ("indexes", Index),
    "exclude": ("excludes", Exclude),
    "relationship": ("relationships", Relationship),
    "computed": ("computed", Computed),
}
#: What has lines of its own beside the models.
_ELEMENTS: dict[str, tuple[str, type]] = {
    "namespace": ("namespaces", Namespace),
    "extension": ("extensions", Extension),
    "enum": ("enums", Enum),
    "domain": ("domains", Domain),
    "sequence": ("sequences", NumberSequence),
    "model": ("models", Model),
    "object": ("objects", SqlObject),
}
#: How a migration gets here is no part of where it leads.
_TRANSITIONS: dict[type, tuple[str, ...]] = {
    Column: ("backfill", "time_zone"),
    Enum: ("removed",),
}


class StateError(ValueError):
    """A text is no state of a schema."""


def canonical(schema: Schema) -> Schema:
    """Return the schema as its state has it: sorted where the order says nothing.

    The order of columns, of labels and of partitions stays. The names of the files are gone.
    """
    elements: dict[str, Any] = {
        field: tuple(sorted(getattr(schema, field), key=_sort_key))
        for field, _ in _ELEMENTS.values()
        if field != "models"
    }
    found = tuple(sorted(map(_canonical_model, schema.models), key=_sort_key))
    return replace(schema, models=found, sources=(), **elements)


def _canonical_model(model: Model) -> Model:
    parts: dict[str, Any] = {
        field: tuple(sorted(getattr(model, field), key=lambda each: each.name))
        for field, _ in _PARTS.values()
        if field != "columns"
    }
    return replace(model, **parts)


def state_text(schema: Schema) -> str:
    """Return the text of state.json."""
    lines = ",\n".join(map(_LINES.encode, lines_of(canonical(schema))))
    body = f"\n{lines}\n" if lines else ""
    return f'{{"format": {FORMAT}, "elements": [{body}]}}\n'


def read_state(text: str) -> Schema:
    """Return the schema of a state.json. Raise StateError where the text is none."""
    try:
        document: Any = json.loads(text)
        if document["format"] != FORMAT:
            raise StateError(
                f"the format {document['format']!r} of this state.json is of another version of "
                "OrmKit"
            )
        return schema_of(document["elements"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if isinstance(error, StateError):
            raise
        raise StateError(f"not a state.json: {error}") from error


def _sort_key(each: Any) -> tuple[str, str]:
    return (getattr(each, "kind", ""), each.name)


def lines_of(schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield the elements of a schema, each as its line says it; its first item names it."""
    for called, (field, _) in _ELEMENTS.items():
        for each in getattr(schema, field):
            if isinstance(each, Model):
                yield from _model(each)
            else:
                yield _line(called, each.name, each)


def _model(model: Model) -> Iterator[dict[str, Any]]:
    parts = {field for field, _ in _PARTS.values()}
    yield {"model": model.name, **_settings(model, parts)}
    for called, (field, _) in _PARTS.items():
        for each in getattr(model, field):
            if isinstance(each, Computed):
                yield {called: f"{model.name}.{each.name}", **encode(each)}
            else:
                yield _line(called, f"{model.name}.{each.name}", each)


def _line(called: str, name: str, each: Any) -> dict[str, Any]:
    return {called: name, **_settings(each, set())}


def _settings(each: Any, parts: set[str]) -> dict[str, Any]:
    left_out = {"name", *parts, *_transitions(each)}
    settings: dict[str, Any] = encode(each, tuple(left_out))
    return settings


def _transitions(each: object) -> tuple[str, ...]:
    return next((names for type_, names in _TRANSITIONS.items() if isinstance(each, type_)), ())


def schema_of(lines: Iterable[dict[str, Any]]) -> Schema:
    """Return the schema of such lines; those of a model's parts follow its own."""
    elements: dict[str, list[Any]] = {field: [] for field, _ in _ELEMENTS.values()}
    models: dict[str, dict[str, Any]] = {}
    for line in lines:
        (called, name), *rest = line.items()
        settings = dict(rest)
        if called == "model":
            models[name] = {"name": name, **settings}
        elif called in _PARTS:
            field, type_ = _PARTS[called]
            model, _, own = name.partition(".")
            found = settings if type_ is Computed else {"name": own, **settings}
            models[model].setdefault(field, []).append(found)
        else:
            field, type_ = _ELEMENTS[called]
            elements[field].append(decode(type_, {"name": name, **settings}))
    elements["models"] = [_read_model(each) for each in models.values()]
    return Schema(**{field: tuple(each) for field, each in elements.items()})


def _read_model(settings: Mapping[str, Any]) -> Model:
    model: Model = decode(Model, {"columns": [], **settings})
    return model
