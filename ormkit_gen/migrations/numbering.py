"""Columns that get their numbers from elsewhere: a serial, an identity, or programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ormkit.catalog import Catalog, Difference, Fact
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import identity_text
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.identifiers import quote_literal
from ormkit_gen.postgres.sql_names import plain_name
from ormkit_gen.schema.names import constraint_name

_NEXT = re.compile(r"nextval\('(.+)'::regclass\)")

#: Keeps the rights on a sequence, which the one in its place gets: it has the same name.
_RIGHTS = """\
SELECT string_agg(format('GRANT %s ON SEQUENCE %s TO %s%s;', a.privilege_type, old,
        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ') INTO rights
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = old::regclass AND a.grantee <> c.relowner\
"""


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where a column gets its numbers from; neither for one that programs fill in."""

    identity: Fact | None = None
    #: The sequence of a serial column, as SQL.
    sequence: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether nothing numbers the rows."""
        return self.identity is None and not self.sequence


def numbering(catalog: Catalog, table: str, column: str) -> Numbering:
    """Return where a column of a catalog gets its numbers from."""
    whole = f"table {table}"
    default = catalog.get((whole, "default", column))
    found = _NEXT.fullmatch(default.definition) if default is not None else None
    if found is not None:
        name = found[1].replace("''", "'")
        sequence = catalog.get((f"sequence {name}", "object", ""))
        owner = f" OWNED BY {table.removeprefix('public.')}.{quoted(column)}"
        if sequence is not None and sequence.definition.replace(
            " OWNED BY public.", " OWNED BY "
        ).endswith(owner):
            return Numbering(sequence=name)
    return Numbering(catalog.get((whole, "identity", column)))


def taken_over(table: str, name: str, before: str, identity: str) -> str:
    """Return what gives a column the identity of another one, which counts on.

    name, before: the plain names of both columns.
    identity: what adds it.
    """
    own, other = (
        f"pg_get_serial_sequence({quote_literal(table)}, {quote_literal(each)})"
        for each in (name, before)
    )
    return (
        "DO $ormkit$\nDECLARE\n"
        f"    old text := {other};\n    name text;\n    rights text;\n"
        "    last bigint;\n    called boolean;\n"
        "BEGIN\n"
        "    SELECT relname INTO name FROM pg_class WHERE oid = old::regclass;\n"
        f"    {_RIGHTS};\n"
        "    EXECUTE format('SELECT last_value, is_called FROM %s', old) INTO last, called;\n"
        f"    ALTER TABLE {table} ALTER COLUMN {quoted(before)} DROP IDENTITY;\n"
        f"    ALTER TABLE {table} ALTER COLUMN {quoted(name)} ADD {identity};\n"
        f"    IF {own} <> old THEN\n"
        f"        EXECUTE format('ALTER SEQUENCE %s RENAME TO %I', {own}, name);\n"
        "    END IF;\n"
        f"    PERFORM setval({own}, last, called);\n"
        "    IF rights IS NOT NULL THEN\n        EXECUTE rights;\n    END IF;\n"
        "END\n$ormkit$;"
    )


def renumbered(differences: Iterable[Difference], now: Situation) -> Iterator[Piece]:
    """Yield what makes columns get their numbers from elsewhere."""
    for each in differences:
        fact = each.fact
        kind, table = kind_and_name(fact.object)
        column = now.wanted.get((fact.object, "column", fact.name))
        is_there = now.present.get((fact.object, "column", fact.name)) is not None
        if kind != "table" or fact.kind not in ("identity", "default") or column is None:
            continue
        if not is_there or fact.key in now.done:
            continue
        before = numbering(now.present, table, fact.name)
        after = numbering(now.wanted, table, fact.name)
        if (bool(before.identity), before.sequence) == (bool(after.identity), after.sequence):
            continue
        yield from _Column(table, column, before, after, now).pieces()


class _Column:
    def __init__(
        self, table: str, fact: Fact, before: Numbering, after: Numbering, now: Situation
    ) -> None:
        self._table, self._fact, self._now = table, fact, now
        self._before, self._after = before, after
        self._column = quoted(fact.name)
        self._alter = f"ALTER TABLE {table} ALTER COLUMN {self._column}"
        self._own = f"pg_get_serial_sequence({quote_literal(table)}, {quote_literal(fact.name)})"

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces. Those of a column without numbers follow what makes it NOT NULL."""
        now, fact = self._now, self._fact
        for kind in ("identity", "default"):
            now.done.add((fact.object, kind, fact.name))
        for each in (self._before, self._after):
            now.done.add((f"sequence {each.sequence}", "object", ""))
            now.done.add((f"sequence {each.sequence}", "comment", ""))
        if self._before.is_plain:
            yield from self._begun()
        elif self._after.is_plain:
            default = now.wanted.get((fact.object, "default", fact.name))
            sets = [f"{self._alter} SET DEFAULT {default.definition};"] if default else []
            yield self._piece([*self._removed(), *sets], Rank.UNSET)
        else:
            yield self._piece([self._counting_on()], Rank.UNSET)

    def _piece(self, statements: Iterable[str], rank: Rank) -> Piece:
        return Piece(rank=rank, sql="\n".join(statements), table=self._table, is_alone=True)

    def _removed(self) -> Iterator[str]:
        if self._before.sequence:
            yield f"{self._alter} DROP DEFAULT;"
            yield f"DROP SEQUENCE {self._before.sequence};"
        else:
            yield f"{self._alter} DROP IDENTITY;"

    def _added(self) -> Iterator[str]:
        if self._after.identity is not None:
            yield f"{self._alter} ADD {identity_text(self._after.identity, self._fact.definition)};"
            return
        yield from self._sequence()
        yield from self._default()

    def _sequence(self) -> Iterator[str]:
        """Yield what creates the sequence of a serial column."""
        now, whole = self._now, f"sequence {self._after.sequence}"
        fact = now.wanted.get((whole, "object", ""))
        assert fact is not None
        unowned = replace(fact, definition=fact.definition.partition(" OWNED BY ")[0])
        yield from (each.sql for each in created(unowned, now.fresh))

    def _default(self) -> Iterator[str]:
        sequence = self._after.sequence
        yield f"ALTER SEQUENCE {sequence} OWNED BY {self._table}.{self._column};"
        yield f"{self._alter} SET DEFAULT nextval({quote_literal(sequence)}::regclass);"

    def _counting_on(self) -> str:
        """Return what puts one sequence in the place of another, which counts on."""
        body = "\n    ".join((*self._removed(), *self._added()))
        return (
            "DO $ormkit$\nDECLARE\n    last bigint;\n    called boolean;\nBEGIN\n"
            f"    EXECUTE format('SELECT last_value, is_called FROM %s', {self._own})\n"
            "        INTO last, called;\n"
            f"    {body}\n    PERFORM setval({self._own}, last, called);\nEND\n$ormkit$;"
        )

    def _begun(self) -> Iterator[Piece]:
        """Yield what numbers the rows of a column that programs have filled in so far.

        The numbers begin behind those of the rows, and rows may come while it runs.
        """
        sequence = self._after.sequence
        creates = list(self._sequence()) if sequence else []
        if not sequence:
            name = constraint_name(plain_name(self._table), (self._fact.name,), "ormkit_numbers")
            sequence = beside(self._table, quoted(name))
            creates = [f"CREATE SEQUENCE {sequence};"]
        literal = quote_literal(sequence)
        seed = f"SELECT setval({literal}, max({self._column})) FROM {self._table};"
        yield self._piece([*creates, seed], Rank.UNSET)
        if self._after.identity is None:
            yield self._piece(self._default(), Rank.IDENTITY)
        else:
            yield self._piece(
                [
                    *self._added(),
                    f"SELECT setval({self._own}, last_value, is_called) FROM {sequence};",
                    f"DROP SEQUENCE {sequence};",
                ],
                Rank.IDENTITY,
            )
        behind = (
            "DO $ormkit$\nDECLARE\n    next bigint;\nBEGIN\n"
            f"    EXECUTE format('SELECT last_value + is_called::int FROM %s', {self._own})\n"
            "        INTO next;\n"
            f"    PERFORM nextval({self._own}) FROM generate_series(next,\n"
            f"        (SELECT max({self._column}) FROM {self._table}));\n"
            "END\n$ormkit$;"
        )
        note = "numbers of rows that were written meanwhile are left out"
        yield replace(self._piece([behind], Rank.IDENTITY), note=note)
