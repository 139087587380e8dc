"""How batches go over the rows of a table: by a key, or by the places of the rows."""

from __future__ import annotations

from collections.abc import Iterator

from ormkit.migrations.files import BATCH, Batches
from ormkit_gen.migrations.partitioned import family
from ormkit_gen.migrations.pieces import BATCH_SIZE, Piece, Rank
from ormkit_gen.migrations.situation import Situation

#: Where a row is in its file, which every row has.
_PLACE = ("ctid",)


def filling(table: str, column: str, expression: str, now: Situation) -> Iterator[Piece]:
    """Yield what fills a column where it is NULL, in batches."""
    yield from updating(table, f"{column} = {expression}", f"{column} IS NULL", now, Rank.FILL)


def updating(table: str, sets: str, condition: str, now: Situation, rank: Rank) -> Iterator[Piece]:
    """Yield what changes the rows that a condition finds, in batches.

    Rows get another place when programs write them. Those that have passed a walk over places so
    are found at the end.
    """
    key = now.key(table)
    for each in [table] if key else _files(table, now):
        sql = f"UPDATE {each} SET {sets}\nWHERE {condition} AND {BATCH};"
        batches = Batches(BATCH_SIZE, each, key or _PLACE)
        yield Piece(rank=rank, sql=sql, mode="batches", batches=batches, table=each, is_alone=True)
    if not key:
        sql = f"UPDATE {table} SET {sets}\nWHERE {condition};"
        allowed = "unbatched-rows because batches have changed all rows but those that moved"
        yield Piece(rank=rank, sql=sql, table=table, is_alone=True, allowed=allowed)


def _files(table: str, now: Situation) -> list[str]:
    """Return the tables that have the rows of one; none where batches cannot go over them."""
    whole = f"table {table}"
    if now.is_partitioned(whole):
        own = family(table, now)
        return (
            []
            if own.is_foreign
            else [leaf for leaf, _ in own.leaves if now.is_there(f"table {leaf}")]
        )
    names = (table, table.removeprefix("public."))
    is_parent = any(each.kind == "inherits" and each.name in names for each in now.present)
    return [] if is_parent else [table]
