"""`ormkit pull` of what few databases have builds the same database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: Objects that other objects bring, or that are needed before those that name them.
RARE = """
CREATE SCHEMA archive;
CREATE EXTENSION citext SCHEMA archive;
COMMENT ON EXTENSION citext IS 'Ours, too.';
CREATE DOMAIN mail AS archive.citext CHECK (VALUE <> '');
CREATE TABLE "Order" (id bigserial PRIMARY KEY, who archive.citext, at mail);
CREATE TABLE archive."Order" (LIKE "Order" INCLUDING ALL);
CREATE TYPE frange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE spans (id int PRIMARY KEY, span frange CHECK (span <> frange(0, 1)), more fmultirange);
CREATE TYPE later;
CREATE TYPE place AS (street text);
CREATE FUNCTION same(place, place) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR === (LEFTARG = place, RIGHTARG = place, FUNCTION = same, NEGATOR = !==);
CREATE TEXT SEARCH CONFIGURATION "Words" (COPY = simple);
CREATE TABLE docs (id int PRIMARY KEY, body text,
    words tsvector GENERATED ALWAYS AS (to_tsvector('public."Words"', body)) STORED);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE remote (id int NOT NULL, t text, CONSTRAINT few CHECK (id < 9),
    CHECK (t <> '')) SERVER far;
CREATE EXTENSION btree_gist;
CREATE TABLE bookings (room int, valid daterange, PRIMARY KEY (room, valid WITHOUT OVERLAPS));
CREATE TABLE stays (id int PRIMARY KEY, room int, valid daterange,
    FOREIGN KEY (room, PERIOD valid) REFERENCES bookings (room, PERIOD valid));
