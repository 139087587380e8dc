"""The queries that return what a schema file keeps as SQL: the statements that create each object.

Each row is (catalog, oid, kind, name, statements). They run in the transaction in which the facts
are read, so that PostgreSQL qualifies every name.
"""

from __future__ import annotations

from ormkit.catalog import OWN_SCHEMA

#: How what a range type brings depends on it: its functions and a cast.
_WITH_PARTS = "'e', 'i'"


def _own(catalog: str, alias: str, brought: str = "'e'") -> str:
    """Return the condition that no extension brought the object, or what `brought` stands for."""
    return f"""{OWN_SCHEMA} AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {alias}.oid
        AND e.objsubid = 0 AND e.deptype IN ({brought}))"""


def _comment(what: str, name: str, oid: str, catalog: str) -> str:
    """Return the SQL for a COMMENT statement, NULL where the object has no comment."""
    return f"""E'\\n' || format('COMMENT ON {what} %s IS ', {name})
        || quote_literal(obj_description({oid}, '{catalog}')) || ';'"""


_QUALIFIED = "format('%I.%I', n.nspname, c.relname)"

_COLUMN_COMMENTS = f"""(SELECT string_agg(E'\\n' || format('COMMENT ON COLUMN %s.%I IS %L;',
            {_QUALIFIED}, a.attname, col_description(c.oid, a.attnum)), '' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND col_description(c.oid, a.attnum) IS NOT NULL)"""

#: Views with their options, indexes and comments. A view's definition ends with a semicolon.
VIEWS = f"""
SELECT 'pg_class'::regclass::oid::bigint, c.oid::bigint, k.kind, {_QUALIFIED}, concat(
    format('CREATE %s %s', upper(k.kind), {_QUALIFIED}),
    ' WITH (' || (SELECT string_agg(format('%I = %L', o.option_name, o.option_value), ', ')
        FROM pg_options_to_table(c.reloptions) o) || ')',
    E' AS\\n', pg_get_viewdef(c.oid),
    (SELECT string_agg(E'\\n' || pg_get_indexdef(x.indexrelid) || ';'
            || CASE WHEN x.indisclustered THEN E'\\n' || format(
                'ALTER MATERIALIZED VIEW %s CLUSTER ON %I;', {_QUALIFIED}, i.relname) ELSE '' END
            || coalesce({_comment('INDEX', "format('%I.%I', n.nspname, i.relname)", 'i.oid',
                                  'pg_class')}, ''), '' ORDER BY i.relname)
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid),
    (SELECT string_agg(E'\\n' || format('ALTER VIEW %s ALTER COLUMN %I SET DEFAULT %s;',
            {_QUALIFIED}, a.attname, pg_get_expr(f.adbin, f.adrelid)), '' ORDER BY a.attnum)
        FROM pg_attrdef f JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        WHERE f.adrelid = c.oid),
    {_comment('%s', f"upper(k.kind), {_QUALIFIED}", 'c.oid', 'pg_class')},
    {_COLUMN_COMMENTS})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END
    AS kind) k
WHERE {_own('pg_class', 'c')} AND c.relkind IN ('v', 'm')"""

_ROUTINE = "CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END"

FUNCTIONS = f"""
SELECT 'pg_proc'::regclass::oid::bigint, f.oid::bigint, {_ROUTINE}, f.oid::regprocedure::text,
    concat(rtrim(pg_get_functiondef(f.oid), E'\\n'), ';',
        {_comment("%s", f"upper({_ROUTINE}), f.oid::regprocedure", 'f.oid', 'pg_proc')})
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
WHERE {_own('pg_proc', 'f', _WITH_PARTS)} AND f.prokind <> 'a'"""

