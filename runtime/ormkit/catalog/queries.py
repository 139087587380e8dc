"""The queries of PostgreSQL's catalogs, each of which returns facts.

Each row is (object, kind, name, definition), and for columns their position. They read pg_catalog
alone, for which every role has the right, and leave out the objects of the system and those that an
extension brought. They run with an empty search_path, so that PostgreSQL qualifies every name that
it prints.
"""

from __future__ import annotations

from .extensibility import EXTENSIBILITY, TRANSFORM
from .scope import (
    COLUMNS,
    OBJECT,
    OF_MIGRATIONS,
    OWN_COLUMN,
    OWN_RELATION,
    RELATION,
    RELATIONS,
    SET_BY_USERS,
    TABLES,
    WITH_PARTS,
    own,
)

SCHEMAS = f"""
SELECT format('schema %I', n.nspname), 'object', '', ''
FROM pg_namespace n WHERE {own('pg_namespace', 'n')}"""

EXTENSIONS = """
SELECT format('extension %I', x.extname), 'object', '', format('SCHEMA %I', n.nspname)
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'"""

#: Each extension brings a comment; only another one says something about the database.
EXTENSION_COMMENTS = """
SELECT format('extension %I', x.extname), 'comment', '', d.description
FROM pg_extension x JOIN pg_description d
    ON d.classoid = 'pg_extension'::regclass AND d.objoid = x.oid
JOIN pg_available_extensions a ON a.name = x.extname
WHERE x.extname <> 'plpgsql' AND d.description IS DISTINCT FROM a.comment"""

#: What kind of table it is, and where its rows are: all that CREATE TABLE says but its columns.
TABLE_FACTS = f"""
SELECT {OBJECT}, p.kind, p.name, p.definition FROM {RELATIONS},
LATERAL (
    SELECT 'object', '', concat_ws(' ',
        CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
        CASE WHEN c.reloftype <> 0 THEN 'OF ' || format_type(c.reloftype, NULL) END,
        'PARTITION BY ' || pg_get_partkeydef(c.oid))
    UNION ALL SELECT 'partition', h.inhparent::regclass::text, pg_get_expr(c.relpartbound, c.oid)
        FROM pg_inherits h WHERE h.inhrelid = c.oid AND c.relispartition
    UNION ALL SELECT 'inherits', h.inhparent::regclass::text, h.inhseqno::text
        FROM pg_inherits h WHERE h.inhrelid = c.oid AND NOT c.relispartition
    UNION ALL SELECT 'row security', '',
        CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'ENABLE' END WHERE c.relrowsecurity
    UNION ALL SELECT 'row security', '', 'FORCE without ENABLE'
        WHERE c.relforcerowsecurity AND NOT c.relrowsecurity
    UNION ALL SELECT 'storage', o.option_name, o.option_value
        FROM pg_options_to_table(c.reloptions) o
    UNION ALL SELECT 'access method', '', m.amname FROM pg_am m
        WHERE m.oid = c.relam AND m.amname <> 'heap' AND c.relkind IN ('r', 'p')
    UNION ALL SELECT 'tablespace', '', s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace
    UNION ALL SELECT 'replica identity', '', CASE c.relreplident WHEN 'f' THEN 'FULL'
        WHEN 'n' THEN 'NOTHING' ELSE (SELECT 'USING INDEX ' || quote_ident(i.relname)
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
            WHERE x.indrelid = c.oid AND x.indisreplident) END
        WHERE c.relreplident <> 'd' AND c.relkind IN ('r', 'p')
    UNION ALL SELECT 'server', '', quote_ident(s.srvname)
        FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
        WHERE f.ftrelid = c.oid
    UNION ALL SELECT 'foreign table option', o.option_name, o.option_value FROM pg_foreign_table f,
        pg_options_to_table(f.ftoptions) o WHERE f.ftrelid = c.oid
) AS p (kind, name, definition) WHERE {TABLES}"""

