"""The queries of PostgreSQL's catalogs that return tables and their parts as values.

They run in the transaction of the facts, so with an empty search_path, too.
"""

from __future__ import annotations

from .scope import OWN_RELATION, OWN_SCHEMA, RELATIONS, own

_KINDS = """CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
    WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view' ELSE 'materialized view' END"""
_WITH_ROWS = "c.relkind IN ('r', 'p', 'f', 'v', 'm')"
_OPTIONS = """coalesce((SELECT array_agg(ARRAY[o.option_name, o.option_value]
    ORDER BY o.option_name) FROM pg_options_to_table({}) o), '{{}}')"""


def _names(numbers: str, relation: str) -> str:
    """Return the SQL for the names of the columns with these numbers, in their order."""
    return f"""coalesce((SELECT array_agg(k.attname::text ORDER BY u.ord)
        FROM unnest({numbers}) WITH ORDINALITY u (num, ord)
        JOIN pg_attribute k ON k.attrelid = {relation} AND k.attnum = u.num), '{{}}')"""


def _type(type_: str, modifier: str, dimensions: str) -> str:
    """Return the SQL for the parts of a type t, whose elements are of the type e."""
    return f"""format_type({type_}, {modifier}),
    e.typname::text, en.nspname::text,
    CASE e.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite'
        WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange' ELSE 'base' END,
    coalesce(substring(format_type(e.oid, {modifier}) FROM '\\([^()]*\\)'), ''),
    e.oid <> t.oid, {dimensions}::integer,
    (SELECT x.extname::text FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
        WHERE d.classid = 'pg_type'::regclass AND d.objid = e.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass LIMIT 1)"""


def _action(letter: str) -> str:
    """Return the SQL for the action of a foreign key; NULL for any other constraint."""
    return f"""CASE {letter} WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
        WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END"""


#: A type, and that of its elements where it is an array.
_ELEMENT = """JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typcategory = 'A'
    THEN t.typelem ELSE t.oid END
JOIN pg_namespace en ON en.oid = e.typnamespace"""

SCHEMAS = f"SELECT n.nspname::text FROM pg_namespace n WHERE {OWN_SCHEMA} ORDER BY n.nspname"

TABLES = f"""
SELECT c.oid::bigint, n.nspname::text, c.relname::text, {_KINDS},
    obj_description(c.oid, 'pg_class'), c.relispartition,
    coalesce((SELECT array_agg(ARRAY[pn.nspname::text, p.relname::text] ORDER BY h.inhseqno)
        FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
        JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE h.inhrelid = c.oid), '{{}}'),
    pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    c.relpersistence = 'u', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
    {_OPTIONS.format('c.reloptions')},
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
FROM {RELATIONS} WHERE {OWN_RELATION} AND {_WITH_ROWS} ORDER BY n.nspname, c.relname"""

COLUMNS = f"""
SELECT c.oid::bigint, a.attname::text, {_type('a.atttypid', 'a.atttypmod', 'a.attndims')},
    a.attnotnull,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(f.adbin, f.adrelid) END,
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(f.adbin, f.adrelid) END,
    a.attgenerated = 'v',
    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
    CASE WHEN a.attcollation <> e.typcollation AND a.attcollation <> 0
        THEN format('%I.%I', ln.nspname, l.collname) END,
    col_description(c.oid, a.attnum), NOT a.attislocal
FROM {RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
{_ELEMENT}
LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE {OWN_RELATION} AND {_WITH_ROWS} AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.oid, a.attnum"""

#: What only later versions have is read by its name from the row as JSON.
CONSTRAINTS = f"""
SELECT c.oid::bigint, o.conname::text,
    CASE o.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
        WHEN 'c' THEN 'check' ELSE 'exclude' END,
    {_names('o.conkey', 'o.conrelid')},
    CASE WHEN o.confrelid <> 0 THEN (SELECT ARRAY[tn.nspname::text, r.relname::text]
        FROM pg_class r JOIN pg_namespace tn ON tn.oid = r.relnamespace
        WHERE r.oid = o.confrelid) END,
    {_names('o.confkey', 'o.confrelid')},
    {_action('o.confdeltype')}, {_action('o.confupdtype')},
    {_names("(SELECT array_agg(x::smallint) FROM jsonb_array_elements_text("
            "CASE jsonb_typeof(to_jsonb(o) -> 'confdelsetcols') WHEN 'array' "
            "THEN to_jsonb(o) -> 'confdelsetcols' ELSE '[]' END) x)", 'o.conrelid')},
    CASE o.confmatchtype WHEN 's' THEN 'simple' WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' END,
    o.condeferrable, o.condeferred, o.convalidated, o.connoinherit,
    coalesce((to_jsonb(o) ->> 'conenforced')::boolean, true),
    coalesce((to_jsonb(o) ->> 'conperiod')::boolean, false),
    pg_get_expr(o.conbin, o.conrelid), pg_get_constraintdef(o.oid),
    obj_description(o.oid, 'pg_constraint'), o.conislocal, o.conparentid <> 0
FROM {RELATIONS} JOIN pg_constraint o ON o.conrelid = c.oid
WHERE {OWN_RELATION} AND {_WITH_ROWS} AND o.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY c.oid, o.contype, o.conname"""