#: An aggregate of whole rows has a star where others have their arguments.
_AGGREGATE = "regexp_replace(f.oid::regprocedure::text, '[(][)]$', '(*)')"
AGGREGATES = f"""
SELECT 'pg_proc'::regclass::oid::bigint, f.oid::bigint, 'aggregate', f.oid::regprocedure::text,
    concat(format('CREATE AGGREGATE %I.%I(%s) (%s);', n.nspname, f.proname,
        CASE WHEN pg_get_function_arguments(f.oid) = '' THEN '*'
            ELSE pg_get_function_arguments(f.oid) END,
        concat_ws(', ', format(E'\\n    SFUNC = %s', g.aggtransfn),
            format(E'\\n    STYPE = %s', format_type(g.aggtranstype, NULL)),
            E'\\n    SSPACE = ' || nullif(g.aggtransspace, 0),
            E'\\n    FINALFUNC = ' || nullif(g.aggfinalfn::oid, 0)::regproc,
            CASE WHEN g.aggfinalextra THEN E'\\n    FINALFUNC_EXTRA' END,
            CASE WHEN g.aggfinalfn::oid <> 0 AND g.aggfinalmodify <> CASE WHEN g.aggkind = 'n'
                THEN 'r' ELSE 'w' END THEN E'\\n    FINALFUNC_MODIFY = ' || CASE g.aggfinalmodify
                WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
            E'\\n    COMBINEFUNC = ' || nullif(g.aggcombinefn::oid, 0)::regproc,
            E'\\n    SERIALFUNC = ' || nullif(g.aggserialfn::oid, 0)::regproc,
            E'\\n    DESERIALFUNC = ' || nullif(g.aggdeserialfn::oid, 0)::regproc,
            E'\\n    INITCOND = ' || quote_literal(g.agginitval),
            E'\\n    MSFUNC = ' || nullif(g.aggmtransfn::oid, 0)::regproc,
            E'\\n    MINVFUNC = ' || nullif(g.aggminvtransfn::oid, 0)::regproc,
            E'\\n    MSTYPE = ' || CASE WHEN g.aggmtranstype <> 0
                THEN format_type(g.aggmtranstype, NULL) END,
            E'\\n    MSSPACE = ' || nullif(g.aggmtransspace, 0),
            E'\\n    MFINALFUNC = ' || nullif(g.aggmfinalfn::oid, 0)::regproc,
            E'\\n    MINITCOND = ' || quote_literal(g.aggminitval),
            E'\\n    SORTOP = ' || (SELECT format('OPERATOR(%I.%s)', sn.nspname, o.oprname)
                FROM pg_operator o JOIN pg_namespace sn ON sn.oid = o.oprnamespace
                WHERE o.oid = g.aggsortop),
            CASE f.proparallel WHEN 's' THEN E'\\n    PARALLEL = SAFE'
                WHEN 'r' THEN E'\\n    PARALLEL = RESTRICTED' END,
            CASE WHEN g.aggkind = 'h' THEN E'\\n    HYPOTHETICAL' END) || E'\\n'),
        {_comment('AGGREGATE', _AGGREGATE, 'f.oid', 'pg_proc')})
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
JOIN pg_aggregate g ON g.aggfnoid = f.oid WHERE {_own('pg_proc', 'f')}"""

_ON_TABLE = "format('%I on %I.%I', {}, n.nspname, c.relname)"
_TRIGGER = _ON_TABLE.format("g.tgname")

TRIGGERS = f"""
SELECT 'pg_trigger'::regclass::oid::bigint, g.oid::bigint, 'trigger', {_TRIGGER},
    concat(pg_get_triggerdef(g.oid), ';', E'\\n' || CASE WHEN g.tgenabled <> 'O' THEN
        format('ALTER TABLE %s %s TRIGGER %I;', {_QUALIFIED}, CASE g.tgenabled
            WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
            g.tgname) END,
        {_comment('TRIGGER', f"format('%I ON %s', g.tgname, {_QUALIFIED})", 'g.oid',
                  'pg_trigger')})
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_own('pg_class', 'c')} AND NOT g.tgisinternal AND g.tgparentid = 0"""

RULES = f"""
SELECT 'pg_rewrite'::regclass::oid::bigint, r.oid::bigint, 'rule',
    {_ON_TABLE.format('r.rulename')},
    concat(pg_get_ruledef(r.oid), E'\\n' || CASE WHEN r.ev_enabled <> 'O' THEN
        format('ALTER TABLE %s %s RULE %I;', {_QUALIFIED}, CASE r.ev_enabled
            WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
            r.rulename) END,
        {_comment('RULE', f"format('%I ON %s', r.rulename, {_QUALIFIED})", 'r.oid',
                  'pg_rewrite')})
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_own('pg_class', 'c')} AND r.rulename <> '_RETURN'"""