VIEWS = f"""
SELECT {OBJECT}, p.kind, p.name, p.definition FROM {RELATIONS},
LATERAL (
    SELECT 'object', '', pg_get_viewdef(c.oid)
    UNION ALL SELECT 'storage', o.option_name, o.option_value
        FROM pg_options_to_table(c.reloptions) o
) AS p (kind, name, definition) WHERE {OWN_RELATION} AND c.relkind IN ('v', 'm')"""

#: The columns of tables, views and composite types. A column's own facts are apart from each
#: other, so that a difference is as small as the statement that mends it.
COLUMN_FACTS = f"""
SELECT {OBJECT}, p.kind, a.attname::text, p.definition, a.attnum::integer
FROM {COLUMNS} JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace,
LATERAL (
    SELECT 'column', concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        'COLLATE ' || quote_ident(ln.nspname) || '.' || quote_ident(l.collname))
    UNION ALL SELECT 'not null', '' WHERE a.attnotnull
    UNION ALL SELECT CASE a.attgenerated WHEN '' THEN 'default' WHEN 's' THEN 'generated'
        ELSE 'virtual' END, pg_get_expr(d.adbin, d.adrelid) WHERE d.oid IS NOT NULL
    UNION ALL SELECT 'identity', concat_ws(' ',
        CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, (
            SELECT format('START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s%s', s.seqstart,
                s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
                CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
            FROM pg_depend e JOIN pg_sequence s ON s.seqrelid = e.objid
            WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_class'::regclass
            AND e.refobjid = c.oid AND e.refobjsubid = a.attnum AND e.deptype = 'i'))
        WHERE a.attidentity <> ''
    UNION ALL SELECT 'column storage', CASE a.attstorage WHEN 'p' THEN 'PLAIN'
        WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
        WHERE a.attstorage <> t.typstorage AND c.relkind NOT IN ('c', 'v')
    UNION ALL SELECT 'compression', CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END
        WHERE a.attcompression <> ''
    UNION ALL SELECT 'statistics target', a.attstattarget::text WHERE a.attstattarget >= 0
    UNION ALL SELECT 'column options', string_agg(o.option, ', ' ORDER BY o.number)
        FROM unnest(a.attoptions) WITH ORDINALITY o (option, number)
        WHERE {SET_BY_USERS.format('o.option')} HAVING count(*) > 0
    UNION ALL SELECT 'foreign options', (
        SELECT string_agg(format('%I %L', o.option_name, o.option_value), ', '
            ORDER BY o.option_name) FROM pg_options_to_table(a.attfdwoptions) o)
        WHERE a.attfdwoptions IS NOT NULL
) AS p (kind, definition) WHERE {OWN_COLUMN} AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
AND (c.relkind <> 'c' OR NOT EXISTS (
    SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = c.reltype
    AND e.deptype = 'e'))"""

#: NOT NULL is a fact of its column: of its constraint, only what differs from the default is one.
#: PostgreSQL prints NOT VALID at the end of a definition, which is a fact of its own.
CONSTRAINTS = f"""
SELECT {OBJECT}, p.kind, o.conname::text, p.definition
FROM {RELATIONS} JOIN pg_constraint o ON o.conrelid = c.oid,
LATERAL (
    SELECT 'constraint', regexp_replace(pg_get_constraintdef(o.oid), ' NOT VALID$', '')
        WHERE o.contype <> 'n'
    UNION ALL SELECT 'unfinished', 'NOT VALID' WHERE NOT o.convalidated
) AS p (kind, definition)
WHERE {TABLES} AND o.contype IN ('p', 'u', 'f', 'c', 'x', 'n') AND o.conislocal"""

INDEXES = f"""
SELECT format('%s %I.%I', {RELATION}, n.nspname, c.relname), p.kind, i.relname::text, p.definition
FROM {RELATIONS} JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid,
LATERAL (
    SELECT 'index', pg_get_indexdef(x.indexrelid)
    UNION ALL SELECT 'unfinished', 'INVALID' WHERE NOT x.indisvalid
    UNION ALL SELECT 'clustered', '' WHERE x.indisclustered
    UNION ALL SELECT 'index tablespace', s.spcname FROM pg_tablespace s
        WHERE s.oid = i.reltablespace
    UNION ALL SELECT 'index statistics', string_agg(format('%s: %s', a.attnum, a.attstattarget),
        ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0 HAVING count(*) > 0
) AS p (kind, definition)
WHERE {OWN_RELATION} AND c.relkind IN ('r', 'p', 'f', 'm') AND NOT i.relispartition
AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = x.indexrelid
    AND o.contype IN ('p', 'u', 'x') AND p.kind = 'index')"""

