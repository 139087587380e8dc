"""What uses a column that changes: PostgreSQL wants it dropped, and it is created again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ormkit import Engine
from ormkit.catalog import RIGHTS, Catalog, Fact, catalog_transaction
from ormkit_gen.drift.drift import Finding
from ormkit_gen.drift.objects import created
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.sides import Sides, beside, keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement, ordered
from ormkit_gen.postgres.identifiers import quote_identifier, quote_literal

#: What a fact is found by.
Key = tuple[str, str, str]
#: A statement with the line that says what it is for.
Line = tuple[str, Statement]

#: What uses the things that a statement drops or gives another type, and what uses that in turn.
#: Each is the object and the part as facts name them, and how many others are between.
#: PostgreSQL itself rebuilds the indexes, constraints and statistics over a column.
DEPENDENTS = """
WITH RECURSIVE named (kind, whole, part) AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
),
root (class, object, number) AS (
    SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer
    FROM named n JOIN pg_attribute a ON a.attnum > 0 AND n.part IN ('', a.attname)
        AND a.attrelid = CASE n.kind WHEN 'column' THEN to_regclass(n.whole) END
    UNION ALL
    SELECT 'pg_class'::regclass::oid, c.oid, 0 FROM named n
    JOIN pg_class c ON c.oid = CASE n.kind WHEN 'relation' THEN to_regclass(n.whole) END
    UNION ALL
    SELECT 'pg_proc'::regclass::oid, p.oid, 0 FROM named n
    JOIN pg_proc p ON p.oid = CASE n.kind WHEN 'function' THEN to_regprocedure(n.whole) END
    UNION ALL
    SELECT 'pg_operator'::regclass::oid, p.oid, 0 FROM named n
    JOIN pg_operator p ON p.oid = CASE n.kind WHEN 'operator' THEN to_regoperator(n.whole) END
    UNION ALL
    SELECT 'pg_class'::regclass::oid, o.conindid, 0
    FROM named n JOIN pg_constraint o ON o.conname = n.part AND o.contype IN ('p', 'u', 'x')
        AND o.conrelid = CASE n.kind WHEN 'constraint' THEN to_regclass(n.whole) END
),
step (class, object, number, depth) AS (
    SELECT class, object, number, 0 FROM root
    UNION
    SELECT x.class, x.object, x.number, s.depth + 1
    FROM step s
    JOIN pg_depend d ON d.refclassid = s.class AND d.refobjid = s.object
        AND d.deptype IN ('n', 'a')
        AND (s.number = 0 OR d.refobjsubid = s.number
            OR (d.refobjsubid = 0 AND d.classid = 'pg_rewrite'::regclass))
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        AND r.rulename = '_RETURN'
    LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
    LEFT JOIN pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum
        AND g.attgenerated <> ''
        AND (g.attgenerated = 'v' OR current_setting('server_version_num')::integer < 170000)
    CROSS JOIN LATERAL (SELECT
        CASE WHEN r.oid IS NULL AND g.attrelid IS NULL THEN d.classid
            ELSE 'pg_class'::regclass::oid END,
        coalesce(r.ev_class, g.attrelid, d.objid), coalesce(g.attnum::integer, 0)
        ) AS x (class, object, number)
    WHERE s.depth < 50 AND (x.class, x.object, x.number) <> (s.class, s.object, s.number)
        AND s.class IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass)
        AND (s.number = 0 OR x.class IN ('pg_policy'::regclass, 'pg_trigger'::regclass,
                'pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass)
            OR r.oid IS NOT NULL OR (f.adrelid = s.object AND f.adnum <> s.number))
),
found AS (SELECT class, object, max(depth) AS depth FROM step WHERE depth > 0 AND number = 0
    GROUP BY 1, 2),