POLICIES = f"""
SELECT 'pg_policy'::regclass::oid::bigint, y.oid::bigint, 'policy', {_ON_TABLE.format('y.polname')},
    concat(concat_ws(' ', format('CREATE POLICY %I ON %s', y.polname, {_QUALIFIED}),
        CASE WHEN NOT y.polpermissive THEN 'AS RESTRICTIVE' END,
        'FOR ' || CASE y.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
            WHEN 'd' THEN 'DELETE' END,
        'TO ' || CASE WHEN y.polroles <> '{{0}}' THEN (
            SELECT string_agg(quote_ident(u.rolname), ', ' ORDER BY u.rolname)
            FROM pg_roles u WHERE u.oid = ANY (y.polroles)) END,
        'USING (' || pg_get_expr(y.polqual, y.polrelid) || ')',
        'WITH CHECK (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')'), ';',
        {_comment('POLICY', f"format('%I ON %s', y.polname, {_QUALIFIED})", 'y.oid', 'pg_policy')})
FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_own('pg_class', 'c')}"""

_TYPE = "format('%I.%I', n.nspname, t.typname)"

COMPOSITE_TYPES = f"""
SELECT 'pg_type'::regclass::oid::bigint, t.oid::bigint, 'type', {_TYPE},
    concat(format('CREATE TYPE %s AS (%s);', {_TYPE}, (
        SELECT string_agg(concat_ws(' ', E'\\n    ' || quote_ident(a.attname),
            format_type(a.atttypid, a.atttypmod), (
                SELECT format('COLLATE %I.%I', ln.nspname, l.collname) FROM pg_collation l
                JOIN pg_namespace ln ON ln.oid = l.collnamespace
                JOIN pg_type b ON b.oid = a.atttypid
                WHERE l.oid = a.attcollation AND a.attcollation <> b.typcollation)),
            ',' ORDER BY a.attnum) || E'\\n'
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)),
        {_comment('TYPE', _TYPE, 't.oid', 'pg_type')},
        (SELECT string_agg(E'\\n' || format('COMMENT ON COLUMN %s.%I IS %L;', {_TYPE},
                a.attname, col_description(c.oid, a.attnum)), '' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
            AND col_description(c.oid, a.attnum) IS NOT NULL))
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {_own('pg_type', 't')}"""

RANGE_TYPES = f"""
SELECT 'pg_type'::regclass::oid::bigint, t.oid::bigint, 'type', {_TYPE},
    concat(format('CREATE TYPE %s AS RANGE (%s);', {_TYPE}, concat_ws(', ',
        'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
        (SELECT format('SUBTYPE_OPCLASS = %I.%I', pn.nspname, p.opcname) FROM pg_opclass p
            JOIN pg_namespace pn ON pn.oid = p.opcnamespace
            WHERE p.oid = r.rngsubopc AND NOT p.opcdefault),
        (SELECT format('COLLATION = %I.%I', ln.nspname, l.collname) FROM pg_collation l
            JOIN pg_namespace ln ON ln.oid = l.collnamespace JOIN pg_type b ON b.oid = r.rngsubtype
            WHERE l.oid = r.rngcollation AND l.oid <> b.typcollation),
        'CANONICAL = ' || nullif(r.rngcanonical::oid, 0)::regproc,
        'SUBTYPE_DIFF = ' || nullif(r.rngsubdiff::oid, 0)::regproc,
        'MULTIRANGE_TYPE_NAME = ' || (SELECT format('%I.%I', mn.nspname, m.typname) FROM pg_type m
            JOIN pg_namespace mn ON mn.oid = m.typnamespace WHERE m.oid = r.rngmultitypid))),
        {_comment('TYPE', _TYPE, 't.oid', 'pg_type')})
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {_own('pg_type', 't')}"""

#: Types that are named and not defined yet.
SHELL_TYPES = f"""
SELECT 'pg_type'::regclass::oid::bigint, t.oid::bigint, 'type', {_TYPE},
    format('CREATE TYPE %s;', {_TYPE})
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE NOT t.typisdefined AND {_own('pg_type', 't')}"""