#: Sequences, except those of identity columns, which belong to the column.
SEQUENCES = f"""
SELECT {OBJECT}, 'object', '', concat_ws(' ',
    CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
    format('AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s',
        format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache),
    CASE WHEN s.seqcycle THEN 'CYCLE' END,
    (SELECT format('OWNED BY %s.%I', e.refobjid::regclass, a.attname)
        FROM pg_depend e JOIN pg_attribute a ON a.attrelid = e.refobjid AND a.attnum = e.refobjsubid
        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'a'
        AND e.refclassid = 'pg_class'::regclass))
FROM {RELATIONS} JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE {OWN_RELATION} AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
    AND e.objid = c.oid AND e.deptype = 'i')"""

TYPES = f"""
SELECT format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.nspname,
        t.typname),
    p.kind, p.name, p.definition
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_collation l ON l.oid = t.typcollation
LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace,
LATERAL (
    SELECT 'object', '', 'ENUM (' || (SELECT string_agg(quote_literal(e.enumlabel), ', '
        ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) || ')'
        WHERE t.typtype = 'e'
    UNION ALL SELECT 'object', '', concat_ws(' ', 'AS ' || format_type(t.typbasetype, t.typtypmod),
        CASE WHEN t.typcollation <> (
            SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype)
        THEN 'COLLATE ' || quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END)
        WHERE t.typtype = 'd'
    UNION ALL SELECT 'not null', '', '' WHERE t.typtype = 'd' AND t.typnotnull
    UNION ALL SELECT 'default', '', t.typdefault WHERE t.typtype = 'd' AND t.typdefault IS NOT NULL
    UNION ALL SELECT 'constraint', o.conname::text, pg_get_constraintdef(o.oid)
        FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c'
    UNION ALL SELECT 'object', '', (
        SELECT format('RANGE (%s)', concat_ws(', ',
            'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
            (SELECT format('SUBTYPE_OPCLASS = %I.%I', cn.nspname, k.opcname) FROM pg_opclass k
                JOIN pg_namespace cn ON cn.oid = k.opcnamespace
                WHERE k.oid = r.rngsubopc AND NOT k.opcdefault),
            CASE WHEN r.rngcollation <> (SELECT b.typcollation FROM pg_type b
                WHERE b.oid = r.rngsubtype) THEN 'COLLATION = ' || r.rngcollation::regcollation END,
            CASE WHEN r.rngcanonical <> 0 THEN 'CANONICAL = ' || r.rngcanonical END,
            CASE WHEN r.rngsubdiff <> 0 THEN 'SUBTYPE_DIFF = ' || r.rngsubdiff END,
            'MULTIRANGE_TYPE_NAME = ' || r.rngmultitypid::regtype))
        FROM pg_range r WHERE r.rngtypid = t.oid) WHERE t.typtype = 'r'
    UNION ALL SELECT 'object', '', 'COMPOSITE' WHERE t.typtype = 'c'
        AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')
    UNION ALL SELECT 'object', '', format('(%s)', concat_ws(', ', 'INPUT = ' || t.typinput,
            'OUTPUT = ' || t.typoutput,
            CASE WHEN t.typreceive <> 0 THEN 'RECEIVE = ' || t.typreceive END,
            CASE WHEN t.typsend <> 0 THEN 'SEND = ' || t.typsend END,
            CASE WHEN t.typmodin <> 0 THEN 'TYPMOD_IN = ' || t.typmodin END,
            CASE WHEN t.typmodout <> 0 THEN 'TYPMOD_OUT = ' || t.typmodout END,
            CASE WHEN t.typanalyze <> 0 THEN 'ANALYZE = ' || t.typanalyze END,
            'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'VARIABLE' ELSE t.typlen::text END,
            CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,
            'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2'
                WHEN 'i' THEN 'int4' ELSE 'double' END,
            'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
                WHEN 'm' THEN 'main' ELSE 'extended' END,
            'CATEGORY = ' || quote_literal(t.typcategory::text),
            CASE WHEN t.typispreferred THEN 'PREFERRED = true' END,
            'DELIMITER = ' || quote_literal(t.typdelim::text),
            'DEFAULT = ' || quote_literal(t.typdefault),
            CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END))
        WHERE t.typtype = 'b' AND t.typelem = 0
    UNION ALL SELECT 'object', '', 'SHELL' WHERE t.typtype = 'p'
) AS p (kind, name, definition) WHERE {own('pg_type', 't')}"""

