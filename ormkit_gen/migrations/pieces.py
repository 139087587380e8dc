"""Pieces of a plan, each with its place in the order, and how they become the steps of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, auto
from itertools import groupby

from ormkit.migrations.files import Batches, Mode, Step
from ormkit_gen.drift.sides import beside
from ormkit_gen.drift.statement import Stage, Statement, ordered

#: How many keys a batch has.
BATCH_SIZE = 5000


class Rank(IntEnum):
    """The order of pieces: each may need what the ones before it have done."""

    DROP_DEPENDENTS = auto()
    DROP_FOREIGN_KEYS = auto()
    DROP_CONSTRAINTS = auto()
    SCHEMAS = auto()
    EXTENSIONS = auto()
    #: New labels of enums, which are of use after their commit only.
    LABELS = auto()
    #: New objects, all of them in one transaction: nobody uses them yet.
    CREATE = auto()
    #: Rows whose values the new type of their column does not have.
    CHECK_VALUES = auto()
    #: Defaults and identities that go, before others come.
    UNSET = auto()
    ALTER = auto()
    #: Values of existing rows, in batches.
    FILL = auto()
    #: Rows that keep the migration from going on.
    CHECK = auto()
    #: Columns that take the place of others of another type, with all that is about them.
    MOVE = auto()
    CONVERT = auto()
    #: Indexes that are built while others write.
    BUILD = auto()
    NOT_NULL = auto()
    CONSTRAINTS = auto()
    FOREIGN_KEYS = auto()
    CHECK_KEYS = auto()
    VALIDATE = auto()
    #: What was prepared under another name gets the one of what it replaces.
    SWAP = auto()
    IDENTITY = auto()
    VIEWS = auto()
    DEPENDENTS = auto()
    COMMENTS = auto()
    DROP_INDEXES = auto()
    DROP = auto()
    DROP_SCHEMAS = auto()


_RANKS = {
    Stage.DROP_DEPENDENTS: Rank.DROP_DEPENDENTS,
    Stage.DROP_FOREIGN_KEYS: Rank.DROP_FOREIGN_KEYS,
    Stage.DROP_CONSTRAINTS: Rank.DROP_CONSTRAINTS,
    Stage.SCHEMAS: Rank.SCHEMAS,
    Stage.EXTENSIONS: Rank.EXTENSIONS,
    Stage.CREATE: Rank.CREATE,
    Stage.ALTER: Rank.ALTER,
    Stage.CONSTRAINTS: Rank.CONSTRAINTS,
    Stage.FOREIGN_KEYS: Rank.FOREIGN_KEYS,
    Stage.VIEWS: Rank.VIEWS,
    Stage.DEPENDENTS: Rank.DEPENDENTS,
    **dict.fromkeys((Stage.COMMENTS, Stage.OWNERS, Stage.GRANTS), Rank.COMMENTS),
    Stage.DROP: Rank.DROP,
    Stage.DROP_SCHEMAS: Rank.DROP_SCHEMAS,
}
#: Pieces of these ranks are one step together, whatever they are about.
_TOGETHER = frozenset((Rank.SCHEMAS, Rank.EXTENSIONS, Rank.CREATE, Rank.COMMENTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Statements that are in one step, alone or with others of their rank and table."""

    rank: Rank
    sql: str
    mode: Mode = "transaction"
    batches: Batches | None = None
    #: What it locks; pieces of different tables are different steps.
    table: str = ""
    #: True if it is a step of its own.
    is_alone: bool = False
    message: str = ""
    note: str = ""
    #: A rule that the step may break, and the reason: `RULE because REASON`.
    allowed: str = ""
    #: What undoes it as long as nothing else follows from it, in one line; see `Step.undo`.
    undo: str = ""
    #: What drops and creates what, for the order within the rank.
    statement: Statement | None = None


def piece(statement: Statement, table: str = "", rank: Rank | None = None) -> Piece:
    """Return the piece of a statement of drift."""
    sql = statement.sql
    is_concurrent = " CONCURRENTLY " in sql.partition("\n")[0]
    place = rank or _RANKS[statement.stage]
    if is_concurrent:
        place = rank or (Rank.BUILD if sql.startswith("CREATE") else Rank.DROP_CONSTRAINTS)
    return Piece(
        rank=place,
        sql=sql,
        mode="no transaction" if is_concurrent else "transaction",
        table=table,
        is_alone=is_concurrent,
        note=statement.note,
        statement=statement,
    )


def building(sql: str, table: str, name: str) -> Piece:
    """Return the step that builds an index of this name, as SQL, while others write."""
    return Piece(
        rank=Rank.BUILD,
        sql=sql,
        mode="no transaction",
        table=table,
        is_alone=True,
        undo=without_index(table, name),
    )


def without_index(table: str, name: str) -> str:
    """Return what undoes that an index was added; its name is SQL."""
    return f"DROP INDEX IF EXISTS {beside(table, name)};"


def without_constraint(table: str, name: str) -> str:
    """Return what undoes that a constraint was added; its name is SQL."""
    return f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name};"


def steps_of(pieces: Iterable[Piece]) -> tuple[Step, ...]:
    """Return the steps of a plan, in an order in which they run."""
    found: list[Step] = []
    for rank, group in groupby(sorted(pieces, key=lambda each: each.rank), lambda each: each.rank):
        found += map(_step, _together(rank, _ordered(list(group))))
    return tuple(found)


def _ordered(pieces: list[Piece]) -> list[Piece]:
    """Return pieces so that each follows what it needs."""
    named = [(str(place), _statement(each)) for place, each in enumerate(pieces)]
    return [pieces[int(place)] for place, _ in ordered(named)]


def _statement(each: Piece) -> Statement:
    if each.statement is not None:
        return each.statement
    return Statement(Stage.ALTER, each.sql)


def _together(rank: Rank, pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Yield the pieces of each step."""
    if rank in _TOGETHER:
        if pieces:
            yield pieces
        return
    by_table: dict[str, list[Piece]] = {}
    for number, each in enumerate(pieces):
        key = f"{number} alone" if each.is_alone or not each.table else each.table
        by_table.setdefault(key, []).append(each)
    yield from by_table.values()


def _step(pieces: list[Piece]) -> Step:
    first = pieces[0]
    texts = [each.sql.strip() for each in pieces]
    if any(text.startswith(("CREATE FUNCTION", "CREATE OR REPLACE F")) for text in texts) or any(
        text.startswith(("CREATE PROCEDURE", "CREATE OR REPLACE P")) for text in texts
    ):
        texts.insert(0, "SET LOCAL check_function_bodies = off;")
    notes = dict.fromkeys(each.note for each in pieces if each.note)
    undos = [each.undo for each in reversed(pieces)]
    return Step(
        undo=" ".join(undos) if all(undos) else "",
        sql="\n".join(texts),
        mode=first.mode,
        batches=first.batches,
        message=first.message,
        notes=tuple(notes),
        allowed=tuple(dict.fromkeys(each.allowed for each in pieces if each.allowed)),
    )