#: An operator's commutator and negator are linked by whichever of the two is created last.
OPERATORS = f"""
SELECT 'pg_operator'::regclass::oid::bigint, o.oid::bigint, 'operator', o.oid::regoperator::text,
    concat(format('CREATE OPERATOR %I.%s (%s);', n.nspname, o.oprname, concat_ws(', ',
        'FUNCTION = ' || o.oprcode,
        CASE WHEN o.oprleft <> 0 THEN 'LEFTARG = ' || format_type(o.oprleft, NULL) END,
        CASE WHEN o.oprright <> 0 THEN 'RIGHTARG = ' || format_type(o.oprright, NULL) END,
        (SELECT format('COMMUTATOR = OPERATOR(%I.%s)', m.nspname, q.oprname) FROM pg_operator q
            JOIN pg_namespace m ON m.oid = q.oprnamespace WHERE q.oid = o.oprcom),
        (SELECT format('NEGATOR = OPERATOR(%I.%s)', m.nspname, q.oprname) FROM pg_operator q
            JOIN pg_namespace m ON m.oid = q.oprnamespace WHERE q.oid = o.oprnegate),
        'RESTRICT = ' || nullif(o.oprrest::oid, 0)::regproc,
        'JOIN = ' || nullif(o.oprjoin::oid, 0)::regproc,
        CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END)),
        {_comment('OPERATOR', "format('%I.%s (%s, %s)', n.nspname, o.oprname, "
                  "CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, "
                  "format_type(o.oprright, NULL))", 'o.oid', 'pg_operator')})
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {_own('pg_operator', 'o')}
AND o.oprcode <> 0"""

_CAST = "format('(%s AS %s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL))"

#: Every cast after initdb has an oid of its own.
CASTS = f"""
SELECT 'pg_cast'::regclass::oid::bigint, k.oid::bigint, 'cast', {_CAST},
    concat('CREATE CAST ', {_CAST}, CASE k.castmethod WHEN 'i' THEN ' WITH INOUT'
        WHEN 'b' THEN ' WITHOUT FUNCTION' ELSE ' WITH FUNCTION ' || k.castfunc::regprocedure END,
        CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END, ';',
        {_comment('CAST', _CAST, 'k.oid', 'pg_cast')})
FROM pg_cast k WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_cast'::regclass AND d.objid = k.oid AND d.deptype IN ({_WITH_PARTS}))"""

STATISTICS = f"""
SELECT 'pg_statistic_ext'::regclass::oid::bigint, x.oid::bigint, 'statistics',
    format('%I.%I', n.nspname, x.stxname),
    concat(pg_get_statisticsobjdef(x.oid), ';', E'\\n' || CASE
        WHEN (to_jsonb(x) ->> 'stxstattarget')::integer >= 0 THEN
        format('ALTER STATISTICS %I.%I SET STATISTICS %s;', n.nspname, x.stxname,
            to_jsonb(x) ->> 'stxstattarget') END,
        {_comment('STATISTICS', "format('%I.%I', n.nspname, x.stxname)", 'x.oid',
                  'pg_statistic_ext')})
FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace
WHERE {_own('pg_statistic_ext', 'x')}"""

_COLLATION = "format('%I.%I', n.nspname, l.collname)"
#: The locale's name, whichever column this version has it in.
_LOCALE = """coalesce(to_jsonb(l) ->> 'colllocale', to_jsonb(l) ->> 'colliculocale')"""

COLLATIONS = f"""
SELECT 'pg_collation'::regclass::oid::bigint, l.oid::bigint, 'collation', {_COLLATION},
    concat(format('CREATE COLLATION %s (%s);', {_COLLATION}, concat_ws(', ',
        'PROVIDER = ' || CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin'
            ELSE 'libc' END,
        CASE WHEN l.collprovider IN ('i', 'b') AND {_LOCALE} IS NOT NULL
            THEN format('LOCALE = %L', {_LOCALE})
            WHEN l.collcollate = l.collctype THEN format('LOCALE = %L', l.collcollate)
            ELSE format('LC_COLLATE = %L, LC_CTYPE = %L', l.collcollate, l.collctype) END,
        CASE WHEN NOT l.collisdeterministic THEN 'DETERMINISTIC = false' END,
        'RULES = ' || quote_literal(to_jsonb(l) ->> 'collicurules'))),
        {_comment('COLLATION', _COLLATION, 'l.oid', 'pg_collation')})
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE {_own('pg_collation', 'l')}"""

_CONFIGURATION = "format('%I.%I', n.nspname, f.cfgname)"
_DICTIONARY = "format('%I.%I', n.nspname, d.dictname)"

