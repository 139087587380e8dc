"""The queries of owners and rights.

Two databases have other roles: rights are read, and compared, only where that is asked for.
"""

from __future__ import annotations

from .extensibility import unless_of_extension
from .queries import FUNCTION
from .scope import COLUMNS, OBJECT, OWN_COLUMN, OWN_RELATION, RELATIONS, WITH_PARTS, own

#: What each role has of an access control list.
_GRANTED = """(SELECT x.grantee, string_agg(x.right, ', ' ORDER BY x.right COLLATE "C") AS rights
    FROM (
        SELECT e.grantee, e.privilege_type
            || CASE WHEN bool_or(e.is_grantable) THEN ' WITH GRANT OPTION' ELSE '' END AS right
        FROM aclexplode({0}) e GROUP BY e.grantee, e.privilege_type) x GROUP BY x.grantee)"""


def grants(acl: str, usual: str) -> str:
    """Return the rows (role, rights) in which an access control list is not the usual one.

    A role without any right of the usual ones has an empty text. The usual list is what an object
    has as long as nobody has granted or revoked anything.
    """
    return f"""LATERAL (SELECT CASE WHEN grantee = 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(grantee)) END AS role, coalesce(a.rights, '') AS rights
    FROM {_GRANTED.format(f'coalesce({acl}, {usual})')} a
    FULL JOIN {_GRANTED.format(usual)} b USING (grantee)
    WHERE a.rights IS DISTINCT FROM b.rights) g"""


def _owner(role: str) -> str:
    return f"quote_ident(pg_get_userbyid({role}))"


def _with_owner(whole: str, owner: str, table: str, condition: str) -> str:
    """Return a query of the owners of objects that have no access control list."""
    return f"SELECT {whole}, 'owner', '', {_owner(owner)} FROM {table} WHERE {condition}"


def _with_rights(
    whole: str, owner: str, acl: tuple[str, str], table: str, condition: str
) -> tuple[str, str]:
    """Return the queries of the owners of objects, and of the rights on them.

    acl: the column with the access control list, and PostgreSQL's letter for the kind of object.
    """
    column, letter = acl
    usual = f"acldefault('{letter}', {owner})"
    return (
        _with_owner(whole, owner, table, condition),
        f"SELECT {whole}, 'grant', g.role, g.rights FROM {table}, {grants(column, usual)} "
        f"WHERE {condition}",
    )


def _in_schema(kind: str, name: str, catalog: str, alias: str, prefix: str) -> str:
    """Return a query of the owners of one kind of objects in schemas."""
    whole = f"format('{kind} %I.%I', n.nspname, {alias}.{prefix}name)"
    table = f"{catalog} {alias} JOIN pg_namespace n ON n.oid = {alias}.{prefix}namespace"
    return _with_owner(whole, f"{alias}.{name}", table, own(catalog, alias))


def _of_method(kind: str, catalog: str, prefix: str) -> str:
    """Return a query of the owners of operator classes or families."""
    whole = f"format('{kind} %I.%I USING %I', n.nspname, k.{prefix}name, m.amname)"
    table = f"""{catalog} k JOIN pg_namespace n ON n.oid = k.{prefix}namespace
        JOIN pg_am m ON m.oid = k.{prefix}method"""
    return _with_owner(whole, f"k.{prefix}owner", table, own(catalog, "k"))


#: How a sequence belongs to a column: its owner is that of the table.
_OF_COLUMN = """FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN"""
_TYPE = """format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname,
    t.typname)"""
#: Types of their own: not a table's row type, nor the array of another one.
_OWN_TYPE = f"""{own('pg_type', 't')} AND t.typtype IN ('e', 'd', 'c', 'r', 'b') AND t.typelem = 0
    AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')"""
#: Everybody may use the schema `public`, and before PostgreSQL 15 create objects in it.
_USUAL_OF_SCHEMA = """acldefault('n', n.nspowner) || ARRAY(
    SELECT makeaclitem(0, n.nspowner, r.word, false) FROM (VALUES ('USAGE'), ('CREATE')) r (word)
    WHERE n.nspname = 'public' AND (r.word = 'USAGE'
        OR current_setting('server_version_num')::integer < 150000))"""
_DEFAULT_RIGHTS = """concat_ws(' ', 'default rights of', quote_ident(pg_get_userbyid(
    d.defaclrole)), 'in ' || quote_ident(n.nspname))"""
#: In a schema, default rights come in addition; elsewhere they take the place of the usual ones.
_USUAL_DEFAULT = """CASE WHEN d.defaclnamespace = 0 THEN
    acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)
    ELSE acldefault('c', d.defaclrole) END"""