FUNCTION = """format('%s %s', CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
    ELSE 'function' END, f.oid::regprocedure)"""
CAST = """format('cast (%s AS %s)', format_type(k.castsource, NULL),
    format_type(k.casttarget, NULL))"""
#: Whether a final function may change the state.
MODIFIES = "CASE {} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END"
FUNCTIONS = f"""
SELECT {FUNCTION},
    'object', '', CASE f.prokind WHEN 'a' THEN (
        SELECT format('(%s) (%s)',
            CASE WHEN f.pronargs = 0 THEN '*' ELSE pg_get_function_arguments(f.oid) END,
            concat_ws(', ', format('SFUNC = %s', g.aggtransfn),
            format('STYPE = %s', format_type(g.aggtranstype, NULL)),
            CASE WHEN g.aggtransspace <> 0 THEN format('SSPACE = %s', g.aggtransspace) END,
            CASE WHEN g.aggfinalfn <> 0 THEN format('FINALFUNC = %s', g.aggfinalfn) END,
            CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
            CASE WHEN g.aggfinalfn <> 0 AND g.aggfinalmodify <> 'r'
                THEN 'FINALFUNC_MODIFY = ' || {MODIFIES.format('g.aggfinalmodify')} END,
            CASE WHEN g.aggcombinefn <> 0 THEN format('COMBINEFUNC = %s', g.aggcombinefn) END,
            CASE WHEN g.aggserialfn <> 0 THEN format('SERIALFUNC = %s', g.aggserialfn) END,
            CASE WHEN g.aggdeserialfn <> 0 THEN format('DESERIALFUNC = %s', g.aggdeserialfn) END,
            'INITCOND = ' || quote_literal(g.agginitval),
            CASE WHEN g.aggmtransfn <> 0 THEN format('MSFUNC = %s', g.aggmtransfn) END,
            CASE WHEN g.aggminvtransfn <> 0 THEN format('MINVFUNC = %s', g.aggminvtransfn) END,
            CASE WHEN g.aggmtranstype <> 0
                THEN format('MSTYPE = %s', format_type(g.aggmtranstype, NULL)) END,
            CASE WHEN g.aggmtransspace <> 0 THEN format('MSSPACE = %s', g.aggmtransspace) END,
            CASE WHEN g.aggmfinalfn <> 0 THEN format('MFINALFUNC = %s', g.aggmfinalfn) END,
            CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
            CASE WHEN g.aggmfinalfn <> 0 AND g.aggmfinalmodify <> 'r'
                THEN 'MFINALFUNC_MODIFY = ' || {MODIFIES.format('g.aggmfinalmodify')} END,
            'MINITCOND = ' || quote_literal(g.aggminitval),
            CASE WHEN g.aggsortop <> 0 THEN (SELECT format('SORTOP = OPERATOR(%I.%s)', sn.nspname,
                o.oprname) FROM pg_operator o JOIN pg_namespace sn ON sn.oid = o.oprnamespace
                WHERE o.oid = g.aggsortop) END,
            CASE f.proparallel WHEN 's' THEN 'PARALLEL = SAFE'
                WHEN 'r' THEN 'PARALLEL = RESTRICTED' END,
            CASE WHEN g.aggkind = 'h' THEN 'HYPOTHETICAL' END))
        FROM pg_aggregate g WHERE g.aggfnoid = f.oid) ELSE pg_get_functiondef(f.oid) END
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
WHERE {own('pg_proc', 'f', WITH_PARTS)}"""