TEXT_SEARCH_CONFIGURATIONS = f"""
SELECT 'pg_ts_config'::regclass::oid::bigint, f.oid::bigint, 'text search configuration',
    {_CONFIGURATION},
    concat(format('CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %I.%I);', {_CONFIGURATION},
        pn.nspname, p.prsname),
        (SELECT string_agg(E'\\n' || format('ALTER TEXT SEARCH CONFIGURATION %s '
                'ADD MAPPING FOR %I WITH %s;', {_CONFIGURATION}, m.alias, m.dictionaries), ''
                ORDER BY m.alias)
            FROM (SELECT k.alias, string_agg(q.mapdict::regdictionary::text, ', '
                    ORDER BY q.mapseqno) AS dictionaries
                FROM pg_ts_config_map q JOIN ts_token_type(f.cfgparser) k
                    ON k.tokid = q.maptokentype WHERE q.mapcfg = f.oid GROUP BY k.alias) m),
        {_comment('TEXT SEARCH CONFIGURATION', _CONFIGURATION, 'f.oid', 'pg_ts_config')})
FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace
JOIN pg_ts_parser p ON p.oid = f.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE {_own('pg_ts_config', 'f')}"""

TEXT_SEARCH_DICTIONARIES = f"""
SELECT 'pg_ts_dict'::regclass::oid::bigint, d.oid::bigint, 'text search dictionary', {_DICTIONARY},
    concat(format('CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %I.%I%s);', {_DICTIONARY},
        tn.nspname, t.tmplname, coalesce(', ' || d.dictinitoption, '')),
        {_comment('TEXT SEARCH DICTIONARY', _DICTIONARY, 'd.oid', 'pg_ts_dict')})
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE {_own('pg_ts_dict', 'd')}"""

_PUBLICATION = f"""
SELECT 'pg_publication'::regclass::oid::bigint, p.oid::bigint, 'publication',
    quote_ident(p.pubname),
    concat('CREATE PUBLICATION ', quote_ident(p.pubname), CASE WHEN p.puballtables
        THEN ' FOR ALL TABLES' ELSE ' FOR ' || nullif(concat_ws(', ', {{published}}), '') END,
        format(' WITH (publish = %L%s%s)', concat_ws(', ',
            CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
            CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
            CASE WHEN p.pubviaroot THEN ', publish_via_partition_root = true' END,
            CASE to_jsonb(p) ->> 'pubgencols' WHEN 's'
                THEN ', publish_generated_columns = stored' END), ';',
        {_comment('PUBLICATION', 'quote_ident(p.pubname)', 'p.oid', 'pg_publication')})
FROM pg_publication p"""

#: PostgreSQL 14 publishes whole tables only.
PUBLICATIONS_OF_14 = _PUBLICATION.format(published="""
            (SELECT 'TABLE ' || string_agg(concat('ONLY ', r.prrelid::regclass), ', '
                    ORDER BY r.prrelid::regclass::text)
                FROM pg_publication_rel r WHERE r.prpubid = p.oid)""")

PUBLICATIONS = _PUBLICATION.format(published="""
            (SELECT 'TABLE ' || string_agg(concat('ONLY ', r.prrelid::regclass,
                    ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                        FROM pg_attribute a WHERE a.attrelid = r.prrelid
                        AND a.attnum = ANY (r.prattrs)) || ')',
                    ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')'), ', '
                    ORDER BY r.prrelid::regclass::text)
                FROM pg_publication_rel r WHERE r.prpubid = p.oid),
            (SELECT 'TABLES IN SCHEMA ' || string_agg(quote_ident(n.nspname), ', '
                    ORDER BY n.nspname)
                FROM pg_publication_namespace r JOIN pg_namespace n ON n.oid = r.pnnspid
                WHERE r.pnpubid = p.oid)""")

EVENT_TRIGGERS = f"""
SELECT 'pg_event_trigger'::regclass::oid::bigint, e.oid::bigint, 'event trigger',
    quote_ident(e.evtname),
    concat(format('CREATE EVENT TRIGGER %I ON %s', e.evtname, e.evtevent), E'\\n    WHEN TAG IN ('
        || (SELECT string_agg(quote_literal(x), ', ') FROM unnest(e.evttags) x) || ')',
        E'\\n    EXECUTE FUNCTION ', e.evtfoid::regproc, '();', E'\\n' || CASE
        WHEN e.evtenabled <> 'O' THEN format('ALTER EVENT TRIGGER %I %s;', e.evtname,
            CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
            ELSE 'ENABLE ALWAYS' END) END,
        {_comment('EVENT TRIGGER', 'quote_ident(e.evtname)', 'e.oid', 'pg_event_trigger')})
FROM pg_event_trigger e WHERE NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')"""

