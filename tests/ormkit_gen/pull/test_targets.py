"""Several targets on one database: each describes its own part, and none meets the other's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

DATABASE = """
CREATE EXTENSION citext;
CREATE TABLE users (id bigserial PRIMARY KEY, name citext, note text DEFAULT 'x');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SCHEMA billing;
CREATE TYPE billing.state AS ENUM ('open', 'paid');
CREATE DOMAIN billing.cents AS integer CHECK (VALUE >= 0);
CREATE SEQUENCE billing.numbers;
CREATE TABLE billing.invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    state billing.state,
    total billing.cents
);
CREATE VIEW billing.open AS SELECT id FROM billing.invoices WHERE state = 'open';
CREATE TABLE stray (id int PRIMARY KEY);
"""
APP = """
[models.User]
table = "users"

[models.User.columns]
id = { type = "bigserial", primary_key = true }
name = "citext?"
note = { type = "text?", default = "x" }

[models.User.relationships]
"""
BILL = """
[models.Bill]
table = "bills"

[models.Bill.columns]
id = { type = "integer", primary_key = true, autoincrement = false }
"""
SETTINGS = """shadow = "{shadow}"

[[targets]]
schemas = ["app/schemas/*.toml"]
output = "app/db"

[[targets]]
schemas = ["billing/schemas/*.toml"]
output = "billing/db"
"""


@pytest.fixture
def targets(project: Path, server18: Server) -> Path:
    (project / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    (project / "app/schemas").mkdir(parents=True)
    (project / "app/schemas/app.toml").write_text(APP)
    return project


def test_targets_split_a_database(targets: Path, ormkit: Command, server18: Server) -> None:
    with server18.database() as url:
        server18.run_script(url, DATABASE)
        database = ("--database", url)
        into = ("--into", "billing/schemas/billing.toml")
        told = ormkit("pull", *database, "--target", "billing/db", "--schema", "billing", *into)
        assert told.returncode == 0, told.stdout + told.stderr
        billing = (targets / into[1]).read_text()
        assert '[models.User]\ntable = "users"\nmanaged = false\n' in billing
        assert 'user_id = { type = "bigint", foreign_key = "users.id" }' in billing
        assert "citext" not in billing
        assert (targets / "sql/billing_db/view/billing.open.sql").exists()

        told = ormkit("check", *database, "--target", "billing/db")
        assert (told.returncode, told.stdout.count("billing.")) == (0, 0), told.stdout
        told = ormkit("check", *database, "--target", "app/db")
        assert "billing" not in told.stdout
        assert "unmanaged: table public.stray" in told.stdout
        assert "drift: table public.users: trigger touched" in told.stdout
        assert "(app/schemas/app.toml:2)" in ormkit("check", *database).stdout

        told = ormkit("pull", *database, "--target", "app/db")
        assert told.returncode == 0, told.stdout + told.stderr
        app = (targets / "app/schemas/app.toml").read_text()
        assert app.startswith(APP.rstrip())
        assert "Stray" in app
        assert "billing" not in app.lower().replace("billing/", "")
        assert (targets / "sql/app_db/trigger/touched_users.sql").exists()
        for target in ("app/db", "billing/db"):
            told = ormkit("pull", *database, "--target", target)
            assert (told.returncode, told.stdout) == (0, ""), told.stdout + told.stderr
            told = ormkit("check", *database, "--target", target)
            assert (told.returncode, told.stdout) == (0, "")
        assert ormkit("check", *database).stdout == ""
        assert ormkit("diff", *database, "--target", "app/db", "--sql").stdout == ""


def test_targets_have_databases_of_their_own(
    targets: Path, ormkit: Command, server18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each target is compared with its own database, and --database goes before both."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (targets / "billing/schemas").mkdir(parents=True)
    (targets / "billing/schemas/b.toml").write_text(BILL)
    with server18.database() as own, server18.database() as of_project:
        server18.run_script(of_project, "CREATE TABLE users (id bigserial PRIMARY KEY)")
        server18.run_script(own, "CREATE TABLE bills (id integer PRIMARY KEY, note text)")
        text = SETTINGS.format(shadow=server18.url)
        text = f'database = "{of_project}"\n{text}database = "{own}"\n'
        (targets / "ormkit.toml").write_text(text)
        told = ormkit("check")
        lines = told.stdout.splitlines()
        assert [line.partition(" (")[0] for line in lines if "unmanaged" not in line] == [
            "app/db: pending: extension citext is missing in the database",
            "app/db: pending: table public.users: column name is missing in the database",
            "app/db: pending: table public.users: column note is missing in the database",
            "billing/db: drift: table public.bills: column note is not in the schema",
        ]
        differences = json.loads(ormkit("check", "--json").stdout)["differences"]
        assert [each["targets"] for each in differences][-1] == ["billing/db"]
        refused = ormkit("diff", "--sql")
        assert refused.returncode == 2
        assert "choose with --target; there are app/db, billing/db" in refused.stderr
        told = ormkit("check", "--target", "billing/db", "--database", of_project)
        assert "pending: table public.bills is missing" in told.stdout
        told = ormkit("doctor")
        assert "tables of billing/db: 1 differ from the schema" in told.stdout
