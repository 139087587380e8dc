"""state.json: the schema after a migration, one element a line, and back.

The same schema is the same text, whether its files are TOML or Python, so a change of the text is a
change of the schema. `canonical()` says what is left out and what is sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
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
    "object": ("objects", SqlObject),
}
#: Those whose lines are before those of the models, and those whose lines are after them.
_AROUND_MODELS = (("namespace", "extension", "enum", "domain", "sequence"), ("object",))
#: How a migration gets here is no part of where it leads.
_TRANSITIONS: dict[type, tuple[str, ...]] = {
    Column: ("backfill", "time_zone"),
    Enum: ("removed",),
}


#: What begins and ends the text, and what is between two lines. JSON writes no line break in a
#: string, so that nothing else is like it.
_HEAD, _SEPARATOR, _TAIL = f'{{"format": {FORMAT}, "elements": [', ",\n", "]}\n"
#: What lines of a model's parts begin with.
_PART_LINES = tuple(f'{{"{called}": ' for called in _PARTS)


class StateError(ValueError):
    """A text is no state of a schema."""


def canonical(schema: Schema) -> Schema:
    """Return the schema as its state has it: sorted where the order says nothing.

    The order of columns, of labels and of partitions stays. The names of the files are gone.
    """
    elements: dict[str, Any] = {
        field: tuple(sorted(getattr(schema, field), key=_sort_key))
        for field, _ in _ELEMENTS.values()
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


@dataclass(frozen=True, slots=True)
class State:
    """A schema with its text, from which states that share most models are read fast."""

    #: Its models have their canonical form.
    schema: Schema
    text: str
    #: The models by their lines, except those whose lines leave something out.
    models: Mapping[str, Model]

    @classmethod
    def of(cls, schema: Schema) -> State:
        """Return the state of a schema."""
        sorted_ = canonical(schema)
        models = {_text_of(_model(each)): each for each in sorted_.models}
        before, after = (list(_elements(sorted_, of)) for of in _AROUND_MODELS)
        parts = (_text_of(before), *models, _text_of(after))
        lines = _SEPARATOR.join(filter(None, parts))
        body = f"\n{lines}\n" if lines else ""
        whole = {text: each for text, each in models.items() if _is_whole(each)}
        return cls(replace(schema, models=sorted_.models), f"{_HEAD}{body}{_TAIL}", whole)

    def text_of(self, schema: Schema) -> str:
        """Return the text of the same schema, or of another one."""
        return self.text if schema is self.schema else state_text(schema)


def state_text(schema: Schema) -> str:
    """Return the text of state.json."""
    return State.of(schema).text


def read_state(text: str, like: State | None = None) -> Schema:
    """Return the schema of a state.json.

    like: the state of a schema that shares most models with it. These are taken from there, which
    is faster than reading them, and are the same objects in both schemas.

    Raises:
        StateError: The text is no state.
    """
    if like is None:
        return _read_whole(text)
    known, rest = _shared(text, like.models)
    try:
        read = _read_whole(rest)
    except StateError:
        # A person may have moved lines away from those of their model.
        return _read_whole(text)
    models = (*known, *read.models)
    return replace(read, models=tuple(sorted(models, key=_sort_key)))


def _shared(text: str, models: Mapping[str, Model]) -> tuple[list[Model], str]:
    """Return the models whose lines are known, and the text without these lines."""
    if not (text.startswith(f"{_HEAD}\n") and text.endswith(f"\n{_TAIL}")):
        return [], text
    lines = text[len(_HEAD) + 1 : -len(_TAIL) - 1].split(_SEPARATOR)
    # The lines of a model follow each other; those of everything else are groups of their own.
    starts = [number for number, line in enumerate(lines) if not line.startswith(_PART_LINES)]
    known: list[Model] = []
    rest: list[str] = []
    for start, end in zip(starts, (*starts[1:], len(lines)), strict=True):
        group = _SEPARATOR.join(lines[start:end])
        model = models.get(group)
        if model is None:
            rest.append(group)
        else:
            known.append(model)
    body = _SEPARATOR.join((*lines[: min(starts, default=0)], *rest))
    return known, f"{_HEAD}\n{body}\n{_TAIL}" if body else f"{_HEAD}{_TAIL}"


def _read_whole(text: str) -> Schema:
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
    before, after = _AROUND_MODELS
    yield from _elements(schema, before)
    for model in schema.models:
        yield from _model(model)
    yield from _elements(schema, after)


def _elements(schema: Schema, kinds: Iterable[str]) -> Iterator[dict[str, Any]]:
    for called in kinds:
        field, _ = _ELEMENTS[called]
        for each in getattr(schema, field):
            yield _line(called, each.name, each)


def _text_of(lines: Iterable[dict[str, Any]]) -> str:
    return _SEPARATOR.join(map(_LINES.encode, lines))


def _is_whole(model: Model) -> bool:
    """Return whether the lines of a model say everything about it."""
    return not any(getattr(each, name) for each in model.columns for name in _TRANSITIONS[Column])


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