#: When a trigger or a rule fires, where that is not the default.
STATES = "CASE {} WHEN 'D' THEN '(DISABLED)' WHEN 'R' THEN '(REPLICA)' WHEN 'A' THEN '(ALWAYS)' END"
TRIGGERS = f"""
SELECT {OBJECT}, 'trigger', g.tgname::text, concat_ws(' ', pg_get_triggerdef(g.oid),
    {STATES.format('g.tgenabled')})
FROM {RELATIONS} JOIN pg_trigger g ON g.tgrelid = c.oid
WHERE {OWN_RELATION} AND NOT g.tgisinternal AND g.tgparentid = 0"""

RULES = f"""
SELECT {OBJECT}, 'rule', r.rulename::text, concat_ws(' ', pg_get_ruledef(r.oid),
    {STATES.format('r.ev_enabled')})
FROM {RELATIONS} JOIN pg_rewrite r ON r.ev_class = c.oid
WHERE {OWN_RELATION} AND r.rulename <> '_RETURN'"""

POLICIES = f"""
SELECT {OBJECT}, 'policy', y.polname::text, concat_ws(' ',
    CASE WHEN y.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
    'FOR ' || CASE y.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
        WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    'TO ' || CASE WHEN y.polroles = '{{0}}' THEN 'PUBLIC' ELSE (
        SELECT string_agg(quote_ident(u.rolname), ', ' ORDER BY u.rolname)
        FROM pg_roles u WHERE u.oid = ANY (y.polroles)) END,
    'USING (' || pg_get_expr(y.polqual, y.polrelid) || ')',
    'WITH CHECK (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')')
FROM {RELATIONS} JOIN pg_policy y ON y.polrelid = c.oid WHERE {OWN_RELATION}"""

STATISTICS = f"""
SELECT format('statistics %I.%I', n.nspname, x.stxname), p.kind, '', p.definition
FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace,
LATERAL (
    SELECT 'object', pg_get_statisticsobjdef(x.oid)
    UNION ALL SELECT 'statistics target', x.stxstattarget::text WHERE x.stxstattarget >= 0
) AS p (kind, definition)
WHERE {own('pg_statistic_ext', 'x')}"""

COLLATIONS = f"""
SELECT format('collation %I.%I', n.nspname, l.collname), 'object', '',
    format('(%s)', concat_ws(', ',
    'provider = '
        || CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
    CASE WHEN l.collctype <> l.collcollate
        THEN format('lc_collate = %L, lc_ctype = %L', l.collcollate, l.collctype)
        ELSE format('locale = %L', coalesce(to_jsonb(l) ->> 'colllocale',
            to_jsonb(l) ->> 'colliculocale', l.collcollate)) END,
    'rules = ' || quote_literal(to_jsonb(l) ->> 'collicurules'),
    CASE WHEN NOT l.collisdeterministic THEN 'deterministic = false' END))
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE {own('pg_collation', 'l')}"""

#: Text search configurations, with the dictionaries of each kind of token.
TEXT_SEARCH = f"""
SELECT format('text search configuration %I.%I', n.nspname, f.cfgname), 'object', '',
    (SELECT format('(PARSER = %I.%I)', pn.nspname, p.prsname) FROM pg_ts_parser p
        JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = f.cfgparser)
FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace WHERE {own('pg_ts_config', 'f')}
UNION ALL SELECT format('text search configuration %I.%I', n.nspname, f.cfgname), 'mapping',
    (SELECT k.alias FROM ts_token_type(f.cfgparser) k WHERE k.tokid = m.maptokentype),
    string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)
FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace
JOIN pg_ts_config_map m ON m.mapcfg = f.oid WHERE {own('pg_ts_config', 'f')} GROUP BY f.oid, 1, 3
UNION ALL SELECT format('text search dictionary %I.%I', n.nspname, d.dictname), 'object', '',
    format('(%s)', concat_ws(', ', (SELECT format('TEMPLATE = %I.%I', tn.nspname, t.tmplname)
        FROM pg_ts_template t JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
        WHERE t.oid = d.dicttemplate), d.dictinitoption))
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
WHERE {own('pg_ts_dict', 'd')}"""

