"""How each kind of fact comes, changes and goes by hand, in the database of `changes.py`."""

from __future__ import annotations

from tests.ormkit.catalog.changes import CHILD, PARENT

Key = tuple[str, str, str]
#: The statements with which a fact comes, changes and goes; empty where none changes it.
Life = tuple[str, str, str]

_LONE, _DISTANT = "table app.lone", "foreign table app.distant"
_ALTER, _FOREIGN = "ALTER TABLE app.lone", "ALTER FOREIGN TABLE app.distant"
_KEPT = "ALTER MATERIALIZED VIEW app.kept"
_CODE = "ALTER TABLE app.parent ALTER code"
_MEMBER = "FUNCTION 1 (app.pair, app.pair)"

#: What every life of PARTS needs before.
GIVEN = """
CREATE TABLE app.root (a integer); CREATE INDEX root_a ON app.root (a);
CREATE OPERATOR FAMILY app.trees USING btree;
CREATE TABLE app.mark (a integer, n bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY RANGE (a);
CREATE TABLE app.mark_1 (a integer, n bigint NOT NULL);
CREATE FUNCTION app.order(app.pair, app.pair) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION app.order2(app.pair, app.pair) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE FUNCTION app.other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
CREATE SCHEMA other;
CREATE ACCESS METHOD heap_one TYPE TABLE HANDLER heap_tableam_handler;
CREATE ACCESS METHOD heap_two TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.unset (a integer, b integer, c integer NOT NULL, d integer, e integer);
CREATE MATERIALIZED VIEW app.moved AS SELECT 'x'::text AS a;
CREATE UNIQUE INDEX kept_one ON app.kept (n);
CREATE TEXT SEARCH CONFIGURATION app.bare (PARSER = default);
CREATE DOMAIN app.bare_domain AS integer;
ALTER FOREIGN TABLE app.distant ADD c integer;
"""
#: Parts of objects, and properties.
PARTS: dict[Key, Life] = {
    (PARENT, "column storage", "code"): (
        f"{_CODE} SET STORAGE EXTERNAL",
        f"{_CODE} SET STORAGE MAIN",
        f"{_CODE} SET STORAGE DEFAULT",
    ),
    (PARENT, "compression", "code"): (
        f"{_CODE} SET COMPRESSION pglz",
        "",
        f"{_CODE} SET COMPRESSION DEFAULT",
    ),
    (PARENT, "statistics target", "code"): (
        f"{_CODE} SET STATISTICS 50",
        f"{_CODE} SET STATISTICS 60",
        f"{_CODE} SET STATISTICS -1",
    ),
    (PARENT, "column options", "code"): (
        f"{_CODE} SET (n_distinct = 5)",
        f"{_CODE} SET (n_distinct = 6)",
        f"{_CODE} RESET (n_distinct)",
    ),
    (PARENT, "storage", "fillfactor"): (
        "ALTER TABLE app.parent SET (fillfactor = 50)",
        "ALTER TABLE app.parent SET (fillfactor = 60)",
        "ALTER TABLE app.parent RESET (fillfactor)",
    ),
    (PARENT, "replica identity", ""): (
        "ALTER TABLE app.parent REPLICA IDENTITY FULL",
        "ALTER TABLE app.parent REPLICA IDENTITY USING INDEX code_key",
        "ALTER TABLE app.parent REPLICA IDENTITY DEFAULT",
    ),
    (PARENT, "tablespace", ""): (
        "ALTER TABLE app.parent SET TABLESPACE catalog_one",
        "ALTER TABLE app.parent SET TABLESPACE catalog_two",
        "ALTER TABLE app.parent SET TABLESPACE pg_default",
    ),
    (PARENT, "index tablespace", "code_key"): (
        "ALTER INDEX app.code_key SET TABLESPACE catalog_one",
        "ALTER INDEX app.code_key SET TABLESPACE catalog_two",
        "ALTER INDEX app.code_key SET TABLESPACE pg_default",
    ),
    (CHILD, "index statistics", "child_lower"): (
        "ALTER INDEX app.child_lower ALTER COLUMN 1 SET STATISTICS 50",
        "ALTER INDEX app.child_lower ALTER COLUMN 1 SET STATISTICS 60",
        "ALTER INDEX app.child_lower ALTER COLUMN 1 SET STATISTICS -1",
    ),
    ("table app.root", "unfinished", "root_a"): (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.root_a'::regclass",
        "",
        "REINDEX INDEX app.root_a",
    ),
    (CHILD, "security label", "guard"): (
        "INSERT INTO pg_seclabel VALUES ('app.child'::regclass, 'pg_class'::regclass, 0, 'guard', "
        "'a')",
        "UPDATE pg_seclabel SET label = 'b'",
        "DELETE FROM pg_seclabel",
    ),
    (CHILD, "unfinished", "odd"): (
        "ALTER TABLE app.child ADD CONSTRAINT odd CHECK (place > 1) NOT VALID",
        "",
        "ALTER TABLE app.child DROP CONSTRAINT odd",
    ),
    (CHILD, "access method", ""): (
        "ALTER TABLE app.child SET ACCESS METHOD heap_one",
        "ALTER TABLE app.child SET ACCESS METHOD heap_two",
        "ALTER TABLE app.child SET ACCESS METHOD heap",
    ),
    (CHILD, "clustered", "child_lower"): (
        "ALTER TABLE app.child CLUSTER ON child_lower",
        "",
        "ALTER TABLE app.child SET WITHOUT CLUSTER",
    ),
    ("statistics app.together", "statistics target", ""): (
        "ALTER STATISTICS app.together SET STATISTICS 50",
        "ALTER STATISTICS app.together SET STATISTICS 60",
        "ALTER STATISTICS app.together SET STATISTICS -1",
    ),
    ("view app.seen", "storage", "check_option"): (
        "ALTER VIEW app.seen SET (check_option = local)",
        "ALTER VIEW app.seen SET (check_option = cascaded)",
        "ALTER VIEW app.seen RESET (check_option)",
    ),
    ("view app.plain", "default", "a"): (
        "ALTER VIEW app.plain ALTER a SET DEFAULT 1",
        "ALTER VIEW app.plain ALTER a SET DEFAULT 2",
        "ALTER VIEW app.plain ALTER a DROP DEFAULT",
    ),
    ("view app.seen", "trigger", "instead"): (
        "CREATE TRIGGER instead INSTEAD OF INSERT ON app.seen FOR EACH ROW "
        "EXECUTE FUNCTION app.touch()",
        "CREATE OR REPLACE TRIGGER instead INSTEAD OF INSERT ON app.seen FOR EACH ROW "
        "EXECUTE FUNCTION app.other()",
        "DROP TRIGGER instead ON app.seen",
    ),
    ("view app.plain", "rule", "never"): (
        "CREATE RULE never AS ON INSERT TO app.plain DO INSTEAD NOTHING",
        "CREATE OR REPLACE RULE never AS ON UPDATE TO app.plain DO INSTEAD NOTHING",
        "DROP RULE never ON app.plain",
    ),
    ("materialized view app.kept", "storage", "fillfactor"): (
        f"{_KEPT} SET (fillfactor = 50)",
        f"{_KEPT} SET (fillfactor = 60)",
        f"{_KEPT} RESET (fillfactor)",
    ),
    ("materialized view app.kept", "statistics target", "n"): (
        f"{_KEPT} ALTER n SET STATISTICS 50",
        f"{_KEPT} ALTER n SET STATISTICS 60",
        f"{_KEPT} ALTER n SET STATISTICS -1",
    ),
    ("materialized view app.kept", "column options", "n"): (
        f"{_KEPT} ALTER n SET (n_distinct = 5)",
        f"{_KEPT} ALTER n SET (n_distinct = 6)",
        f"{_KEPT} ALTER n RESET (n_distinct)",
    ),
    ("materialized view app.kept", "clustered", "kept_one"): (
        f"{_KEPT} CLUSTER ON kept_one",
        "",
        f"{_KEPT} SET WITHOUT CLUSTER",
    ),
    ("materialized view app.moved", "column storage", "a"): (
        "ALTER MATERIALIZED VIEW app.moved ALTER a SET STORAGE EXTERNAL",
        "ALTER MATERIALIZED VIEW app.moved ALTER a SET STORAGE MAIN",
        "ALTER MATERIALIZED VIEW app.moved ALTER a SET STORAGE DEFAULT",
    ),
    ("materialized view app.kept", "index", "kept_index"): (
        "CREATE INDEX kept_index ON app.kept (n)",
        "DROP INDEX app.kept_index; CREATE INDEX kept_index ON app.kept (n DESC)",
        "DROP INDEX app.kept_index",
    ),
    (_LONE, "column", "b"): (
        f"{_ALTER} ADD b integer",
        f"{_ALTER} ALTER b TYPE bigint",
        f"{_ALTER} DROP b",
    ),
    ("table app.unset", "not null", "a"): (
        "ALTER TABLE app.unset ALTER a SET NOT NULL",
        "",
        "ALTER TABLE app.unset ALTER a DROP NOT NULL",
    ),
    ("table app.unset", "default", "b"): (
        "ALTER TABLE app.unset ALTER b SET DEFAULT 1",
        "ALTER TABLE app.unset ALTER b SET DEFAULT 2",
        "ALTER TABLE app.unset ALTER b DROP DEFAULT",
    ),
    (_LONE, "constraint", "lone_check"): (
        f"{_ALTER} ADD CONSTRAINT lone_check CHECK (a > 1)",
        f"{_ALTER} DROP CONSTRAINT lone_check, ADD CONSTRAINT lone_check CHECK (a > 2)",
        f"{_ALTER} DROP CONSTRAINT lone_check",
    ),
    (_LONE, "index", "lone_index"): (
        "CREATE INDEX lone_index ON app.lone (a)",
        "DROP INDEX app.lone_index; CREATE UNIQUE INDEX lone_index ON app.lone (a)",
        "DROP INDEX app.lone_index",
    ),
    (_LONE, "row security", ""): (
        f"{_ALTER} ENABLE ROW LEVEL SECURITY",
        f"{_ALTER} FORCE ROW LEVEL SECURITY",
        f"{_ALTER} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
    ),
    (_LONE, "policy", "every"): (
        "CREATE POLICY every ON app.lone USING (a > 1)",
        "ALTER POLICY every ON app.lone USING (a > 2)",
        "DROP POLICY every ON app.lone",
    ),
    (_LONE, "trigger", "early"): (
        "CREATE TRIGGER early BEFORE INSERT ON app.lone FOR EACH ROW EXECUTE FUNCTION app.touch()",
        f"{_ALTER} ENABLE ALWAYS TRIGGER early",
        "DROP TRIGGER early ON app.lone",
    ),
    (_LONE, "rule", "never"): (
        "CREATE RULE never AS ON DELETE TO app.lone DO INSTEAD NOTHING",
        f"{_ALTER} ENABLE REPLICA RULE never",
        "DROP RULE never ON app.lone",
    ),
    (_LONE, "inherits", "app.root"): (
        f"{_ALTER} INHERIT app.root",
        "",
        f"{_ALTER} NO INHERIT app.root",
    ),
    ("table app.mark_1", "partition", "app.mark"): (
        "ALTER TABLE app.mark ATTACH PARTITION app.mark_1 FOR VALUES FROM (1) TO (2)",
        "ALTER TABLE app.mark DETACH PARTITION app.mark_1; "
        "ALTER TABLE app.mark ATTACH PARTITION app.mark_1 FOR VALUES FROM (1) TO (3)",
        "ALTER TABLE app.mark DETACH PARTITION app.mark_1",
    ),
    ("domain app.positive", "constraint", "below"): (
        "ALTER DOMAIN app.positive ADD CONSTRAINT below CHECK (value < 9)",
        "ALTER DOMAIN app.positive DROP CONSTRAINT below; "
        "ALTER DOMAIN app.positive ADD CONSTRAINT below CHECK (value < 8)",
        "ALTER DOMAIN app.positive DROP CONSTRAINT below",
    ),
    ("domain app.positive", "not null", ""): (
        "ALTER DOMAIN app.positive SET NOT NULL",
        "",
        "ALTER DOMAIN app.positive DROP NOT NULL",
    ),
    ("type app.pair", "column", "c"): (
        "ALTER TYPE app.pair ADD ATTRIBUTE c integer",
        "ALTER TYPE app.pair ALTER ATTRIBUTE c TYPE bigint",
        "ALTER TYPE app.pair DROP ATTRIBUTE c",
    ),
    ("operator family app.trees USING btree", "member", _MEMBER): (
        f"ALTER OPERATOR FAMILY app.trees USING btree ADD {_MEMBER} app.order(app.pair, app.pair)",
        f"ALTER OPERATOR FAMILY app.trees USING btree DROP {_MEMBER}; "
        f"ALTER OPERATOR FAMILY app.trees USING btree ADD {_MEMBER} app.order2(app.pair, app.pair)",
        f"ALTER OPERATOR FAMILY app.trees USING btree DROP {_MEMBER}",
    ),
    ("publication changes", "published table", "app.lone"): (
        "ALTER PUBLICATION changes ADD TABLE ONLY app.lone",
        "ALTER PUBLICATION changes DROP TABLE ONLY app.lone; "
        "ALTER PUBLICATION changes ADD TABLE ONLY app.lone WHERE (a > 1)",
        "ALTER PUBLICATION changes DROP TABLE ONLY app.lone",
    ),
    ("publication changes", "published schema", "other"): (
        "ALTER PUBLICATION changes ADD TABLES IN SCHEMA other",
        "",
        "ALTER PUBLICATION changes DROP TABLES IN SCHEMA other",
    ),
    ("server far", "option", "port"): (
        "ALTER SERVER far OPTIONS (ADD port '1')",
        "ALTER SERVER far OPTIONS (SET port '2')",
        "ALTER SERVER far OPTIONS (DROP port)",
    ),
    ("foreign-data wrapper outside", "option", "b"): (
        "ALTER FOREIGN DATA WRAPPER outside OPTIONS (ADD b '1')",
        "ALTER FOREIGN DATA WRAPPER outside OPTIONS (SET b '2')",
        "ALTER FOREIGN DATA WRAPPER outside OPTIONS (DROP b)",
    ),
    (_DISTANT, "column", "b"): (
        f"{_FOREIGN} ADD b integer",
        f"{_FOREIGN} ALTER b TYPE bigint",
        f"{_FOREIGN} DROP b",
    ),
    (_DISTANT, "default", "a"): (
        f"{_FOREIGN} ALTER a SET DEFAULT 1",
        f"{_FOREIGN} ALTER a SET DEFAULT 2",
        f"{_FOREIGN} ALTER a DROP DEFAULT",
    ),
    (_DISTANT, "not null", "a"): (
        f"{_FOREIGN} ALTER a SET NOT NULL",
        "",
        f"{_FOREIGN} ALTER a DROP NOT NULL",
    ),
    (_DISTANT, "constraint", "far_check"): (
        f"{_FOREIGN} ADD CONSTRAINT far_check CHECK (a > 1)",
        f"{_FOREIGN} DROP CONSTRAINT far_check, ADD CONSTRAINT far_check CHECK (a > 2)",
        f"{_FOREIGN} DROP CONSTRAINT far_check",
    ),
    (_DISTANT, "foreign table option", "more"): (
        f"{_FOREIGN} OPTIONS (ADD more '1')",
        f"{_FOREIGN} OPTIONS (SET more '2')",
        f"{_FOREIGN} OPTIONS (DROP more)",
    ),
    (_DISTANT, "column options", "a"): (
        f"{_FOREIGN} ALTER a SET (n_distinct = 5)",
        f"{_FOREIGN} ALTER a SET (n_distinct = 6)",
        f"{_FOREIGN} ALTER a RESET (n_distinct)",
    ),
    (_DISTANT, "statistics target", "a"): (
        f"{_FOREIGN} ALTER a SET STATISTICS 50",
        f"{_FOREIGN} ALTER a SET STATISTICS 60",
        f"{_FOREIGN} ALTER a SET STATISTICS -1",
    ),
    (_DISTANT, "trigger", "early"): (
        "CREATE TRIGGER early BEFORE INSERT ON app.distant FOR EACH ROW "
        "EXECUTE FUNCTION app.touch()",
        "CREATE OR REPLACE TRIGGER early BEFORE UPDATE ON app.distant FOR EACH ROW "
        "EXECUTE FUNCTION app.touch()",
        "DROP TRIGGER early ON app.distant",
    ),
    ("text search configuration app.bare", "mapping", "word"): (
        "ALTER TEXT SEARCH CONFIGURATION app.bare ADD MAPPING FOR word WITH simple",
        "ALTER TEXT SEARCH CONFIGURATION app.bare ALTER MAPPING FOR word WITH english_stem",
        "ALTER TEXT SEARCH CONFIGURATION app.bare DROP MAPPING FOR word",
    ),
    ("domain app.bare_domain", "default", ""): (
        "ALTER DOMAIN app.bare_domain SET DEFAULT 1",
        "ALTER DOMAIN app.bare_domain SET DEFAULT 2",
        "ALTER DOMAIN app.bare_domain DROP DEFAULT",
    ),
    ("table app.unset", "identity", "c"): (
        "ALTER TABLE app.unset ALTER c ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE app.unset ALTER c SET GENERATED BY DEFAULT SET INCREMENT 2",
        "ALTER TABLE app.unset ALTER c DROP IDENTITY",
    ),
    ("table app.unset", "generated", "d"): (
        "ALTER TABLE app.unset DROP d; "
        "ALTER TABLE app.unset ADD d integer GENERATED ALWAYS AS (1) STORED",
        "ALTER TABLE app.unset ALTER d SET EXPRESSION AS (2)",
        "ALTER TABLE app.unset ALTER d DROP EXPRESSION",
    ),
    ("table app.unset", "virtual", "e"): (
        "ALTER TABLE app.unset DROP e; "
        "ALTER TABLE app.unset ADD e integer GENERATED ALWAYS AS (1) VIRTUAL",
        "ALTER TABLE app.unset ALTER e SET EXPRESSION AS (2)",
        "ALTER TABLE app.unset DROP e; ALTER TABLE app.unset ADD e integer",
    ),
    (_DISTANT, "foreign options", "c"): (
        f"{_FOREIGN} ALTER c OPTIONS (ADD n '1')",
        f"{_FOREIGN} ALTER c OPTIONS (SET n '2')",
        f"{_FOREIGN} ALTER c OPTIONS (DROP n)",
    ),
}

