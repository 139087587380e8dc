"""inspect(): the tables, views, enums, domains and sequences of a database as typed values."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine import Engine
from ..errors import UnknownName, UsageError, did_you_mean
from .reader import catalog_transaction
from .table_reader import read_domains, read_enums, read_sequences, read_tables
from .tables import Domain, EnumType, Sequence, Table

VIEWS = ("view", "materialized view")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect()` found. Each tuple is sorted by schema and name."""

    #: Tables, with partitioned and foreign ones.
    tables: tuple[Table, ...]
    #: Views, with materialized ones.
    views: tuple[Table, ...]
    enums: tuple[EnumType, ...]
    domains: tuple[Domain, ...]
    #: Sequences, with those of serial and identity columns.
    sequences: tuple[Sequence, ...]

    def table(self, name: str, schema: str = "public") -> Table:
        """Return the table or view of this name; raises UnknownName with a suggestion."""
        every = (*self.tables, *self.views)
        for each in every:
            if (each.schema, each.name) == (schema, name):
                return each
        known = [each.name for each in every if each.schema == schema]
        raise UnknownName(f"{schema} has no table {name!r}: {did_you_mean(name, known)}")


async def inspect(engine: Engine) -> Inspection:
    """Return the tables, views, enums, domains and sequences of a database as typed values.

    It runs one read-only transaction and needs no right beyond connecting. It leaves out what
    belongs to the system or to extensions. Names are as in the catalog, without quotes; types and
    expressions are qualified where they are not PostgreSQL's own.

    Raises ConnectionFailed, the DatabaseError that the server reports, and UsageError for anything
    but an engine.
    """
    given: object = engine
    if not isinstance(given, Engine):
        raise UsageError(f"inspect() takes an engine, not {type(given).__name__}")
    async with catalog_transaction(engine) as tx:
        tables = await read_tables(tx)
        return Inspection(
            tuple(each for each in tables if each.kind not in VIEWS),
            tuple(each for each in tables if each.kind in VIEWS),
            await read_enums(tx),
            await read_domains(tx),
            await read_sequences(tx),
        )