_FOREIGN_OPTIONS = """' OPTIONS (' || (SELECT string_agg(format('%I %L', o.option_name,
        o.option_value), ', ') FROM pg_options_to_table({}) o) || ')'"""

WRAPPERS = f"""
SELECT 'pg_foreign_data_wrapper'::regclass::oid::bigint, w.oid::bigint, 'foreign data wrapper',
    quote_ident(w.fdwname), concat('CREATE FOREIGN DATA WRAPPER ', quote_ident(w.fdwname),
        ' HANDLER ' || nullif(w.fdwhandler, 0)::regproc,
        ' VALIDATOR ' || nullif(w.fdwvalidator, 0)::regproc,
        {_FOREIGN_OPTIONS.format('w.fdwoptions')}, ';', {_comment('FOREIGN DATA WRAPPER',
            'quote_ident(w.fdwname)', 'w.oid', 'pg_foreign_data_wrapper')})
FROM pg_foreign_data_wrapper w WHERE NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND d.objid = w.oid
    AND d.deptype = 'e')"""

SERVERS = f"""
SELECT 'pg_foreign_server'::regclass::oid::bigint, s.oid::bigint, 'server', quote_ident(s.srvname),
    concat('CREATE SERVER ', quote_ident(s.srvname), ' TYPE ' || quote_literal(s.srvtype),
        ' VERSION ' || quote_literal(s.srvversion),
        ' FOREIGN DATA WRAPPER ', quote_ident(w.fdwname),
        {_FOREIGN_OPTIONS.format('s.srvoptions')}, ';',
        {_comment('SERVER', 'quote_ident(s.srvname)', 's.oid', 'pg_foreign_server')})
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw"""

FOREIGN_TABLES = f"""
SELECT 'pg_class'::regclass::oid::bigint, c.oid::bigint, 'foreign table', {_QUALIFIED},
    concat(format('CREATE FOREIGN TABLE %s (%s) SERVER %I', {_QUALIFIED}, concat_ws(E',\\n    ', (
        SELECT string_agg(concat_ws(' ', E'\\n    ' || quote_ident(a.attname),
            format_type(a.atttypid, a.atttypmod),
            {_FOREIGN_OPTIONS.format('a.attfdwoptions')},
            'DEFAULT ' || (SELECT pg_get_expr(f.adbin, f.adrelid) FROM pg_attrdef f
                WHERE f.adrelid = c.oid AND f.adnum = a.attnum),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END), ',' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), (
        SELECT string_agg(format('CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid)),
            E',\\n    ' ORDER BY o.conname)
        FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype = 'c' AND o.conislocal))
        || E'\\n', s.srvname), {_FOREIGN_OPTIONS.format('t.ftoptions')}, ';',
        {_comment('FOREIGN TABLE', _QUALIFIED, 'c.oid', 'pg_class')},
        {_COLUMN_COMMENTS})
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_foreign_table t ON t.ftrelid = c.oid JOIN pg_foreign_server s ON s.oid = t.ftserver
WHERE {_own('pg_class', 'c')}"""

OBJECTS = (
    VIEWS,
    FUNCTIONS,
    AGGREGATES,
    TRIGGERS,
    RULES,
    POLICIES,
    COMPOSITE_TYPES,
    RANGE_TYPES,
    SHELL_TYPES,
    OPERATORS,
    CASTS,
    STATISTICS,
    COLLATIONS,
    TEXT_SEARCH_CONFIGURATIONS,
    TEXT_SEARCH_DICTIONARIES,
    EVENT_TRIGGERS,
    WRAPPERS,
    SERVERS,
    FOREIGN_TABLES,
)


def objects(version: int) -> tuple[str, ...]:
    """Return the queries for a major version of the server."""
    return (*OBJECTS, PUBLICATIONS_OF_14 if version < 15 else PUBLICATIONS)