PUBLICATIONS = """
SELECT format('publication %I', p.pubname), 'object', '', concat_ws(' ',
    CASE WHEN p.puballtables THEN 'FOR ALL TABLES' END,
    format('WITH (%s)', concat_ws(', ',
        format('publish = %L', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END,
            CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
            CASE WHEN p.pubtruncate THEN 'truncate' END)),
        CASE WHEN p.pubviaroot THEN 'publish_via_partition_root = true' END,
        CASE to_jsonb(p) ->> 'pubgencols' WHEN 's'
            THEN 'publish_generated_columns = stored' END)))
FROM pg_publication p"""

#: PostgreSQL 14 publishes whole tables only.
PUBLISHED_TABLES_OF_14 = """
SELECT format('publication %I', p.pubname), 'published table', r.prrelid::regclass::text, ''
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid"""

PUBLISHED = """
SELECT format('publication %I', p.pubname), 'published table', r.prrelid::regclass::text,
    concat_ws(' ', (SELECT '(' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
        FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)),
    'WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
UNION ALL SELECT format('publication %I', p.pubname), 'published schema', quote_ident(n.nspname), ''
FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid
JOIN pg_namespace n ON n.oid = r.pnnspid"""

EVENT_TRIGGERS = f"""
SELECT format('event trigger %I', e.evtname), 'object', '', concat_ws(' ', 'ON', e.evtevent,
    'WHEN TAG IN (' || (SELECT string_agg(quote_literal(t), ', ') FROM unnest(e.evttags) t) || ')',
    'EXECUTE FUNCTION', e.evtfoid::regprocedure::text,
    {STATES.format('e.evtenabled')})
FROM pg_event_trigger e WHERE NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')"""

#: Operators, and casts between types.
OPERATORS = f"""
SELECT format('operator %s', o.oid::regoperator), 'object', '', format('(%s)', concat_ws(', ',
    'FUNCTION = ' || o.oprcode, 'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL),
    'RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL),
    (SELECT format('COMMUTATOR = OPERATOR(%I.%s)', cn.nspname, k.oprname) FROM pg_operator k
        JOIN pg_namespace cn ON cn.oid = k.oprnamespace WHERE k.oid = o.oprcom),
    (SELECT format('NEGATOR = OPERATOR(%I.%s)', cn.nspname, k.oprname) FROM pg_operator k
        JOIN pg_namespace cn ON cn.oid = k.oprnamespace WHERE k.oid = o.oprnegate),
    CASE WHEN o.oprrest <> 0 THEN 'RESTRICT = ' || o.oprrest END,
    CASE WHEN o.oprjoin <> 0 THEN 'JOIN = ' || o.oprjoin END,
    CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge THEN 'MERGES' END))
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {own('pg_operator', 'o')}
AND o.oprcode <> 0
UNION ALL SELECT {CAST},
    'object', '', concat_ws(' ', CASE k.castmethod
        WHEN 'f' THEN 'WITH FUNCTION ' || k.castfunc::regprocedure
        WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
        CASE k.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END)
FROM pg_cast k WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_cast'::regclass AND d.objid = k.oid AND d.deptype IN ({WITH_PARTS}))"""

#: Objects whose names have types, which pg_identify_object() qualifies by pg_catalog.
SIGNED = f"""
    SELECT {FUNCTION} FROM pg_proc f
        WHERE d.classoid = 'pg_proc'::regclass AND f.oid = d.objoid
    UNION ALL SELECT format('operator %s', d.objoid::regoperator)
        WHERE d.classoid = 'pg_operator'::regclass
    UNION ALL SELECT {CAST} FROM pg_cast k
        WHERE d.classoid = 'pg_cast'::regclass AND k.oid = d.objoid
    UNION ALL SELECT {TRANSFORM} FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang
        WHERE d.classoid = 'pg_transform'::regclass AND t.oid = d.objoid"""
