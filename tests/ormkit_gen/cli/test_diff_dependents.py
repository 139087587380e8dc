"""`ormkit diff --sql` changes columns that views, policies, rules and triggers use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

DATABASE = """
CREATE ROLE dependents_reader;
CREATE TABLE t (id int PRIMARY KEY, n int, owner varchar(10), gone int);
CREATE TABLE log (id int PRIMARY KEY, a bigint);
INSERT INTO t VALUES (1, 5, 'ann');
CREATE VIEW v AS SELECT id, n FROM t;
COMMENT ON VIEW v IS 'Numbers.';
GRANT SELECT ON v TO dependents_reader;
CREATE VIEW w AS SELECT sum(n) AS s FROM v;
CREATE MATERIALIZED VIEW m AS SELECT n, count(*) AS k FROM t GROUP BY n;
CREATE INDEX mi ON m (n);
CREATE VIEW theirs AS SELECT n + 1 AS x FROM t;
CREATE RULE r AS ON UPDATE TO t WHERE old.n > 5 DO ALSO INSERT INTO log (a) VALUES (old.n);
CREATE POLICY p ON t USING (owner = current_user);
COMMENT ON POLICY p ON t IS 'Own rows.';
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE UPDATE OF n ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER stray BEFORE UPDATE OF n ON t FOR EACH ROW EXECUTE FUNCTION f();
"""
SETTINGS = """shadow = "{shadow}"

[[targets]]
schemas = ["schemas/*.toml"]
output = "db"
"""
VIEWS = """
SELECT relname::text, obj_description(oid),
    coalesce(relacl::text LIKE '%dependents_reader=r%', false)
