"""`ormkit migrate check` and `ormkit migrate lint` on a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ormkit.migrations.files import Step, read_migration, render_steps
from ormkit_gen.cli.commands import run
from tests.ormkit_gen.migrations.conftest import Begin

pytestmark = pytest.mark.one_interpreter

SCHEMA = """\
[models.User.columns]
id = { type = "bigint", primary_key = true }
name = "varchar(100)"
"""
AGE = 'age = "integer?"\n'


@pytest.fixture
def project(tmp_path: Path, begin: Begin) -> Path:
    """A project with its first migration."""
    begin(tmp_path, SCHEMA)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any]]:
    capsys.readouterr()
    code = run(["migrate", *arguments, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == code
    return code, document["diagnostics"]


def codes(found: tuple[int, list[Any]]) -> tuple[int, list[str]]:
    return found[0], [each["code"] for each in found[1]]


def last(project: Path) -> Path:
    return max((project / "migrations").iterdir(), key=lambda each: each.stat().st_mtime_ns)


def write_steps(folder: Path, *steps: Step) -> None:
    header = read_migration(folder).header
    (folder / "up.sql").write_text(render_steps(steps, header))


def add_age(project: Path, *steps: Step) -> Path:
    """Add a column to the schema, and a migration with these steps."""
    (project / "schema.toml").write_text(SCHEMA + AGE)
    assert run(["migrate", "new", "age", "--empty"]) == 0
    folder = next((project / "migrations").glob("*-age-*"))
    write_steps(folder, *steps)
    return folder


def test_what_was_planned_is_verified_and_the_second_time_remembered(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert codes(checked(capsys, "check")) == (0, [])
    assert run(["migrate", "check"]) == 0
    shown = capsys.readouterr().err
    assert shown == "1 migration: all is well\n"
    assert run(["migrate", "check", "--all"]) == 0
    assert "migrations/2" in capsys.readouterr().err


def test_a_schema_without_its_migration_is_pending(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "schema.toml").write_text(SCHEMA + AGE)
    assert codes(checked(capsys, "check")) == (1, ["no-migration"])


def test_steps_that_do_not_lead_to_the_schema_are_found(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = add_age(project, Step(sql='ALTER TABLE public."user" ADD COLUMN age bigint;'))
    code, (found, *_) = checked(capsys, "check")
    assert (code, found["code"]) == (1, "other-state")
    assert "column age is bigint, not integer" in found["message"]
    assert found["file"] == f"migrations/{folder.name}/up.sql"
    write_steps(folder, Step(sql="ALTER TABLE public.nowhere ADD COLUMN age bigint;"))
    assert codes(checked(capsys, "check")) == (1, ["step-failed"])


def test_hand_written_steps_get_what_is_measured(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = add_age(project, Step(sql='ALTER TABLE public."user" ADD COLUMN age integer;'))
    assert codes(checked(capsys, "check")) == (0, ["other-measures"])
    assert codes(checked(capsys, "check", "--write")) == (0, [])
    (step,) = read_migration(folder).steps
    assert step.measured == ('AccessExclusive on public."user"',)


def test_lint_names_the_rules_of_the_chosen_migrations(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = add_age(
        project,
        Step(sql='ALTER TABLE public."user" ADD COLUMN age integer;'),
        Step(sql='CREATE INDEX age_idx ON public."user" (age);'),
    )
    assert codes(checked(capsys, "lint")) == (1, ["blocking-index"])
    assert codes(checked(capsys, "lint", str(folder))) == (1, ["blocking-index"])
    first = next((project / "migrations").glob("*-start-*"))
    assert codes(checked(capsys, "lint", first.name)) == (0, [])
    assert codes(checked(capsys, "lint", "elsewhere")) == (2, ["unknown-migration"])


def test_an_edited_migration_is_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_age(project, Step(sql='ALTER TABLE public."user" ADD COLUMN age integer;'))
    first = next((project / "migrations").glob("*-start-*"))
    with (first / "up.sql").open("a") as file:
        file.write("-- edited\n")
    assert codes(checked(capsys, "check")) == (2, ["bad-migrations"])
