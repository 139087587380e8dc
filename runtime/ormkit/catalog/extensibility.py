"""The queries of what extends PostgreSQL: languages, operator classes, foreign servers, casts."""

from __future__ import annotations

from .scope import own


def unless_of_extension(catalog: str, alias: str) -> str:
    """Return the condition that an object outside schemas is no system's and no extension's."""
    return f"""{alias}.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e
        WHERE e.classid = '{catalog}'::regclass AND e.objid = {alias}.oid AND e.deptype = 'e')"""


LANGUAGES = f"""
SELECT format('language %I', l.lanname), 'object', '', concat_ws(' ',
    CASE WHEN l.lanpltrusted THEN 'TRUSTED' END, 'HANDLER ' || l.lanplcallfoid::regproc,
    CASE WHEN l.laninline <> 0 THEN 'INLINE ' || l.laninline::regproc END,
    CASE WHEN l.lanvalidator <> 0 THEN 'VALIDATOR ' || l.lanvalidator::regproc END)
FROM pg_language l WHERE l.lanispl AND {unless_of_extension('pg_language', 'l')}"""

ACCESS_METHODS = f"""
SELECT format('access method %I', a.amname), 'object', '', format('TYPE %s HANDLER %s',
    CASE a.amtype WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, a.amhandler)
FROM pg_am a WHERE {unless_of_extension('pg_am', 'a')}"""

TRANSFORM = "format('transform for %s language %I', format_type(t.trftype, NULL), l.lanname)"
TRANSFORMS = f"""
SELECT {TRANSFORM},
    'object', '', format('(%s)', concat_ws(', ',
    CASE WHEN t.trffromsql <> 0 THEN 'FROM SQL WITH FUNCTION ' || t.trffromsql::regprocedure END,
    CASE WHEN t.trftosql <> 0 THEN 'TO SQL WITH FUNCTION ' || t.trftosql::regprocedure END))
FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
WHERE {unless_of_extension('pg_transform', 't')}"""

CONVERSIONS = f"""
SELECT format('conversion %I.%I', n.nspname, c.conname), 'object', '', format(
    '%sFOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' ELSE '' END,
    pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding), c.conproc)
FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace
WHERE {own('pg_conversion', 'c')}"""

#: What a class was created with is part of the class, and all else of its family.
OPERATOR_FAMILIES = f"""
SELECT format('operator family %I.%I USING %I', n.nspname, f.opfname, a.amname), 'object', '', ''
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am a ON a.oid = f.opfmethod WHERE {own('pg_opfamily', 'f')}
UNION ALL SELECT coalesce((
        SELECT format('operator class %I.%I USING %I', kn.nspname, k.opcname, a.amname)
        FROM pg_depend e JOIN pg_opclass k ON k.oid = e.refobjid
        JOIN pg_namespace kn ON kn.oid = k.opcnamespace
        WHERE e.classid = p.catalog AND e.objid = p.oid AND e.refclassid = 'pg_opclass'::regclass
        AND e.deptype = 'i'),
    format('operator family %I.%I USING %I', n.nspname, f.opfname, a.amname)),
    'member', p.name, p.definition
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace
JOIN pg_am a ON a.oid = f.opfmethod,
LATERAL (
    SELECT 'pg_amop'::regclass, o.oid, format('OPERATOR %s (%s, %s)', o.amopstrategy,
            format_type(o.amoplefttype, NULL), format_type(o.amoprighttype, NULL)),
        concat_ws(' ', o.amopopr::regoperator,
            CASE o.amoppurpose WHEN 'o' THEN 'FOR ORDER BY ' || (
                SELECT format('%I.%I', bn.nspname, b.opfname) FROM pg_opfamily b
                JOIN pg_namespace bn ON bn.oid = b.opfnamespace WHERE b.oid = o.amopsortfamily) END)
        FROM pg_amop o WHERE o.amopfamily = f.oid
    UNION ALL SELECT 'pg_amproc'::regclass, m.oid, format('FUNCTION %s (%s, %s)', m.amprocnum,
            format_type(m.amproclefttype, NULL), format_type(m.amprocrighttype, NULL)),
        m.amproc::regprocedure::text
        FROM pg_amproc m WHERE m.amprocfamily = f.oid
) AS p (catalog, oid, name, definition) WHERE {own('pg_opfamily', 'f')}"""