relation AS (
    SELECT c.oid, c.relkind, CASE c.relkind WHEN 'm' THEN 'materialized view' WHEN 'v' THEN 'view'
        WHEN 'f' THEN 'foreign table' ELSE 'table' END || format(' %I.%I', n.nspname, c.relname)
        AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT c.name, 'object', '', u.depth
FROM found u JOIN relation c ON u.class = 'pg_class'::regclass AND c.oid = u.object
WHERE c.relkind IN ('v', 'm')
UNION
SELECT c.name, 'index', i.relname::text, u.depth
FROM found u JOIN pg_index x ON u.class = 'pg_class'::regclass AND x.indexrelid = u.object
JOIN pg_class i ON i.oid = x.indexrelid JOIN relation c ON c.oid = x.indrelid
UNION
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END
        || ' ' || p.oid::regprocedure, 'object', '', u.depth
FROM found u JOIN pg_proc p ON u.class = 'pg_proc'::regclass AND p.oid = u.object
UNION
SELECT 'operator ' || p.oid::regoperator, 'object', '', u.depth
FROM found u JOIN pg_operator p ON u.class = 'pg_operator'::regclass AND p.oid = u.object
UNION
SELECT format('cast (%s AS %s)', format_type(t.castsource, NULL), format_type(t.casttarget, NULL)),
    'object', '', u.depth
FROM found u JOIN pg_cast t ON u.class = 'pg_cast'::regclass AND t.oid = u.object
UNION
SELECT format('statistics %I.%I', n.nspname, t.stxname), 'object', '', u.depth
FROM found u JOIN pg_statistic_ext t ON u.class = 'pg_statistic_ext'::regclass
    AND t.oid = u.object
JOIN pg_namespace n ON n.oid = t.stxnamespace
UNION
SELECT format('publication %I', p.pubname), 'published table', r.prrelid::regclass::text, u.depth
FROM found u JOIN pg_publication_rel r ON u.class = 'pg_publication_rel'::regclass
    AND r.oid = u.object
JOIN pg_publication p ON p.oid = r.prpubid
UNION
SELECT c.name, 'policy', y.polname::text, u.depth
FROM found u JOIN pg_policy y ON u.class = 'pg_policy'::regclass AND y.oid = u.object
JOIN relation c ON c.oid = y.polrelid
UNION
SELECT c.name, 'trigger', g.tgname::text, u.depth
FROM found u JOIN pg_trigger g ON u.class = 'pg_trigger'::regclass AND g.oid = u.object
    AND NOT g.tgisinternal
JOIN relation c ON c.oid = g.tgrelid
UNION
SELECT c.name, 'rule', r.rulename::text, u.depth
FROM found u JOIN pg_rewrite r ON u.class = 'pg_rewrite'::regclass AND r.oid = u.object
JOIN relation c ON c.oid = r.ev_class
UNION
SELECT CASE WHEN o.contypid <> 0 THEN 'domain ' || format_type(o.contypid, NULL) ELSE c.name END,
    'constraint', o.conname::text, u.depth
FROM found u JOIN pg_constraint o ON u.class = 'pg_constraint'::regclass AND o.oid = u.object
LEFT JOIN relation c ON c.oid = o.conrelid
UNION
SELECT c.name, 'column', a.attname::text, max(u.depth)
FROM step u JOIN pg_attribute a ON u.depth > 0 AND u.class = 'pg_class'::regclass
    AND a.attrelid = u.object AND a.attnum = u.number
JOIN relation c ON c.oid = u.object
GROUP BY 1, 2, 3
UNION
SELECT c.name, CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated' END, a.attname::text,
    u.depth
FROM found u JOIN pg_attrdef f ON u.class = 'pg_attrdef'::regclass AND f.oid = u.object
JOIN relation c ON c.oid = f.adrelid
JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
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


_VIEWS = ("view", "materialized view")
#: What an index has of its own, which comes back with it.
_OF_INDEXES = ("index tablespace", "index statistics", "clustered", "unfinished")
#: What a statement changes so that its dependents have to go: the kind, the object, and its part.
Root = tuple[str, str, str]


async def read_dependents(engine: Engine, roots: Iterable[Root]) -> list[tuple[Key, int]]:
    """Return what uses things that change: keys of facts, each with how far it is from them.

    roots: columns, which have the plain name of the column as their part, or nothing for all of
        them; relations and functions; and constraints, with their plain names.
    """
    listed = list(roots)
    arguments = [[root[place] for root in listed] for place in range(3)]
    async with catalog_transaction(engine) as tx:
        found = await tx.execute_raw(DEPENDENTS, arguments)
    return [((row[0], row[1], row[2]), row[3]) for row in found.tuples()]


def column_roots(columns: Iterable[tuple[str, str]]) -> list[Root]:
    """Return columns as what changes: pairs of a table as SQL and the plain name of a column."""
    return [("column", table, column) for table, column in columns]


def roots_of(findings: Iterable[Finding]) -> list[Root]:
    """Return what the statements of findings drop to create it again, or give another type."""
    roots: list[Root] = []
    for each in findings:
        found, expected = each.difference.found, each.difference.expected
        if found is None or not each.counts:
            continue
        kind, name = kind_and_name(found.object)
        is_computed = found.kind in ("generated", "virtual") and _is_new_column(each)
        if is_computed or (found.kind == "column" and kind == "table"):
            roots.append(("column", name, plain(found.name)))
        elif found.kind == "column" and kind == "type":
            roots += [("column", table, plain(found.name)) for table in _cascading(each)]
        elif found.kind == "constraint" and expected is not None and kind == "table":
            roots.append(("constraint", name, found.name))
        elif found.kind == "index" and expected is not None:
            roots.append(("relation", beside(name, quote_identifier(found.name)), ""))
        elif found.kind == "object" and expected is not None and _is_dropped(each):
            if kind in ("view", "materialized view"):
                roots.append(("relation", name, ""))
            elif kind in ("function", "procedure", "aggregate"):
                roots.append(("function", name, ""))
            elif kind == "operator":
                roots.append(("operator", name, ""))
    return roots


def _is_dropped(finding: Finding) -> bool:
    return any(statement.drops for statement in finding.forward)


def _is_new_column(finding: Finding) -> bool:
    return any(" DROP COLUMN " in statement.sql for statement in finding.forward)


def _cascading(finding: Finding) -> list[str]:
    """Return the typed tables that a change of their type changes, too."""
    return [table for statement in finding.forward for table in statement.tables]


def script(
    findings: Sequence[Finding],
    dependents: Iterable[tuple[Key, int]],
    wanted: Catalog,
    found: Catalog,
    title: Callable[[Finding], str],
) -> list[Line]:
    """Return the statements of findings in an order in which they can run.

    What uses things that change is dropped before, and created again: as the schema has it, or as
    it was where the schema does not name it. Rights on views are kept.

    dependents: what `read_dependents` returned.
    title: returns the heading of a finding.
    """
    keys = [key for key, _ in sorted(set(dependents), key=lambda each: (each[1], each[0]))]
    # The one that is farthest away counts.
    keys = list(dict.fromkeys(key for key in reversed(keys) if found.get(key) is not None))[::-1]
    objects = {key[0] for key in keys if key[1] == "object"}
    replaced = {
        each.difference.fact.object
        for each in findings
        if each.difference.fact.kind == "object"
        and each.difference.expected is not None
        and _is_dropped(each)
    }
    # A part comes back with its object.
    keys = [
        key
        for key in keys
        if key[1] == "object" or (key[0] not in objects and key[0] not in replaced)
    ]
    parts = {key for key in keys if key[1] != "object"}
    gone = {each.difference.fact.key for each in findings if each.difference.expected is None}
    kept = [
        (title(each), statement)
        for each in findings
        if each.difference.fact.object not in objects
        and parts.isdisjoint(_wholes(each.difference.fact))
        and (each.difference.fact.object not in replaced or each.difference.fact.kind == "object")
        for statement in each.forward
    ]
    views = [name for kind, name in map(kind_and_name, sorted(objects)) if kind in _VIEWS]
    before: list[Line] = []
    after: list[Line] = [
        ("rights", statement)
        for each in findings
        if each.difference.fact.kind in RIGHTS and each.difference.fact.object in objects
        for statement in each.forward
    ]
    wanted, found = (_without_rights(each) for each in (wanted, found))
    sides = Sides(wanted, found)
    if views:
        names = ", ".join(f"{quote_literal(name)}::regclass" for name in views)
        before.append(("rights", Statement(Stage.DROP_DEPENDENTS, KEEP_RIGHTS.format(names))))
    for key in reversed(keys):
        before += [(f"in the way: {_label(key)}", each) for each in _drop(key, sides)]
    for key in keys:
        side = wanted if wanted.get(key) is not None else found
        column = (key[0], "column", key[2])
        if side is wanted or (key not in gone and column not in gone):
            heading = f"in the way: {_label(key)}"
            after += [(heading, each) for each in _create(key, side)]
    if views:
        after.append(("rights", Statement(Stage.COMMENTS, RESTORE_RIGHTS)))
    return [*before, *ordered([*kept, *after])]


def _without_rights(catalog: Catalog) -> Catalog:
    """Return the catalog without owners and grants, which a view that comes back keeps."""
    facts = (fact for fact in catalog if fact.kind not in RIGHTS)
    return Catalog(facts, catalog.server_version)


def _wholes(fact: Fact) -> set[Key]:
    """Return the keys of the parts that a fact is about: of its own, and of its column's."""
    if fact.kind == "comment":
        kind, _, name = fact.name.partition(" ")
        return {(fact.object, kind, name)}
    is_of_column = fact.kind not in ("constraint", "index", "trigger", "policy", "rule")
    return {fact.key, (fact.object, "column", fact.name)} if is_of_column else {fact.key}


def _label(key: Key) -> str:
    return key[0] if key[1] == "object" else f"{key[0]}: {key[1]} {key[2]}"


def _drop(key: Key, sides: Sides) -> Iterator[Statement]:
    kind, name = kind_and_name(key[0])
    fact = sides.present.get(key)
    assert fact is not None
    if key[1] == "object":
        if kind == "aggregate" and name.endswith("()"):
            name = f"{name[:-2]}(*)"
        yield Statement(Stage.DROP_DEPENDENTS, f"DROP {keyword(kind)} {name};")
    elif key[1] == "generated":
        # Its values are computed again, from an expression that uses nothing until then.
        column = sides.present.get((key[0], "column", key[2]))
        type_ = column.definition.partition(" COLLATE ")[0] if column else "text"
        yield _expression(key, f"NULL::{type_}")
    elif key[1] == "column":
        sql = f"ALTER TABLE {name} DROP COLUMN {quote_identifier(key[2])};"
        yield Statement(Stage.DROP_DEPENDENTS, sql)
    else:
        yield from changed(
            None, fact, Sides(Catalog((), sides.wanted.server_version), sides.present)
        )


def _expression(key: Key, expression: str) -> Statement:
    table, column = kind_and_name(key[0])[1], quote_identifier(key[2])
    sql = f"ALTER TABLE {table} ALTER COLUMN {column} SET EXPRESSION AS ({expression});"
    return Statement(Stage.ALTER, sql)


def _create(key: Key, side: Catalog) -> Iterator[Statement]:
    fact = side.get(key)
    assert fact is not None
    fresh = Sides(side, Catalog((), side.server_version))
    if fact.kind == "object":
        yield from created(fact, fresh)
        return
    if fact.kind == "generated":
        yield _expression(key, fact.definition)
        return
    yield from changed(fact, None, fresh)
    comment = side.get((fact.object, "comment", f"{fact.kind} {fact.name}"))
    if comment is not None:
        yield from changed(comment, None, fresh)
    for kind in _OF_INDEXES if fact.kind == "index" else ():
        if (more := side.get((fact.object, kind, fact.name))) is not None:
            yield from changed(more, None, fresh)