#: An index's keys are rows of their own, in their order.
INDEXES = f"""
SELECT c.oid::bigint, x.indexrelid::bigint, i.relname::text, m.amname::text,
    {_names('(x.indkey::smallint[])[x.indnkeyatts:]', 'c.oid')},
    x.indisunique, coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
    pg_get_expr(x.indpred, x.indrelid), {_OPTIONS.format('i.reloptions')},
    (SELECT s.spcname::text FROM pg_tablespace s WHERE s.oid = i.reltablespace),
    x.indisvalid, pg_get_indexdef(x.indexrelid), obj_description(i.oid, 'pg_class'),
    (SELECT o.conname::text FROM pg_constraint o WHERE o.conindid = i.oid
        AND o.conrelid = c.oid AND o.contype IN ('p', 'u', 'x') LIMIT 1),
    i.relispartition
FROM {RELATIONS} JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_am m ON m.oid = i.relam
WHERE {OWN_RELATION} AND {_WITH_ROWS} ORDER BY c.oid, i.relname"""

ELEMENTS = f"""
SELECT x.indexrelid::bigint, a.attname::text,
    CASE WHEN a.attname IS NULL THEN pg_get_indexdef(x.indexrelid, k.num::integer, false) END,
    CASE WHEN p.opcdefault AND ia.attoptions IS NULL THEN NULL ELSE concat(
        CASE WHEN pn.nspname <> 'pg_catalog' THEN quote_ident(pn.nspname) || '.' END,
        quote_ident(p.opcname), '(' || (SELECT string_agg(
            format('%s=%L', o.option_name, o.option_value), ', ')
            FROM pg_options_to_table(ia.attoptions) o) || ')') END,
    CASE WHEN l.oid <> coalesce(a.attcollation, ie.typcollation)
        THEN format('%I.%I', ln.nspname, l.collname) END,
    (v.option & 1) = 1, (v.option & 2) = 2,
    (SELECT op.oprname::text FROM pg_constraint o
        JOIN pg_operator op ON op.oid = o.conexclop[k.num]
        WHERE o.conindid = x.indexrelid AND o.contype = 'x')
FROM {RELATIONS} JOIN pg_index x ON x.indrelid = c.oid
CROSS JOIN LATERAL generate_series(1, x.indnkeyatts) k (num)
CROSS JOIN LATERAL (SELECT (x.indoption::smallint[])[k.num - 1] AS option,
    (x.indkey::smallint[])[k.num - 1] AS key, (x.indclass::oid[])[k.num - 1] AS class,
    (x.indcollation::oid[])[k.num - 1] AS collation) v
JOIN pg_opclass p ON p.oid = v.class JOIN pg_namespace pn ON pn.oid = p.opcnamespace
JOIN pg_attribute ia ON ia.attrelid = x.indexrelid AND ia.attnum = k.num
JOIN pg_type ie ON ie.oid = ia.atttypid
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = v.key AND v.key <> 0
LEFT JOIN pg_collation l ON l.oid = v.collation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE {OWN_RELATION} AND {_WITH_ROWS} ORDER BY x.indexrelid, k.num"""

ENUMS = f"""
SELECT n.nspname::text, t.typname::text,
    (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
        WHERE e.enumtypid = t.oid),
    obj_description(t.oid, 'pg_type')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND {own('pg_type', 't')} ORDER BY n.nspname, t.typname"""

#: A sequence that belongs to a column says so: an identity's is internal to it.
SEQUENCES = f"""
SELECT n.nspname::text, c.relname::text, format_type(q.seqtypid, NULL), q.seqstart,
    q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle, c.relpersistence = 'u',
    obj_description(c.oid, 'pg_class'),
    CASE WHEN a.attname IS NOT NULL THEN ARRAY[tn.nspname::text, t.relname::text, a.attname::text]
        END,
    coalesce(d.deptype = 'i', false)
FROM {RELATIONS} JOIN pg_sequence q ON q.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {OWN_RELATION} ORDER BY n.nspname, c.relname"""

DOMAINS = f"""
SELECT o.oid::bigint, n.nspname::text, o.typname::text,
    {_type('o.typbasetype', 'o.typtypmod', 'o.typndims')},
    o.typnotnull, pg_get_expr(o.typdefaultbin, 0),
    CASE WHEN o.typcollation <> t.typcollation THEN format('%I.%I', ln.nspname, l.collname) END,
    obj_description(o.oid, 'pg_type')
FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace
JOIN pg_type t ON t.oid = o.typbasetype
{_ELEMENT}
LEFT JOIN pg_collation l ON l.oid = o.typcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace
WHERE o.typtype = 'd' AND {own('pg_type', 'o')} ORDER BY n.nspname, o.typname"""

DOMAIN_CHECKS = f"""
SELECT o.oid::bigint, k.conname::text, pg_get_expr(k.conbin, 0), k.convalidated,
    obj_description(k.oid, 'pg_constraint')
FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace
JOIN pg_constraint k ON k.contypid = o.oid AND k.contype = 'c'
WHERE {own('pg_type', 'o')} ORDER BY o.oid, k.conname"""