_SUPPORT = "FROM SQL WITH FUNCTION {}(internal)"
_PARSER = "START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype"
_ESTIMATE = "ALTER OPERATOR life.=== (life.pair, life.pair) SET (RESTRICT = eqsel)"
#: What the life of a configuration needs before.
PARSER = f"CREATE TEXT SEARCH PARSER app.parser ({_PARSER})"
#: Whole objects, in an order in which they can be created.
OBJECTS: dict[str, Life] = {
    "schema life": ("CREATE SCHEMA life", "", "DROP SCHEMA life CASCADE"),
    "extension citext": (
        "CREATE EXTENSION citext SCHEMA life",
        "ALTER EXTENSION citext SET SCHEMA app",
        "DROP EXTENSION citext",
    ),
    "access method life_index": (
        "CREATE ACCESS METHOD life_index TYPE INDEX HANDLER bthandler",
        "DROP ACCESS METHOD life_index; "
        "CREATE ACCESS METHOD life_index TYPE INDEX HANDLER hashhandler",
        "DROP ACCESS METHOD life_index",
    ),
    "language life_sql": (
        "CREATE TRUSTED LANGUAGE life_sql HANDLER plpgsql_call_handler "
        "INLINE plpgsql_inline_handler",
        "CREATE OR REPLACE TRUSTED LANGUAGE life_sql HANDLER plpgsql_call_handler",
        "DROP LANGUAGE life_sql",
    ),
    "type life.pair": ("CREATE TYPE life.pair AS (a integer)", "", "DROP TYPE life.pair CASCADE"),
    "type life.span": (
        "CREATE TYPE life.span AS RANGE (subtype = float8)",
        "DROP TYPE life.span; CREATE TYPE life.span AS RANGE (subtype = float8, "
        "subtype_diff = float8mi)",
        "DROP TYPE life.span",
    ),
    "type life.mood": (
        "CREATE TYPE life.mood AS ENUM ('sad')",
        "ALTER TYPE life.mood ADD VALUE 'glad'",
        "DROP TYPE life.mood",
    ),
    "domain life.name": (
        "CREATE DOMAIN life.name AS text",
        "DROP DOMAIN life.name; CREATE DOMAIN life.name AS varchar(5)",
        "DROP DOMAIN life.name",
    ),
    "collation life.german": (
        "CREATE COLLATION life.german (provider = libc, locale = 'C')",
        "DROP COLLATION life.german; "
        "CREATE COLLATION life.german (provider = libc, locale = 'POSIX')",
        "DROP COLLATION life.german",
    ),
    "sequence life.numbers": (
        "CREATE SEQUENCE life.numbers",
        "ALTER SEQUENCE life.numbers CYCLE INCREMENT 5",
        "DROP SEQUENCE life.numbers",
    ),
    "table life.t": (
        "CREATE TABLE life.t (id integer PRIMARY KEY, word text)",
        "ALTER TABLE life.t SET UNLOGGED",
        "DROP TABLE life.t CASCADE",
    ),
    "foreign-data wrapper life_wrapper": (
        "CREATE FOREIGN DATA WRAPPER life_wrapper",
        "ALTER FOREIGN DATA WRAPPER life_wrapper VALIDATOR postgresql_fdw_validator",
        "DROP FOREIGN DATA WRAPPER life_wrapper CASCADE",
    ),
    "server life_server": (
        "CREATE SERVER life_server VERSION '1' FOREIGN DATA WRAPPER life_wrapper",
        "ALTER SERVER life_server VERSION '2'",
        "",
    ),
    "foreign table life.far": (
        "CREATE FOREIGN TABLE life.far (a integer) SERVER life_server",
        "",
        "",
    ),
    "view life.v": (
        "CREATE VIEW life.v AS SELECT word FROM life.t",
        "CREATE OR REPLACE VIEW life.v AS SELECT word FROM life.t WHERE id > 1",
        "",
    ),
    "materialized view life.m": (
        "CREATE MATERIALIZED VIEW life.m AS SELECT word FROM life.t",
        "DROP MATERIALIZED VIEW life.m; "
        "CREATE MATERIALIZED VIEW life.m AS SELECT word FROM life.t WHERE id > 1",
        "",
    ),
    "statistics life.together": (
        "CREATE STATISTICS life.together ON id, word FROM life.t",
        "DROP STATISTICS life.together; "
        "CREATE STATISTICS life.together (ndistinct) ON id, word FROM life.t",
        "",
    ),
    "function life.alike(life.pair,life.pair)": (
        "CREATE FUNCTION life.alike(life.pair, life.pair) RETURNS boolean LANGUAGE sql IMMUTABLE "
        "AS 'SELECT true'",
        "CREATE OR REPLACE FUNCTION life.alike(life.pair, life.pair) RETURNS boolean LANGUAGE sql "
        "AS 'SELECT false'",
        "DROP FUNCTION life.alike CASCADE",
    ),
    "function life.watch()": (
        "CREATE FUNCTION life.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE OR REPLACE FUNCTION life.watch() RETURNS event_trigger LANGUAGE plpgsql "
        "AS 'BEGIN  END'",
        "DROP FUNCTION life.watch CASCADE",
    ),
    "procedure life.work()": (
        "CREATE PROCEDURE life.work() LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE PROCEDURE life.work() LANGUAGE sql AS 'SELECT 2'",
        "DROP PROCEDURE life.work",
    ),
    "aggregate life.total(integer)": (
        "CREATE AGGREGATE life.total (integer) (SFUNC = int4pl, STYPE = integer)",
        "CREATE OR REPLACE AGGREGATE life.total (integer) (SFUNC = int4mi, STYPE = integer)",
        "DROP AGGREGATE life.total (integer)",
    ),
    "operator life.===(life.pair,life.pair)": (
        "CREATE OPERATOR life.=== (FUNCTION = life.alike, LEFTARG = life.pair, "
        "RIGHTARG = life.pair)",
        _ESTIMATE,
        "",
    ),
    "operator family life.pairs USING hash": (
        "CREATE OPERATOR FAMILY life.pairs USING hash",
        "",
        "DROP OPERATOR FAMILY life.pairs USING hash CASCADE",
    ),
    "operator class life.pair_ops USING hash": (
        "CREATE OPERATOR CLASS life.pair_ops FOR TYPE life.pair USING hash FAMILY life.pairs AS "
        "STORAGE life.pair",
        "DROP OPERATOR CLASS life.pair_ops USING hash; CREATE OPERATOR CLASS life.pair_ops DEFAULT "
        "FOR TYPE life.pair USING hash FAMILY life.pairs AS STORAGE life.pair",
        "",
    ),
    "cast (life.pair AS text)": (
        "CREATE CAST (life.pair AS text) WITH INOUT",
        "DROP CAST (life.pair AS text); CREATE CAST (life.pair AS text) WITH INOUT AS ASSIGNMENT",
        "",
    ),
    "conversion life.same": (
        "CREATE CONVERSION life.same FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "DROP CONVERSION life.same; "
        "CREATE DEFAULT CONVERSION life.same FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "DROP CONVERSION life.same",
    ),
    "transform for life.pair language sql": (
        f"CREATE TRANSFORM FOR life.pair LANGUAGE sql ({_SUPPORT.format('varchar_support')})",
        "CREATE OR REPLACE TRANSFORM FOR life.pair LANGUAGE sql "
        f"({_SUPPORT.format('numeric_support')})",
        "",
    ),
    "text search parser life.parser": (
        f"CREATE TEXT SEARCH PARSER life.parser ({_PARSER})",
        "DROP TEXT SEARCH PARSER life.parser; "
        f"CREATE TEXT SEARCH PARSER life.parser ({_PARSER}, HEADLINE = prsd_headline)",
        "DROP TEXT SEARCH PARSER life.parser",
    ),
    "text search template life.template": (
        "CREATE TEXT SEARCH TEMPLATE life.template (LEXIZE = dsimple_lexize)",
        "DROP TEXT SEARCH TEMPLATE life.template; "
        "CREATE TEXT SEARCH TEMPLATE life.template (INIT = dsimple_init, LEXIZE = dsimple_lexize)",
        "DROP TEXT SEARCH TEMPLATE life.template",
    ),
    "text search dictionary life.plain": (
        "CREATE TEXT SEARCH DICTIONARY life.plain (TEMPLATE = simple)",
        "ALTER TEXT SEARCH DICTIONARY life.plain (accept = false)",
        "DROP TEXT SEARCH DICTIONARY life.plain",
    ),
    "text search configuration life.words": (
        "CREATE TEXT SEARCH CONFIGURATION life.words (PARSER = app.parser)",
        "DROP TEXT SEARCH CONFIGURATION life.words; "
        "CREATE TEXT SEARCH CONFIGURATION life.words (PARSER = default)",
        "DROP TEXT SEARCH CONFIGURATION life.words",
    ),
    "publication life_changes": (
        "CREATE PUBLICATION life_changes",
        "ALTER PUBLICATION life_changes SET (publish = 'insert')",
        "DROP PUBLICATION life_changes",
    ),
    "event trigger life_watched": (
        "CREATE EVENT TRIGGER life_watched ON sql_drop EXECUTE FUNCTION app.watch()",
        "ALTER EVENT TRIGGER life_watched ENABLE REPLICA",
        "DROP EVENT TRIGGER life_watched",
    ),
}

