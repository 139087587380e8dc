"""CREATE SEQUENCE, and the options of identities."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit_gen.ir import Model, NumberSequence, Schema, SequenceOptions
from ormkit_gen.postgres.identifiers import qualified, quote_identifier, quote_literal


def create_sequence(sequence: NumberSequence) -> Iterator[str]:
    """Yield the statements that create a sequence, before the tables that count with it."""
    name = qualified(sequence.schema, sequence.name)
    kind = "UNLOGGED SEQUENCE" if sequence.is_unlogged else "SEQUENCE"
    parts = [f"CREATE {kind} IF NOT EXISTS {name}"]
    if sequence.type != "bigint":
        parts.append(f"AS {sequence.type}")
    yield f"{' '.join([*parts, *options(sequence.options)])};"
    if sequence.comment is not None:
        yield f"COMMENT ON SEQUENCE {name} IS {quote_literal(sequence.comment)};"


def owned_by(sequence: NumberSequence, schema: Schema) -> Iterator[str]:
    """Yield the statement that ties a sequence to its column, once the table is there."""
    if sequence.owner is not None:
        name, column = sequence.owner
        model = schema.model(name)
        table = qualified(model.schema, model.table)
        owner = f"{table}.{quote_identifier(model.column(column).db_name)}"
        yield f"ALTER SEQUENCE {qualified(sequence.schema, sequence.name)} OWNED BY {owner};"


def identity_options(model: Model, given: SequenceOptions) -> str:
    """Return the options of an identity; its sequence is in the schema of its table."""
    name = [] if given.name is None else [f"SEQUENCE NAME {qualified(model.schema, given.name)}"]
    return " ".join([*name, *options(given)])


def options(given: SequenceOptions) -> Iterator[str]:
    """Yield how a sequence counts."""
    pairs = (
        ("INCREMENT BY", given.increment),
        ("MINVALUE", given.minimum),
        ("MAXVALUE", given.maximum),
        ("START WITH", given.start),
        ("CACHE", given.cache),
    )
    yield from (f"{words} {number}" for words, number in pairs if number is not None)
    if given.is_cycling:
        yield "CYCLE"
