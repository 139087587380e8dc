"""The queries of owners and rights.

Two databases have other roles: rights are read, and compared, only where that is asked for.
"""

from __future__ import annotations

from .scope import COLUMNS, OBJECT, OWN_COLUMN, OWN_RELATION, RELATIONS, WITH_PARTS, own


def grants(acl: str) -> str:
    """Return the rows (role, rights) of an access control list, in a LATERAL subquery."""
    return f"""LATERAL (SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS role,
    string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
        ', ' ORDER BY x.privilege_type) AS rights
    FROM aclexplode({acl}) x GROUP BY x.grantee) g"""


def owner(role: str) -> str:
    """Return the name of a role, for SQL."""
    return f"quote_ident(pg_get_userbyid({role}))"


ANY_RELATION = f"{OWN_RELATION} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')"
TYPE = """format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname,
    t.typname)"""
#: Types of their own: not a table's row type, nor the array of another one.
OWN_TYPE = f"""{own('pg_type', 't')} AND t.typtype IN ('e', 'd', 'c', 'r', 'b') AND t.typelem = 0
    AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')"""
FUNCTION = """format('%s %s', CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
    ELSE 'function' END, f.oid::regprocedure)"""
OWN_FUNCTION = own("pg_proc", "f", WITH_PARTS)
FUNCTIONS = "pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace"

RIGHTS = (
    f"""
SELECT {OBJECT}, 'owner', '', {owner('c.relowner')} FROM {RELATIONS} WHERE {ANY_RELATION}
UNION ALL SELECT {OBJECT}, 'grant', g.role, g.rights
FROM {RELATIONS}, {grants('c.relacl')} WHERE {ANY_RELATION}""",
    f"""
SELECT {OBJECT}, 'column grant', format('%s (%I)', g.role, a.attname), g.rights
FROM {COLUMNS}, {grants('a.attacl')} WHERE {OWN_COLUMN}""",
    f"""
SELECT format('schema %I', n.nspname), 'owner', '', {owner('n.nspowner')}
FROM pg_namespace n WHERE {own('pg_namespace', 'n')}
UNION ALL SELECT format('schema %I', n.nspname), 'grant', g.role, g.rights
FROM pg_namespace n, {grants('n.nspacl')} WHERE {own('pg_namespace', 'n')}""",
    f"""
SELECT {TYPE}, 'owner', '', {owner('t.typowner')}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {OWN_TYPE}
UNION ALL SELECT {TYPE}, 'grant', g.role, g.rights
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace, {grants('t.typacl')}
WHERE {OWN_TYPE}""",
    f"""
SELECT {FUNCTION}, 'owner', '', {owner('f.proowner')} FROM {FUNCTIONS} WHERE {OWN_FUNCTION}
UNION ALL SELECT {FUNCTION}, 'grant', g.role, g.rights
FROM {FUNCTIONS}, {grants('f.proacl')} WHERE {OWN_FUNCTION}""",
    f"""
SELECT format('server %I', s.srvname), 'owner', '', {owner('s.srvowner')} FROM pg_foreign_server s
UNION ALL SELECT format('server %I', s.srvname), 'grant', g.role, g.rights
FROM pg_foreign_server s, {grants('s.srvacl')}
UNION ALL SELECT format('publication %I', p.pubname), 'owner', '', {owner('p.pubowner')}
FROM pg_publication p
UNION ALL SELECT format('event trigger %I', e.evtname), 'owner', '', {owner('e.evtowner')}
FROM pg_event_trigger e""",
    f"""
SELECT concat_ws(' ', 'default rights of', {owner('d.defaclrole')},
        'in ' || quote_ident(n.nspname)),
    'grant', concat_ws(' ', 'on', CASE d.defaclobjtype WHEN 'r' THEN 'tables'
        WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
        WHEN 'n' THEN 'schemas' ELSE 'large objects' END, 'to', g.role), g.rights
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
{grants('d.defaclacl')}""",
)