#: What else a life brings and takes.
ALSO: dict[Key, Key] = {
    (CHILD, "unfinished", "odd"): (CHILD, "constraint", "odd"),
    # A partition gets the identity of its table.
    ("table app.mark_1", "partition", "app.mark"): ("table app.mark_1", "identity", "n"),
}
#: What no statement changes, or needs a library that is not there: it is found, and stays.
FIXED: frozenset[Key] = frozenset(
    (
        (CHILD, "security label", "guard"),
        *((whole, "object", "") for whole in ("type life.span", "type life.mood")),
        ("domain life.name", "object", ""),
    )
)
#: No statement makes an index invalid again.
REPAIRED: frozenset[Key] = frozenset((("table app.root", "unfinished", "root_a"),))
#: Parts that have comments, as facts and statements name them.
COMMENTED: dict[Key, str] = {
    (PARENT, "comment", "column price"): "COLUMN app.parent.price",
    (PARENT, "comment", "constraint priced"): "CONSTRAINT priced ON app.parent",
    (PARENT, "comment", "trigger touched"): "TRIGGER touched ON app.parent",
    (PARENT, "comment", "policy mine"): "POLICY mine ON app.parent",
    (CHILD, "comment", "index child_place"): "INDEX app.child_place",
    ("table app.heir", "comment", "rule quiet"): "RULE quiet ON app.heir",
    ("view app.seen", "comment", "column id"): "COLUMN app.seen.id",
    ("materialized view app.kept", "comment", "index kept_one"): "INDEX app.kept_one",
    (_DISTANT, "comment", "column a"): "COLUMN app.distant.a",
    ("type app.pair", "comment", "column a"): "COLUMN app.pair.a",
    ("domain app.positive", "comment", "constraint above"): (
        "CONSTRAINT above ON DOMAIN app.positive"
    ),
}