CREATE SCHEMA "My.App";
CREATE EXTENSION hstore SCHEMA "My.App";
CREATE TABLE pairs (id int PRIMARY KEY, h "My.App".hstore);
CREATE INDEX pairs_h ON pairs USING gist (h "My.App".gist_hstore_ops (siglen = 32));
CREATE AGGREGATE rows_of(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
COMMENT ON AGGREGATE rows_of(*) IS 'Counts.';
CREATE FUNCTION twofold(INOUT a int, OUT b text) LANGUAGE sql BEGIN ATOMIC SELECT a, 'x'; END;
CREATE FUNCTION before(place, place) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE FUNCTION compared(place, place) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE OPERATOR << (LEFTARG = place, RIGHTARG = place, FUNCTION = before);
CREATE OPERATOR CLASS place_ops FOR TYPE place USING btree AS OPERATOR 1 <<,
    FUNCTION 1 compared(place, place);
CREATE EXTENSION cube; CREATE EXTENSION earthdistance; CREATE EXTENSION tablefunc;
CREATE EXTENSION pg_stat_statements; CREATE EXTENSION ltree SCHEMA pg_catalog;
CREATE FUNCTION here() RETURNS earth LANGUAGE sql AS 'SELECT ll_to_earth(1, 2)';
CREATE FUNCTION crossed() RETURNS SETOF tablefunc_crosstab_2 LANGUAGE sql
    AS 'SELECT NULL::text, NULL::text, NULL::text';
CREATE VIEW slow AS SELECT query FROM pg_stat_statements;
COMMENT ON SERVER far IS 'Away.'; COMMENT ON FOREIGN DATA WRAPPER nowhere IS 'None.';
"""


#: Texts that programs of Windows wrote, and comments on what a new table has late.
RETURNS = """
CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x\r\ny' CONSTRAINT lines CHECK (a <> 'q\r\nz'));
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$\r\nBEGIN\r\n  RETURN NEW;\r\nEND\r\n$$;
COMMENT ON FUNCTION g() IS 'a\r\nb\rc';
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.a <> '\r\n') EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'c\r\nd'; COMMENT ON CONSTRAINT lines ON t IS 'two';
CREATE POLICY p ON t USING (a <> 'x\r\ny'); COMMENT ON POLICY p ON t IS 'mine';
CREATE VIEW v AS SELECT id, 'm\r\nn'::text AS t FROM t; COMMENT ON TABLE t IS 'e\r\nf';
"""


def test_what_is_rare_comes_out_exact(project: Path, ormkit: Command, server18: Server) -> None:
    with server18.database() as url:
        server18.run_script(url, RARE)
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        assert told.returncode == 0, told.stdout + told.stderr
        assert ormkit("check", "--database", url).returncode == 0
        text = (project / "schemas/app.toml").read_text()
        assert 'citext = { schema = "archive", comment = "Ours, too." }' in text
        assert not list(project.glob("sql/function/*range*")), "the type brings its functions"
        server18.run_script(url, "COMMENT ON EXTENSION citext IS 'Other.'")
        told = ormkit("check", "--database", url)
    assert told.returncode == 1
    assert "drift: extension citext: comment" in told.stdout


def test_a_shadow_without_the_roles_of_policies_builds_them(
    project: Path, ormkit: Command, server18: Server, server16: Server
) -> None:
    settings = project / "ormkit.toml"
    settings.write_text(settings.read_text().replace(server18.url, server16.url))
    with server18.database() as url:
        server18.run_script(url, 'CREATE ROLE rare_reader; CREATE ROLE "Rare writer"')
        try:
            server18.run_script(
                url,
                "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
                'CREATE POLICY p ON t TO rare_reader, "Rare writer" USING (id > 0)',
            )
            told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
            assert told.returncode == 0, told.stdout + told.stderr
            server18.run_script(url, "ALTER POLICY p ON t TO rare_reader")
            told = ormkit("check", "--database", url)
            assert told.returncode == 1
            assert "drift: table public.t: policy p" in told.stdout
        finally:
            server18.run_script(
                url, 'DROP TABLE IF EXISTS t; DROP ROLE rare_reader; DROP ROLE "Rare writer"'
            )
    with server16.database() as url:
        # The shadow keeps none of them.
        server16.run_script(url, "CREATE ROLE rare_reader; DROP ROLE rare_reader")


def test_carriage_returns_stay_in_every_file(
    project: Path, ormkit: Command, server18: Server
) -> None:
    with server18.database() as url:
        server18.run_script(url, RETURNS)
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        assert told.returncode == 0, told.stdout + told.stderr
        assert ormkit("pull", "--database", url).stdout.count("written") == 0
        assert ormkit("check", "--database", url).returncode == 0
    assert b"\r\n  RETURN NEW;\r\n" in (project / "sql/function/g.sql").read_bytes()
    for command in ("generate", "generate --check", "migrate new start", "migrate check"):
        told = ormkit(*command.split())
        assert told.returncode == 0, command + told.stdout + told.stderr


def test_line_endings_of_a_checkout_are_none_of_the_text(
    project: Path, ormkit: Command, server18: Server
) -> None:
    with server18.database() as url:
        server18.run_script(url, RETURNS.replace("\r", ""))
        assert ormkit("pull", "--database", url, "--into", "schemas/app.toml").returncode == 0
        for file in project.glob("sql/*/*.sql"):
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        assert ormkit("check", "--database", url).returncode == 0


def test_functions_that_an_index_runs_indirectly_come_before_its_table(
    project: Path, ormkit: Command, server18: Server
) -> None:
    with server18.database() as url:
        server18.run_script(
            url,
            "CREATE FUNCTION lowered(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT"
            " AS 'SELECT lower($1)';"
            "CREATE FUNCTION keyed(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT"
            " AS 'SELECT public.lowered($1)';"
            "CREATE TABLE words (id int PRIMARY KEY, word text);"
            "CREATE INDEX words_keyed ON words (keyed(word));"
            "CREATE FUNCTION all_words() RETURNS SETOF words LANGUAGE sql"
            " AS 'SELECT * FROM public.words'",
        )
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        assert told.returncode == 0, told.stdout + told.stderr
        assert ormkit("check", "--database", url).returncode == 0