#: Objects within a table, whose comments are facts of the table.
WITHIN = "'table constraint', 'trigger', 'policy', 'rule'"
COMMENTS = f"""
SELECT CASE WHEN i.type = 'domain constraint' THEN (
            SELECT 'domain ' || o.contypid::regtype FROM pg_constraint o WHERE o.oid = d.objoid)
        WHEN coalesce(ro.object, so.object) IS NOT NULL THEN coalesce(ro.object, so.object)
        ELSE concat_ws(' ', CASE WHEN t.typtype = 'd' THEN 'domain'
            WHEN i.type = 'statistics object' THEN 'statistics' ELSE i.type END, i.identity) END,
    'comment', CASE WHEN d.objsubid > 0 THEN 'column ' || a.attname
        WHEN r.relkind IN ('i', 'I') THEN 'index ' || r.relname
        WHEN i.type = 'domain constraint' THEN 'constraint ' || (
            SELECT o.conname FROM pg_constraint o WHERE o.oid = d.objoid)
        WHEN i.type IN ({WITHIN}) THEN concat_ws(' ', replace(i.type, 'table ', ''), w.name)
        ELSE '' END,
    d.description
FROM pg_description d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, 0) i
LEFT JOIN pg_class r ON d.classoid = 'pg_class'::regclass AND r.oid = d.objoid
LEFT JOIN pg_type t ON d.classoid = 'pg_type'::regclass AND t.oid = d.objoid
LEFT JOIN pg_attribute a ON d.objsubid > 0 AND a.attrelid = d.objoid AND a.attnum = d.objsubid
LEFT JOIN LATERAL (
    SELECT o.conrelid, o.conname FROM pg_constraint o
        WHERE d.classoid = 'pg_constraint'::regclass AND o.oid = d.objoid
    UNION ALL SELECT g.tgrelid, g.tgname FROM pg_trigger g
        WHERE d.classoid = 'pg_trigger'::regclass AND g.oid = d.objoid
    UNION ALL SELECT y.polrelid, y.polname FROM pg_policy y
        WHERE d.classoid = 'pg_policy'::regclass AND y.oid = d.objoid
    UNION ALL SELECT u.ev_class, u.rulename FROM pg_rewrite u
        WHERE d.classoid = 'pg_rewrite'::regclass AND u.oid = d.objoid) w (relid, name) ON true
LEFT JOIN LATERAL (SELECT {OBJECT} AS object FROM {RELATIONS} WHERE c.oid = coalesce(
    (SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = r.oid), r.oid, w.relid)) ro ON true
LEFT JOIN LATERAL ({SIGNED}) so (object) ON true
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass AND i.identity = 'public'
    AND d.description <> 'standard public schema')
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid
    AND e.objid = d.objoid AND e.deptype = 'e')
AND d.classoid <> 'pg_extension'::regclass
AND coalesce(i.schema, '') !~ '^(pg_|information_schema$)'
AND coalesce(i.schema, '') NOT IN (SELECT quote_ident(n.nspname) FROM pg_namespace n
    WHERE n.oid IN ({OF_MIGRATIONS}))"""

#: What is in every version, and what only some versions have. Rights come apart.
DEFINITIONS = (
    SCHEMAS,
    EXTENSIONS,
    EXTENSION_COMMENTS,
    TYPES,
    TABLE_FACTS,
    COLUMN_FACTS,
    CONSTRAINTS,
    INDEXES,
    SEQUENCES,
    VIEWS,
    FUNCTIONS,
    TRIGGERS,
    RULES,
    POLICIES,
    STATISTICS,
    COLLATIONS,
    TEXT_SEARCH,
    PUBLICATIONS,
    EVENT_TRIGGERS,
    OPERATORS,
    *EXTENSIBILITY,
    COMMENTS,
)


def definitions(version: int) -> tuple[str, ...]:
    """Return the queries of everything but rights, for a major version of the server."""
    return (*DEFINITIONS, PUBLISHED_TABLES_OF_14 if version < 15 else PUBLISHED)