ROLES = (
    "CREATE ROLE catalog_owner SUPERUSER; CREATE ROLE catalog_reader; CREATE ROLE catalog_writer"
)
#: Objects of all kinds that roles have rights on: how GRANT calls them, and two of the rights.
GRANTED: dict[Key, tuple[str, str, str]] = {
    (_LONE, "grant", "catalog_reader"): ("TABLE app.lone", "SELECT", "UPDATE"),
    (_LONE, "grant", "catalog_writer (a)"): ("app.lone", "SELECT (a)", "UPDATE (a)"),
    (PARENT, "grant", "catalog_reader (sequence parent_id_seq)"): (
        *("SEQUENCE app.parent_id_seq", "USAGE", "SELECT"),
    ),
    (_DISTANT, "grant", "catalog_reader"): ("TABLE app.distant", "SELECT", "UPDATE"),
    ("view app.seen", "grant", "catalog_reader"): ("app.seen", "SELECT", "UPDATE"),
    ("materialized view app.kept", "grant", "catalog_reader"): ("app.kept", "SELECT", "MAINTAIN"),
    ("sequence app.free", "grant", "catalog_reader"): ("SEQUENCE app.free", "USAGE", "SELECT"),
    ("schema app", "grant", "catalog_reader"): ("SCHEMA app", "USAGE", "CREATE"),
    ("type app.mood", "grant", "catalog_reader"): ("TYPE app.mood", "USAGE", ""),
    ("domain app.positive", "grant", "catalog_reader"): ("DOMAIN app.positive", "USAGE", ""),
    ("function app.twice(integer)", "grant", "catalog_reader"): (
        *("FUNCTION app.twice(integer)", "EXECUTE", ""),
    ),
    ("procedure app.work()", "grant", "catalog_reader"): ("PROCEDURE app.work()", "EXECUTE", ""),
    ("aggregate app.total(integer)", "grant", "catalog_reader"): (
        *("FUNCTION app.total(integer)", "EXECUTE", ""),
    ),
    ("server far", "grant", "catalog_reader"): ("FOREIGN SERVER far", "USAGE", ""),
    ("foreign-data wrapper outside", "grant", "catalog_reader"): (
        *("FOREIGN DATA WRAPPER outside", "USAGE", ""),
    ),
    ("language life_sql", "grant", "catalog_reader"): ("LANGUAGE life_sql", "USAGE", ""),
}
_DEFAULTS = "ALTER DEFAULT PRIVILEGES FOR ROLE catalog_owner"
#: Rights that everybody has by default, and rights on objects to come.
OTHER_RIGHTS: dict[Key, Life] = {
    ("function app.touch()", "grant", "PUBLIC"): (
        "REVOKE EXECUTE ON FUNCTION app.touch() FROM PUBLIC",
        "",
        "GRANT EXECUTE ON FUNCTION app.touch() TO PUBLIC",
    ),
    ("type app.span", "grant", "PUBLIC"): (
        "REVOKE ALL ON TYPE app.span FROM PUBLIC",
        "",
        "GRANT USAGE ON TYPE app.span TO PUBLIC",
    ),
    ("schema public", "grant", "PUBLIC"): (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ),
    (CHILD, "grant", "postgres"): (
        "REVOKE DELETE ON app.child FROM postgres",
        "REVOKE UPDATE ON app.child FROM postgres",
        "GRANT ALL ON app.child TO postgres",
    ),
    ("default rights of catalog_owner in app", "grant", "on tables to catalog_reader"): (
        f"{_DEFAULTS} IN SCHEMA app GRANT SELECT ON TABLES TO catalog_reader",
        f"{_DEFAULTS} IN SCHEMA app GRANT UPDATE ON TABLES TO catalog_reader WITH GRANT OPTION",
        f"{_DEFAULTS} IN SCHEMA app REVOKE ALL ON TABLES FROM catalog_reader",
    ),
    ("default rights of catalog_owner", "grant", "on functions to PUBLIC"): (
        f"{_DEFAULTS} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "",
        f"{_DEFAULTS} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
    ),
}


def granted(target: str, first: str, second: str) -> Life:
    """Return the life of a grant to the role that the fact names."""
    added = f"GRANT {first} ON {target} TO {{0}}"
    changed = f"GRANT {second or first} ON {target} TO {{0}} WITH GRANT OPTION"
    kind = "ALL (a)" if "(a)" in first else "ALL"
    return added, changed, f"REVOKE {kind} ON {target} FROM {{0}}"
