"""What uses a column that changes: PostgreSQL wants it dropped, and it is created again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ormkit import Engine
from ormkit.catalog import RIGHTS, Catalog, Fact
from ormkit_gen.drift.drift import Finding
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.sides import Sides, keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal

#: What a fact is found by.
Key = tuple[str, str, str]
#: A statement with the line that says what it is for.
Line = tuple[str, Statement]

#: The views, policies, triggers and rules that use columns of tables, and views of these views.
#: Each is the object and the part as facts name them, and how many others are between.
_DEPENDENTS = """
WITH RECURSIVE used (relation, number, depth) AS (
    SELECT a.attrelid, a.attnum::integer, 0 FROM pg_attribute a
    JOIN unnest($1::text[], $2::text[]) AS w (relation, name)
        ON a.attrelid = w.relation::regclass AND (a.attname = w.name OR w.name = '')
    WHERE a.attnum > 0
    UNION
    SELECT r.ev_class, v.attnum::integer, u.depth + 1
    FROM used u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass
        AND d.refobjid = u.relation AND d.refobjsubid IN (u.number, 0)
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> u.relation
    JOIN pg_attribute v ON v.attrelid = r.ev_class AND v.attnum > 0
    WHERE u.depth < 50
),
views AS (
    SELECT u.relation, max(u.depth) AS depth FROM used u WHERE u.depth > 0 GROUP BY 1
),
own AS (SELECT DISTINCT u.relation, u.number FROM used u WHERE u.depth = 0)
SELECT CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END
        || format(' %I.%I', n.nspname, c.relname), 'object', '', v.depth
FROM views v JOIN pg_class c ON c.oid = v.relation JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'policy', y.polname::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_policy'::regclass
JOIN pg_policy y ON y.oid = d.objid JOIN pg_class c ON c.oid = y.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'trigger', g.tgname::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_trigger'::regclass
JOIN pg_trigger g ON g.oid = d.objid AND NOT g.tgisinternal JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
UNION
SELECT format('table %I.%I', n.nspname, c.relname), 'rule', r.rulename::text, 0
FROM own u JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = u.relation
    AND d.refobjsubid = u.number AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename <> '_RETURN'
JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
"""
#: Keeps the rights on a view for the time in which it is not there: whoever has them in the
#: database at hand, whether the schema names them or not.
KEEP_RIGHTS = """\
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


def restoring(setting: str) -> str:
    """Return what runs the statements that a setting of the transaction keeps."""
    return f"DO $ormkit$BEGIN\n    EXECUTE current_setting('{setting}');\nEND$ormkit$;"


RESTORE_RIGHTS = restoring("ormkit.rights")


@dataclass(frozen=True, slots=True)
class Around:
    """The statements of findings, and those around them."""

    before: list[Line]
    findings: tuple[Finding, ...]
    after: list[Line]


async def read_dependents(
    engine: Engine, columns: Iterable[tuple[str, str]]
) -> list[tuple[Key, int]]:
    """Return what uses columns: keys of facts, each with how far it is from them.

    columns: pairs of a table as SQL and the plain name of a column; empty for all of them.
    """
    pairs = list(columns)
    arguments = [table for table, _ in pairs], [name for _, name in pairs]
    found = await engine.execute(_DEPENDENTS, arguments)
    return [((row[0], row[1], row[2]), row[3]) for row in found.tuples()]


def changed_columns(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return the columns of tables that get another type or are dropped."""
    return [
        (kind_and_name(fact.object)[1], plain(fact.name))
        for each in findings
        if (fact := each.difference.found) is not None
        and (fact.kind, fact.object.partition(" ")[0], each.counts) == ("column", "table", True)
    ]


def around(
    findings: Sequence[Finding],
    dependents: Iterable[tuple[Key, int]],
    wanted: Catalog,
    found: Catalog,
) -> Around:
    """Return what drops the dependents of columns, the other statements, and what creates them.

    What the schema does not name is created as it was. Rights on views are kept.
    """
    keys = [key for key, _ in sorted(set(dependents), key=lambda each: (each[1], each[0]))]
    keys = list(dict.fromkeys(key for key in keys if found.get(key) is not None))
    objects = {key[0] for key in keys if key[1] == "object"}
    parts = {key for key in keys if key[1] != "object"}
    gone = {each.difference.fact.key for each in findings if each.difference.expected is None}
    kept = tuple(
        each
        for each in findings
        if each.difference.fact.object not in objects and _whole(each.difference.fact) not in parts
    )
    views = [kind_and_name(key[0])[1] for key in keys if key[1] == "object"]
    before: list[Line] = []
    after: list[Line] = []
    late: list[Line] = [
        ("rights", statement)
        for each in findings
        if each.difference.fact.kind in RIGHTS and each.difference.fact.object in objects
        for statement in each.forward
    ]
    wanted, found = (_without_rights(each) for each in (wanted, found))
    if views:
        names = ", ".join(f"{quote_literal(name)}::regclass" for name in views)
        before.append(("rights", Statement(Stage.DROP_DEPENDENTS, KEEP_RIGHTS.format(names))))
    before += [(f"in the way: {_label(key)}", _drop(key)) for key in reversed(keys)]
    for key in keys:
        side = wanted if wanted.get(key) is not None else found
        if side is wanted or key not in gone:
            heading = f"in the way: {_label(key)}"
            after += [(heading, each) for each in _create(key, side)]
    if views:
        after.append(("rights", Statement(Stage.COMMENTS, RESTORE_RIGHTS)))
    return Around(before, kept, [*after, *late])


def _without_rights(catalog: Catalog) -> Catalog:
    """Return the catalog without owners and grants, which a view that comes back keeps."""
    facts = (fact for fact in catalog if fact.kind not in RIGHTS)
    return Catalog(facts, catalog.server_version)


def _whole(fact: Fact) -> Key:
    """Return the key of the part that a fact, or a comment, is about."""
    if fact.kind == "comment":
        kind, _, name = fact.name.partition(" ")
        return fact.object, kind, name
    return fact.key


def _label(key: Key) -> str:
    return key[0] if key[1] == "object" else f"{key[0]}: {key[1]} {key[2]}"


def _drop(key: Key) -> Statement:
    kind, name = kind_and_name(key[0])
    if key[1] == "object":
        return Statement(Stage.DROP_DEPENDENTS, f"DROP {keyword(kind)} {name};")
    sql = f"DROP {key[1].upper()} {quote_identifier(key[2])} ON {name};"
    return Statement(Stage.DROP_DEPENDENTS, sql)


def _create(key: Key, side: Catalog) -> Iterator[Statement]:
    fact = side.get(key)
    assert fact is not None
    fresh = Sides(side, Catalog((), side.server_version))
    if fact.kind == "object":
        yield from sorted(created(fact, fresh), key=lambda each: each.stage)
        return
    yield from changed(fact, None, fresh)
    if (comment := side.get((fact.object, "comment", f"{fact.kind} {fact.name}"))) is not None:
        yield from changed(comment, None, fresh)
