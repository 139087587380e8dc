"""Reading how a sequence counts, be it that of an identity or one of its own."""

from __future__ import annotations

from ormkit_gen.ir import SequenceOptions
from ormkit_gen.schema.fields import Fields

OPTIONS = ("start", "increment", "min", "max", "cache", "cycle")


def read_options(fields: Fields, name: str | None = None) -> SequenceOptions:
    """Return how a sequence counts."""
    return SequenceOptions(
        start=fields.number("start"),
        increment=fields.number("increment"),
        minimum=fields.number("min"),
        maximum=fields.number("max"),
        cache=fields.number("cache"),
        is_cycling=fields.flag("cycle"),
        name=name,
    )