_TABLE = f"{OWN_RELATION} AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
_SEQUENCE = f"{OWN_RELATION} AND c.relkind = 'S' AND NOT EXISTS (SELECT {_OF_COLUMN} ('i'))"

RIGHTS = (
    *_with_rights(OBJECT, "c.relowner", ("c.relacl", "r"), RELATIONS, _TABLE),
    f"""
SELECT {OBJECT}, 'grant', format('%s (%I)', g.role, a.attname), g.rights
FROM {COLUMNS}, {grants('a.attacl', "acldefault('c', c.relowner)")} WHERE {OWN_COLUMN}
AND c.relkind IN ('r', 'p', 'f', 'v', 'm')""",
    _with_rights(OBJECT, "c.relowner", ("c.relacl", "s"), RELATIONS, _SEQUENCE)[1],
    _with_owner(
        OBJECT, "c.relowner", RELATIONS, f"{_SEQUENCE} AND NOT EXISTS (SELECT {_OF_COLUMN} ('a'))"
    ),
    # The sequence of an identity is no object of its own: its rights are the table's.
    f"""
SELECT format('table %I.%I', n.nspname, p.relname), 'grant',
    format('%s (sequence %I)', g.role, c.relname), g.rights
FROM {RELATIONS} JOIN pg_depend i ON i.classid = 'pg_class'::regclass AND i.objid = c.oid
    AND i.refclassid = 'pg_class'::regclass AND i.deptype = 'i'
JOIN pg_class p ON p.oid = i.refobjid, {grants('c.relacl', "acldefault('s', c.relowner)")}
WHERE {OWN_RELATION} AND c.relkind = 'S'""",
    _with_owner(
        "format('schema %I', n.nspname)", "n.nspowner", "pg_namespace n", own("pg_namespace", "n")
    ),
    f"""
SELECT format('schema %I', n.nspname), 'grant', g.role, g.rights
FROM pg_namespace n, {grants('n.nspacl', _USUAL_OF_SCHEMA)} WHERE {own('pg_namespace', 'n')}""",
    *_with_rights(
        *(_TYPE, "t.typowner", ("t.typacl", "T")),
        *("pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace", _OWN_TYPE),
    ),
    *_with_rights(
        *(FUNCTION, "f.proowner", ("f.proacl", "f")),
        "pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace",
        own("pg_proc", "f", WITH_PARTS),
    ),
    *_with_rights(
        *("format('language %I', l.lanname)", "l.lanowner", ("l.lanacl", "l"), "pg_language l"),
        f"l.lanispl AND {unless_of_extension('pg_language', 'l')}",
    ),
    *_with_rights(
        *("format('foreign-data wrapper %I', w.fdwname)", "w.fdwowner", ("w.fdwacl", "F")),
        "pg_foreign_data_wrapper w",
        unless_of_extension("pg_foreign_data_wrapper", "w"),
    ),
    *_with_rights(
        *("format('server %I', s.srvname)", "s.srvowner", ("s.srvacl", "S")),
        "pg_foreign_server s",
        unless_of_extension("pg_foreign_server", "s"),
    ),
    _with_owner("format('publication %I', p.pubname)", "p.pubowner", "pg_publication p", "true"),
    _with_owner(
        *("format('event trigger %I', v.evtname)", "v.evtowner", "pg_event_trigger v"),
        unless_of_extension("pg_event_trigger", "v"),
    ),
    _in_schema("collation", "collowner", "pg_collation", "l", "coll"),
    _in_schema("conversion", "conowner", "pg_conversion", "c", "con"),
    _in_schema("statistics", "stxowner", "pg_statistic_ext", "x", "stx"),
    _in_schema("text search configuration", "cfgowner", "pg_ts_config", "f", "cfg"),
    _in_schema("text search dictionary", "dictowner", "pg_ts_dict", "d", "dict"),
    _of_method("operator class", "pg_opclass", "opc"),
    _of_method("operator family", "pg_opfamily", "opf"),
    _with_owner(
        *("format('operator %s', o.oid::regoperator)", "o.oprowner"),
        "pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace",
        f"{own('pg_operator', 'o')} AND o.oprcode <> 0",
    ),
    f"""
SELECT {_DEFAULT_RIGHTS}, 'grant', concat_ws(' ', 'on', CASE d.defaclobjtype WHEN 'r' THEN 'tables'
        WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
        WHEN 'n' THEN 'schemas' ELSE 'large objects' END, 'to', g.role), g.rights
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
{grants('d.defaclacl', _USUAL_DEFAULT)}""",
)