OPERATOR_CLASSES = f"""
SELECT format('operator class %I.%I USING %I', n.nspname, k.opcname, a.amname), 'object', '',
    concat_ws(' ', CASE WHEN k.opcdefault THEN 'DEFAULT' END,
        'FOR TYPE ' || format_type(k.opcintype, NULL),
        format('FAMILY %I.%I', fn.nspname, f.opfname),
        CASE WHEN k.opckeytype <> 0 THEN 'STORAGE ' || format_type(k.opckeytype, NULL) END)
FROM pg_opclass k JOIN pg_namespace n ON n.oid = k.opcnamespace JOIN pg_am a ON a.oid = k.opcmethod
JOIN pg_opfamily f ON f.oid = k.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace
WHERE {own('pg_opclass', 'k')}"""

TEXT_SEARCH_PARTS = f"""
SELECT format('text search parser %I.%I', n.nspname, p.prsname), 'object', '',
    format('(%s)', concat_ws(', ', 'START = ' || p.prsstart, 'GETTOKEN = ' || p.prstoken,
        'END = ' || p.prsend, 'LEXTYPES = ' || p.prslextype,
        CASE WHEN p.prsheadline <> 0 THEN 'HEADLINE = ' || p.prsheadline END))
FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE {own('pg_ts_parser', 'p')}
UNION ALL SELECT format('text search template %I.%I', n.nspname, t.tmplname), 'object', '',
    format('(%s)', concat_ws(', ', CASE WHEN t.tmplinit <> 0 THEN 'INIT = ' || t.tmplinit END,
        'LEXIZE = ' || t.tmpllexize))
FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace
WHERE {own('pg_ts_template', 't')}"""

#: Options of servers may hold secrets only by mistake: passwords belong to user mappings.
FOREIGN_SERVERS = f"""
SELECT format('foreign-data wrapper %I', w.fdwname), p.kind, p.name, p.definition
FROM pg_foreign_data_wrapper w,
LATERAL (
    SELECT 'object', '', concat_ws(' ',
        CASE WHEN w.fdwhandler <> 0 THEN 'HANDLER ' || w.fdwhandler::regproc END,
        CASE WHEN w.fdwvalidator <> 0 THEN 'VALIDATOR ' || w.fdwvalidator::regproc END)
    UNION ALL SELECT 'option', o.option_name, o.option_value
        FROM pg_options_to_table(w.fdwoptions) o
) AS p (kind, name, definition) WHERE {unless_of_extension('pg_foreign_data_wrapper', 'w')}
UNION ALL SELECT format('server %I', s.srvname), p.kind, p.name, p.definition
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw,
LATERAL (
    SELECT 'object', '', concat_ws(' ', 'TYPE ' || quote_literal(s.srvtype),
        'VERSION ' || quote_literal(s.srvversion), format('FOREIGN DATA WRAPPER %I', w.fdwname))
    UNION ALL SELECT 'option', o.option_name, o.option_value
        FROM pg_options_to_table(s.srvoptions) o
) AS p (kind, name, definition) WHERE {unless_of_extension('pg_foreign_server', 's')}"""

SECURITY_LABELS = """
SELECT format('%s %s', l.objtype, l.objname), 'security label', l.provider, l.label
FROM pg_seclabels l WHERE l.objtype NOT IN ('database', 'role', 'tablespace', 'large object')"""

EXTENSIBILITY = (
    LANGUAGES,
    ACCESS_METHODS,
    TRANSFORMS,
    CONVERSIONS,
    OPERATOR_FAMILIES,
    OPERATOR_CLASSES,
    TEXT_SEARCH_PARTS,
    FOREIGN_SERVERS,
    SECURITY_LABELS,
)
