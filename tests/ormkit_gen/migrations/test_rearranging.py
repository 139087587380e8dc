"""`ormkit migrate rebase` and `ormkit migrate squash` on a project."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ormkit.migrations.chain import read_chain
from ormkit.migrations.files import Step, read_migration, render_steps
from ormkit_gen.cli.commands import run
from tests.ormkit_gen.migrations.conftest import Begin

pytestmark = pytest.mark.one_interpreter

SCHEMA = """\
[models.Post.columns]
id = { type = "bigint", primary_key = true }

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = "varchar(100)"
"""
AGE, BIO = 'age = "integer?"\n', 'bio = "text?"\n'


@pytest.fixture
def project(tmp_path: Path, begin: Begin) -> Path:
    """A project with its first migration."""
    begin(tmp_path, SCHEMA)
    return tmp_path


def change(project: Path, name: str, schema: str, *steps: Step) -> Path:
    """Write a schema, and its migration with planned or hand-written steps."""
    (project / "schema.toml").write_text(schema)
    assert run(["migrate", "new", name, *(["--empty"] if steps else [])]) == 0
    (folder,) = (project / "migrations").glob(f"*-{name}-????")
    if steps:
        (folder / "up.sql").write_text(render_steps(steps, read_migration(folder).header))
    return folder


def branch(project: Path, name: str, schema: str, *steps: Step) -> Path:
    """Write a migration as somebody did who did not know of those after the first one."""
    others = [each for each in (project / "migrations").iterdir() if "-start-" not in each.name]
    away = project / "away"
    away.mkdir()
    for each in others:
        shutil.move(each, away)
    folder = change(project, name, schema, *steps)
    for each in others:
        shutil.move(away / each.name, each)
    away.rmdir()
    return folder


def order(project: Path) -> list[str]:
    return [each.id for each in read_chain(project / "migrations")]


def test_branches_that_commute_are_put_in_one_order(project: Path) -> None:
    first = change(project, "age", SCHEMA + AGE)
    second = branch(project, "bio", SCHEMA + BIO)
    (project / "schema.toml").write_text(SCHEMA + AGE + BIO)
    assert run(["migrate", "check"]) == 2
    assert run(["migrate", "rebase"]) == 0
    names = sorted([first.name, second.name])
    assert order(project)[1:] == names
    assert run(["migrate", "check"]) == 0
    assert run(["migrate", "rebase"]) == 0
    assert [each.name for each in project.iterdir() if each.name.startswith(".")] == []


def test_the_branch_that_is_named_stays_before_the_other_one(project: Path) -> None:
    first = change(project, "age", SCHEMA + AGE)
    second = branch(project, "bio", SCHEMA + BIO)
    (project / "schema.toml").write_text(SCHEMA + AGE + BIO)
    latest = max(first.name, second.name)
    assert run(["migrate", "rebase", "--onto", latest]) == 0
    assert order(project)[1] == latest
    assert run(["migrate", "check"]) == 0


@pytest.mark.parametrize(
    ("mine", "yours", "said"),
    [
        (
            ("a", SCHEMA + AGE, "ALTER TABLE public.user ADD COLUMN age integer;"),
            (
                "b",
                SCHEMA + AGE.replace("integer", "bigint"),
                "ALTER TABLE public.user ADD age bigint;",
            ),
            "both branches change the column User.age",
        ),
        (
            (
                "a",
                SCHEMA.replace("varchar(100)", "text"),
                "ALTER TABLE public.user ALTER name TYPE text;",
            ),
            (
                "b",
                SCHEMA.replace('name = "varchar(100)"\n', ""),
                "ALTER TABLE public.user DROP name;",
            ),
            "both branches change the column User.name",
        ),
        (
            ("a", SCHEMA + AGE, "ALTER TABLE public.user ADD COLUMN age integer;"),
            ("b", SCHEMA, "CREATE TABLE public.copy (LIKE public.user);"),
            "different schemas in the two orders|cannot run after",
        ),
    ],
)
def test_branches_that_do_not_commute_are_refused_and_nothing_is_written(
    project: Path,
    capsys: pytest.CaptureFixture[str],
    mine: tuple[str, str, str],
    yours: tuple[str, str, str],
    said: str,
) -> None:
    quoted = [each[2].replace("public.user", 'public."user"') for each in (mine, yours)]
    change(project, mine[0], mine[1], Step(sql=quoted[0]))
    branch(project, yours[0], yours[1], Step(sql=quoted[1]))
    (project / "schema.toml").write_text(mine[1])
    before = {each: each.read_bytes() for each in project.rglob("migrations/*/*")}
    capsys.readouterr()
    assert run(["migrate", "rebase"]) == 2
    shown = capsys.readouterr().err
    assert any(each in shown for each in said.split("|")), shown
    assert {each: each.read_bytes() for each in project.rglob("migrations/*/*")} == before


def test_an_edited_migration_that_others_follow_is_written_into_the_order(project: Path) -> None:
    change(project, "age", SCHEMA + AGE)
    (start,) = (project / "migrations").glob("*-start-*")
    found = read_migration(start)
    steps = [replace(each, notes=("edited",)) for each in found.steps]
    (start / "up.sql").write_text(render_steps(steps, found.header))
    assert run(["migrate", "check"]) == 2
    assert run(["migrate", "rebase"]) == 0
    assert run(["migrate", "check"]) == 0


def test_a_checkpoint_takes_the_place_of_the_first_ones_and_keeps_rows(project: Path) -> None:
    seed = Step(sql="INSERT INTO public.post DEFAULT VALUES;")
    second = change(project, "age", SCHEMA + AGE)
    third = change(project, "seed", SCHEMA + AGE, seed)
    last = change(project, "bio", SCHEMA + AGE + BIO)
    replaced = order(project)[:3]
    assert run(["migrate", "squash", "--upto", third.name]) == 0
    checkpoint, kept = read_chain(project / "migrations")
    assert checkpoint.header.replaces == tuple(replaced)
    assert second.name in checkpoint.header.replaces
    assert kept.id == last.name
    inserted = [each for each in checkpoint.steps if "INSERT" in each.sql]
    assert [each.notes for each in inserted] == [(f"from step 1 of {third.name}",)]
    assert run(["migrate", "check"]) == 0


def test_rows_that_no_checkpoint_can_write_are_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = Step(sql='ALTER TABLE public."user" ADD COLUMN age integer; DELETE FROM public."user";')
    folder = change(project, "age", SCHEMA + AGE, both)
    before = order(project)
    assert run(["migrate", "squash"]) == 2
    assert f"step 1 of {folder.name} changes tables and rows at once" in capsys.readouterr().err
    assert order(project) == before
    assert run(["migrate", "squash", "--elide", folder.name]) == 0
    assert len(order(project)) == 1
    assert run(["migrate", "check"]) == 0
