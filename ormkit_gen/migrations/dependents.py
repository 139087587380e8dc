"""What uses a column whose type changes: PostgreSQL wants it dropped, and it is created again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ormkit.catalog import Fact
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.sides import keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.migrations.situation import Situation, quoted
from ormkit_gen.postgres.identifiers import quote_literal

#: Keeps the rights on a view for the time in which it is not there: whoever has them in the
#: database at hand, whether the schema names them or not.
_KEEP = """\
SELECT set_config('ormkit.rights', coalesce((
    SELECT string_agg(format('GRANT %s%s ON %s TO %s%s;', g.privilege_type,
        coalesce(' (' || quote_ident(g.attname) || ')', ''), g.relation,
        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), ' ')
    FROM (
        SELECT c.oid::regclass AS relation, NULL::name AS attname, a.*
        FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid IN ({0}) AND a.grantee <> c.relowner
        UNION ALL
        SELECT c.oid::regclass, t.attname, a.* FROM pg_class c
        JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE c.oid IN ({0})
    ) g), '') || coalesce((
    SELECT string_agg(format('ALTER TABLE %s OWNER TO %I;', c.oid::regclass,
        pg_get_userbyid(c.relowner)), ' ')
    FROM pg_class c WHERE c.oid IN ({0}) AND pg_get_userbyid(c.relowner) <> current_user), ''),
    true);"""
_RESTORE = """\
DO $ormkit$BEGIN
    EXECUTE current_setting('ormkit.rights');
END$ormkit$;"""


@dataclass(frozen=True, slots=True)
class Dependents:
    """Statements around a change: before it, and after it."""

    drops: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    #: The keys of the facts that are planned by it.
    keys: frozenset[tuple[str, str, str]] = frozenset()

    def take(self, now: Situation) -> None:
        """Remember that all of this is planned."""
        now.done.update(self.keys)

    def around(self, *statements: str) -> str:
        """Return the statements, between those that drop and create what depends on them."""
        return "\n".join((*self.drops, *statements, *self.creates))


async def dependents(columns: Iterable[tuple[str, str]], now: Situation) -> Dependents:
    """Return what drops and creates all that uses columns.

    columns: pairs of a table as SQL and the plain name of a column; empty for all of them.
    """
    found = await now.trial.dependents(columns)
    nearest = sorted(found, key=lambda each: (each[1], each[0]))
    keys = list(dict.fromkeys(key for key, _ in nearest))
    if not keys:
        return Dependents()
    views = [key for key in keys if key[1] == "object"]
    drops = [_drop(now, key) for key in reversed(keys)]
    creates = [each.sql for key in keys for each in _create(now, key)]
    kept = [key for key in views if now.wanted.get(key) is not None]
    if kept:
        names = ", ".join(f"{quote_literal(kind_and_name(key[0])[1])}::regclass" for key in kept)
        drops.insert(0, _KEEP.format(names))
        creates.append(_RESTORE)
    taken = set(keys)
    for key in keys:
        if key[1] == "object":
            for catalog in (now.wanted, now.present):
                taken.update(fact.key for fact in catalog.facts_of(key[0]))
        taken.add((key[0], "comment", f"{key[1]} {key[2]}"))
    return Dependents(tuple(drops), tuple(creates), frozenset(taken))


def _drop(now: Situation, key: tuple[str, str, str]) -> str:
    kind, name = kind_and_name(key[0])
    if key[1] == "object":
        return f"DROP {keyword(kind)} {name};"
    return f"DROP {key[1].upper()} {quoted(key[2])} ON {name};"


def _create(now: Situation, key: tuple[str, str, str]) -> list[Statement]:
    wanted = now.wanted.get(key)
    if wanted is None:
        return []
    if wanted.kind == "object":
        statements = list(created(wanted, now.fresh))
    else:
        statements = list(changed(wanted, None, now.fresh))
        comment = now.wanted.get((wanted.object, "comment", f"{wanted.kind} {wanted.name}"))
        if comment is not None:
            statements += changed(comment, None, now.fresh)
    return sorted(statements, key=lambda each: each.stage)


def replaced(expected: Fact, found: Fact, now: Situation) -> str:
    """Return what drops and creates a view whose columns change, with its rights."""
    kind, name = kind_and_name(expected.object)
    creates = sorted(created(expected, now.fresh), key=lambda each: each.stage)
    keep = _KEEP.format(f"{quote_literal(name)}::regclass")
    for catalog in (now.wanted, now.present):
        now.done.update(fact.key for fact in catalog.facts_of(found.object))
    drop = Statement(Stage.DROP, f"DROP {keyword(kind)} {name};")
    return "\n".join([keep, drop.sql, *(each.sql for each in creates), _RESTORE])