#: What each object needs to exist: pairs of the object and the label of another one. Parts of a
#: table stand for the table: its indexes, constraints, defaults, and the type of its rows. What an
#: extension brings has no label, because extensions are created before all else.
DEPENDENCIES = f"""
WITH relations AS (
    SELECT c.oid, format('%s %I.%I', CASE c.relkind WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type'
        WHEN 'f' THEN 'foreign table' ELSE 'table' END, n.nspname, c.relname) AS label
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_type t ON t.oid = c.reltype AND c.relkind = 'c'
    WHERE {_own('pg_class', 'c')} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
    AND (t.oid IS NULL OR {_own('pg_type', 't')})
), labels AS (
    SELECT 'pg_class'::regclass::oid AS class, r.oid, r.label FROM relations r
    UNION ALL SELECT 'pg_class'::regclass, x.indexrelid, r.label
        FROM pg_index x JOIN relations r ON r.oid = x.indrelid
    UNION ALL SELECT 'pg_type'::regclass, t.oid, r.label
        FROM pg_type t JOIN relations r ON r.oid = t.typrelid
    UNION ALL SELECT 'pg_type'::regclass, a.oid, r.label
        FROM pg_type a JOIN pg_type t ON t.typarray = a.oid JOIN relations r ON r.oid = t.typrelid
    UNION ALL SELECT 'pg_type'::regclass, x.oid, format('%s %I.%I',
            CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname, t.typname)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        JOIN pg_type x ON x.oid IN (t.oid, t.typarray)
        WHERE {_own('pg_type', 't')} AND t.typtype IN ('e', 'd', 'r')
    UNION ALL SELECT 'pg_proc'::regclass, f.oid, format('%s %s', {_ROUTINE}, f.oid::regprocedure)
        FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
        WHERE {_own('pg_proc', 'f', _WITH_PARTS)}
    UNION ALL SELECT d.classid, d.objid, format('type %s', {_TYPE}) FROM pg_depend d
        JOIN pg_range r ON d.refobjid IN (r.rngtypid, r.rngmultitypid)
        JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass
        AND d.deptype = 'i' AND {OWN_SCHEMA}
    UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, r.label
        FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class WHERE w.rulename = '_RETURN'
    UNION ALL SELECT 'pg_constraint'::regclass, o.oid, r.label
        FROM pg_constraint o JOIN relations r ON r.oid = o.conrelid
    UNION ALL SELECT 'pg_attrdef'::regclass, f.oid, r.label
        FROM pg_attrdef f JOIN relations r ON r.oid = f.adrelid
    UNION ALL SELECT 'pg_operator'::regclass, o.oid, format('operator %s', o.oid::regoperator)
        FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
        WHERE {_own('pg_operator', 'o')}
    UNION ALL SELECT 'pg_collation'::regclass, l.oid, format('collation %s', {_COLLATION})
        FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
        WHERE {_own('pg_collation', 'l')}
    UNION ALL SELECT 'pg_ts_config'::regclass, f.oid,
            format('text search configuration %s', {_CONFIGURATION})
        FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace
        WHERE {_own('pg_ts_config', 'f')}
    UNION ALL SELECT 'pg_ts_dict'::regclass, d.oid,
            format('text search dictionary %s', {_DICTIONARY})
        FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
        WHERE {_own('pg_ts_dict', 'd')}
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, w.oid,
            format('foreign data wrapper %I', w.fdwname) FROM pg_foreign_data_wrapper w
        WHERE NOT EXISTS (SELECT FROM pg_depend e
            WHERE e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
            AND e.deptype = 'e')
    UNION ALL SELECT 'pg_foreign_server'::regclass, s.oid, format('server %I', s.srvname)
        FROM pg_foreign_server s
), needs AS (
    SELECT d.classid, d.objid, l.label FROM pg_depend d
    JOIN labels l ON l.class = d.refclassid AND l.oid = d.refobjid
    WHERE d.deptype IN ('n', 'a', 'i')
    UNION ALL SELECT 'pg_class'::regclass, w.ev_class, l.label FROM pg_rewrite w
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
    JOIN labels l ON l.class = d.refclassid AND l.oid = d.refobjid
    WHERE w.rulename = '_RETURN' AND d.deptype = 'n'
    UNION ALL SELECT 'pg_publication'::regclass, r.prpubid, l.label FROM pg_publication_rel r
    JOIN labels l ON l.class = 'pg_class'::regclass AND l.oid = r.prrelid
    UNION ALL SELECT 'pg_type'::regclass, t.oid, l.label FROM pg_type t
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = t.typrelid
    JOIN labels l ON l.class = d.refclassid AND l.oid = d.refobjid
    WHERE t.typtype = 'c' AND d.deptype = 'n'
)
SELECT classid::bigint, objid::bigint, array_agg(DISTINCT label ORDER BY label)
FROM needs WHERE objid >= 16384 GROUP BY classid, objid"""