FROM pg_class WHERE relname IN ('v', 'w', 'm', 'theirs') ORDER BY 1
"""


DROP_THEIRS = "DROP VIEW theirs"
WITHOUT_ROLE = "\n".join(line for line in DATABASE.splitlines() if "dependents_reader" not in line)


def check_forward(told: str, server: Server, url: str) -> None:
    assert told == "unmanaged: view public.theirs is not in the schema\n"
    assert [tuple(row) for row in server.fetch(url, VIEWS)] == [
        *(("m", None, False), ("theirs", None, False)),
        *(("v", "Numbers.", True), ("w", None, False)),
    ]
    assert [tuple(row) for row in server.fetch(url, "SELECT * FROM m")] == [(5, 1)]


def test_what_is_in_the_way_is_dropped_and_created_again(
    tmp_path: Path, ormkit: Command, server18: Server
) -> None:
    (tmp_path / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    with server18.database() as url:
        server18.run_script(url, DATABASE)
        try:
            told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
            assert told.returncode == 0, told.stdout + told.stderr
            schema = tmp_path / "schemas/app.toml"
            text = schema.read_text().replace('n = "integer?"', 'n = "bigint?"')
            text = text.replace("varchar(10)", "text").replace('gone = "integer?"\n', "")
            start = text.index("[models.Their")
            text = text[:start] + text[text.index("[models.V]") :]
            schema.write_text(text)
            (tmp_path / "sql/view/theirs.sql").unlink()
            (tmp_path / "sql/trigger/stray_t.sql").unlink()

            told = ormkit("diff", "--database", url, "--sql")
            assert told.returncode == 1
            assert told.stdout.startswith("BEGIN;\n")
            assert told.stdout.endswith("COMMIT;\n")
            server18.run_script(url, told.stdout)
            check_forward(ormkit("check", "--database", url).stdout, server18, url)
            server18.run_script(url, DROP_THEIRS)
            undo = ormkit("diff", "--database", url, "--sql", "--reverse").stdout
            assert undo == ""
            with server18.database() as other:
                server18.run_script(other, WITHOUT_ROLE)
                told = ormkit("diff", "--database", other, "--sql", "--reverse").stdout
                assert told.startswith("BEGIN;\n")
                server18.run_script(url, told)
                assert (
                    ormkit("diff", "--database", url).stdout
                    == ormkit("diff", "--database", other).stdout
                )
        finally:
            server18.run_script(url, "DROP OWNED BY dependents_reader; DROP ROLE dependents_reader")


COMMENTED = """
CREATE TABLE t (id int PRIMARY KEY, n int, CONSTRAINT c CHECK (n > {0}));
CREATE POLICY p ON t USING (n > {0});
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (new.n > {0}) EXECUTE FUNCTION f();
CREATE RULE r AS ON DELETE TO t WHERE old.n > {0} DO INSTEAD NOTHING;
CREATE VIEW v WITH (security_barrier = true) AS SELECT id, n + {0} AS m FROM t;
COMMENT ON CONSTRAINT c ON t IS 'one';
COMMENT ON POLICY p ON t IS 'three';
COMMENT ON TRIGGER g ON t IS 'four'; COMMENT ON RULE r ON t IS 'five'; COMMENT ON VIEW v IS 'six';
"""


def test_what_is_replaced_keeps_its_comment_and_its_options(
    tmp_path: Path, ormkit: Command, server18: Server
) -> None:
    (tmp_path / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    with server18.database() as url, server18.database() as other:
        server18.run_script(url, COMMENTED.format(1))
        server18.run_script(other, COMMENTED.format(2))
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        assert told.returncode == 0, told.stdout + told.stderr
        script = ormkit("diff", "--database", other, "--sql").stdout
        server18.run_script(other, script)
        told = ormkit("check", "--database", other)
        assert told.returncode == 0, told.stdout + script


BOUND = """
CREATE TYPE mood AS ENUM ('sad'{4});
CREATE FUNCTION f({0} int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE TABLE a (id int PRIMARY KEY, code {1} NOT NULL, CONSTRAINT code UNIQUE (code) {2});
CREATE TABLE t (
    id int PRIMARY KEY DEFAULT f(1), n int CONSTRAINT c CHECK (f(n) > 0), code varchar(9),
    mood mood DEFAULT {5},
    g bigint GENERATED ALWAYS AS (f(id)) STORED, CONSTRAINT k FOREIGN KEY (code) REFERENCES a (code)
);
CREATE INDEX i ON t (f(n));
CREATE VIEW v AS SELECT id, {3}, f(n) AS f FROM t;
CREATE VIEW w AS SELECT id, f FROM v;
COMMENT ON CONSTRAINT k ON t IS 'kept'; COMMENT ON COLUMN w.f IS 'kept, too';
"""


def test_what_uses_functions_keys_and_views_goes_and_comes_back(
    tmp_path: Path, ormkit: Command, server18: Server
) -> None:
    (tmp_path / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    with server18.database() as url, server18.database() as other, server18.database() as third:
        first = BOUND.format("n", "varchar(9)", "", "n, code", ", 'new'", "'new'")
        server18.run_script(url, first)
        server18.run_script(third, first)
        second = BOUND.format("m", "text", "INCLUDE (id)", "code, n", "", "'sad'")
        server18.run_script(other, second)
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        assert told.returncode == 0, told.stdout + told.stderr
        backward = ormkit("diff", "--database", other, "--sql", "--reverse").stdout
        forward = ormkit("diff", "--database", other, "--sql").stdout
        before = ormkit("diff", "--database", other).stdout
        assert "no single statement" not in forward
        # A label cannot be removed.
        assert backward.count("no single statement") == 1
        labels, block, rest = forward.partition("BEGIN;\n")
        assert "ADD VALUE" in labels
        server18.run_script(other, labels)
        server18.run_script(other, block + rest)
        told = ormkit("check", "--database", other)
        assert told.returncode == 0, told.stdout + forward
        server18.run_script(third, backward)
        kept = {line for line in before.splitlines() if "type public.mood" in line}
        told = set(ormkit("diff", "--database", third).stdout.splitlines())
        assert kept.isdisjoint(told)
        assert {line for line in before.splitlines() if "ENUM" not in line} - kept == told
