"""inspect(): the tables, views, enums, domains and sequences of a database as typed values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from ..engine import Engine
from ..errors import UnknownName, UsageError, did_you_mean
from .reader import catalog_transaction
from .table_reader import read_domains, read_enums, read_schemas, read_sequences, read_tables
from .tables import Domain, EnumType, Sequence, Table

T = TypeVar("T", Table, EnumType, Domain, Sequence)

VIEWS = ("view", "materialized view")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect()` found. Each tuple is sorted by schema and name."""

    #: The names of the schemas, those without any table with them.
    schemas: tuple[str, ...]
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
        return self._named("table", (*self.tables, *self.views), name, schema)

    def has_table(self, name: str, schema: str = "public") -> bool:
        """Return whether there is a table or view of this name."""
        every = (*self.tables, *self.views)
        return any((each.schema, each.name) == (schema, name) for each in every)

    def enum(self, name: str, schema: str = "public") -> EnumType:
        """Return the enum type of this name; raises UnknownName with a suggestion."""
        return self._named("enum", self.enums, name, schema)

    def domain(self, name: str, schema: str = "public") -> Domain:
        """Return the domain of this name; raises UnknownName with a suggestion."""
        return self._named("domain", self.domains, name, schema)

    def sequence(self, name: str, schema: str = "public") -> Sequence:
        """Return the sequence of this name; raises UnknownName with a suggestion."""
        return self._named("sequence", self.sequences, name, schema)

    def _named(self, kind: str, every: Iterable[T], name: str, schema: str) -> T:
        known = {(each.schema, each.name): each for each in every}
        if (schema, name) in known:
            return known[schema, name]
        if schema not in self.schemas:
            hint = did_you_mean(schema, self.schemas)
            raise UnknownName(f"the database has no schema {schema!r}: {hint}")
        elsewhere = [other for other, its_name in known if its_name == name]
        if elsewhere:
            raise UnknownName(
                f"{schema} has no {kind} {name!r}, but {' and '.join(elsewhere)} has: name the "
                f"schema, as in {kind}({name!r}, {elsewhere[0]!r})"
            )
        near = did_you_mean(name, [its_name for other, its_name in known if other == schema])
        raise UnknownName(f"{schema} has no {kind} {name!r}: {near}")


async def inspect(engine: Engine) -> Inspection:
    """Return the tables, views, enums, domains and sequences of a database as typed values.

    It reads all of them, in one read-only transaction, and needs no right beyond connecting. How
    many queries it sends does not depend on how many objects there are. It leaves out what belongs
    to the system or to extensions. Names are as in the catalog, without quotes; types and
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
            await read_schemas(tx),
            tuple(each for each in tables if each.kind not in VIEWS),
            tuple(each for each in tables if each.kind in VIEWS),
            await read_enums(tx),
            await read_domains(tx),
            await read_sequences(tx),
        )
