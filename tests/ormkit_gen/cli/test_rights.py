"""Owners and grants, as a file of the project records them, against those of a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift.rights import read_rights
from tests.ormkit_gen.cli.conftest import SETTINGS, Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

ROLES = ("rights_owner", "rights_reader", '"rights of ""all"" (odd)"')
DATABASE = f"""
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text);
CREATE FUNCTION f(text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT id, email FROM users;
ALTER TABLE users OWNER TO rights_owner;
GRANT SELECT, INSERT ON users TO rights_reader;
GRANT UPDATE (email) ON users TO {ROLES[2]} WITH GRANT OPTION;
GRANT SELECT ON v TO rights_reader;
REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE rights_owner IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
"""
#: What somebody does by hand, and what is said of it.
BY_HAND = {
    "ALTER TABLE users OWNER TO postgres": "table public.users: owner is postgres",
    "GRANT DELETE ON users TO rights_reader; "
    "REVOKE INSERT ON users FROM rights_reader": "grant rights_reader is DELETE, SELECT",
    "REVOKE GRANT OPTION FOR UPDATE (email) ON users FROM PUBLIC, "
    f"{ROLES[2]}": "(email) is UPDATE, and the schema says UPDATE WITH GRANT OPTION",
    "GRANT EXECUTE ON FUNCTION f(text) TO PUBLIC": "f(text): grant PUBLIC is missing",
    "GRANT USAGE ON SEQUENCE users_id_seq TO rights_reader": "(sequence users_id_seq) is not in",
    "GRANT CREATE ON SCHEMA public TO rights_reader": "schema public: grant rights_reader is not",
    "ALTER DEFAULT PRIVILEGES FOR ROLE rights_owner IN SCHEMA public "
    "REVOKE SELECT ON TABLES FROM PUBLIC": "grant on tables to PUBLIC is missing",
}


@pytest.fixture
def shop(tmp_path: Path, server18: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with server18.database() as url:
        server18.run_script(url, "".join(f"CREATE ROLE {role};" for role in ROLES))
        try:
            server18.run_script(url, DATABASE)
            settings = f'database = "{url}"\nshadow = "{server18.url}"\nrights = "rights.toml"\n'
            (tmp_path / "ormkit.toml").write_text(settings + SETTINGS.replace("blog", "*"))
            yield url
        finally:
            gone = "".join(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role};" for role in ROLES)
            server18.run_script(url, gone)


def test_owners_and_grants_are_recorded_and_compared(
    shop: str, tmp_path: Path, ormkit: Command, server18: Server
) -> None:
    told = ormkit("pull")
    assert told.returncode == 0, told.stdout + told.stderr
    file = tmp_path / "rights.toml"
    text = file.read_text()
    assert text.splitlines()[1:4] == [
        'owner = "postgres"',
        "",
        '["default rights of ' 'rights_owner in public".grants]',
    ]
    assert '\nrights_reader = "INSERT, SELECT"\n' in text
    # What the schema does not name, as of another program, is not compared.
    theirs = "CREATE TABLE theirs (id bigint PRIMARY KEY); GRANT SELECT ON theirs TO rights_reader"
    server18.run_script(shop, theirs)
    unmanaged = "unmanaged: table public.theirs is not in the schema\n"
    assert ormkit("check").stdout == unmanaged

    server18.run_script(shop, ";".join(BY_HAND))
    told = ormkit("check")
    assert [said for said in BY_HAND.values() if said not in told.stdout] == [], told.stdout
    assert told.stderr.startswith(f"{len(BY_HAND)} differences from the schema")
    server18.run_script(shop, ormkit("diff", "--sql").stdout)
    assert ormkit("check").stdout == unmanaged

    server18.run_script(shop, "DROP TABLE theirs; REVOKE SELECT ON users FROM rights_reader")
    line = text.splitlines().index('rights_reader = "INSERT, SELECT"') + 1
    found = json.loads(ormkit("check", "--json").stdout)["differences"]
    assert [(each["file"], each["line"]) for each in found if each["class"] == "drift"] == [
        ("rights.toml", line)
    ]
    file.write_text(text.replace('["table public.users"]', '# Theirs.\n["table public.users"]'))
    commented = file.read_text()
    assert ormkit("pull").returncode == 0
    assert file.read_text() == commented.replace("INSERT, SELECT", "INSERT")
    file.write_text('["table public.user"]\nowner = "x"')
    assert "have 'table public.user'" in ormkit("check").stderr
    file.unlink()
    assert "there is no file rights.toml" in ormkit("check").stderr


def test_mistakes_in_the_file_are_named(tmp_path: Path) -> None:
    file = tmp_path / "rights.toml"
    file.write_text(
        'owners = "x"\n["table t".grants]\nx = "SELET"\n["table u"]\nowner = 3\nowned = "x"\n'
    )
    with pytest.raises(Refusal) as refused:
        read_rights([file], tmp_path)
    found = [(each.at.line if each.at else 0, each.message) for each in refused.value.diagnostics]
    assert found == [
        (1, "'owners' is no table of an object"),
        (3, "there is no right 'SELET'"),
        (5, "'owner' must be a text"),
        (6, "'table u' has owner and grants, and no 'owned'"),
    ]
