"""Which statements may be sent again where their answer was lost: reads that change nothing.

Expressions note in the scope what they name while a read is written: tables, functions, types.
Whether that is what PostgreSQL has under these names, and not a function, a view or a type of the
user's, only the server can tell, and it is asked once an answer was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..driver.connection import Connection
from ..errors import ConnectionLost, DatabaseError

if TYPE_CHECKING:
    from ..sql.context import Routine, Scope


@dataclass(frozen=True, slots=True)
class Read:
    """What a SELECT without locks names: tables, functions, and types that values are cast to."""

    tables: frozenset[str]
    functions: frozenset[Routine]
    types: frozenset[str]

    @classmethod
    def of(cls, scope: Scope) -> Read:
        """Return what a statement names that was written in this scope."""
        return cls(frozenset(scope.tables), frozenset(scope.called), frozenset(scope.cast_to))

    @property
    def arguments(self) -> list[list[str]]:
        """What `IS_HARMLESS` takes."""
        functions = sorted(self.functions)
        return [
            sorted(self.tables),
            [each.schema for each in functions],
            [each.name for each in functions],
            sorted(self.types),
        ]


#: Asks whether to read from these tables, call these functions and cast to these types runs no code
#: but PostgreSQL's own and that of extensions, none of which is volatile.
#:
#: A view runs what it was made of, a row-level security policy its conditions, and a domain its
#: CHECKs. A function without a schema may be any of that name, whatever the search path: another
#: one may suit the arguments better. Operators and casts are used unnamed.
IS_HARMLESS = """
WITH own AS MATERIALIZED (
    SELECT p.oid, p.proname, p.pronamespace, p.provolatile,
        EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
            WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
            AND d.deptype = 'e'
        ) OR p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AS is_known
    FROM pg_catalog.pg_proc AS p
    WHERE p.proname::pg_catalog.text = ANY($3::pg_catalog.text[])
    OR p.oid IN (SELECT oprcode FROM pg_catalog.pg_operator WHERE oid >= 16384)
    OR p.oid IN (SELECT castfunc FROM pg_catalog.pg_cast WHERE oid >= 16384)
), harmful AS (
    SELECT * FROM own WHERE provolatile = 'v' OR NOT is_known
)
SELECT NOT EXISTS (
    SELECT FROM unnest($1::pg_catalog.text[]) AS r (name)
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(r.name)
    WHERE c.oid IS NULL OR c.relkind NOT IN ('r', 'p', 'm') OR c.relrowsecurity
) AND NOT EXISTS (
    SELECT FROM unnest($2::pg_catalog.text[], $3::pg_catalog.text[]) AS f (space, name)
    WHERE f.space NOT IN ('', 'pg_catalog')
    OR NOT EXISTS (SELECT FROM own WHERE own.proname = f.name)
    OR EXISTS (
        SELECT FROM harmful AS h WHERE h.proname = f.name
        AND (f.space = '' OR h.pronamespace = 'pg_catalog'::pg_catalog.regnamespace)
    )
) AND NOT EXISTS (
    SELECT FROM unnest($4::pg_catalog.text[]) AS t (name)
    LEFT JOIN pg_catalog.pg_type AS y ON y.oid = pg_catalog.to_regtype(t.name)
    LEFT JOIN pg_catalog.pg_type AS e ON e.oid = y.typelem
    WHERE y.oid IS NULL OR y.typtype NOT IN ('b', 'e', 'r', 'm') OR e.typtype = 'd'
) AND NOT EXISTS (
    SELECT FROM harmful AS h WHERE h.oid IN (SELECT oprcode FROM pg_catalog.pg_operator)
    OR h.oid IN (SELECT castfunc FROM pg_catalog.pg_cast)
)
"""


async def check_harmless(connection: Connection, read: Read, lost: ConnectionLost) -> None:
    """Raise the error that lost an answer where the server does not call the read harmless."""
    try:
        ((is_harmless,),) = await connection.fetch(IS_HARMLESS, read.arguments)
    except DatabaseError:
        raise lost from None
    if not is_harmless:
        raise lost
