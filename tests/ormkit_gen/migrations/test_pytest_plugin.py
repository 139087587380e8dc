"""The tests of a project's migrations, which pytest collects by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit.migrations.files import Step, read_migration, render_steps
from ormkit_gen.cli.commands import run
from tests.ormkit_gen.migrations.conftest import Begin

pytestmark = [pytest.mark.one_interpreter]
pytest_plugins = ["pytester"]

SCHEMA = """\
[enums]
Mood = ["sad", "glad"]

[models.User.columns]
id = { type = "bigint", primary_key = true }
name = { type = "varchar(10)", unique = true }
mood = "Mood?"

[models.Post.columns]
id = { type = "bigint", primary_key = true }
user_id = { type = "bigint", foreign_key = "user.id" }
title = "text"
"""
AGE = 'age = "integer?"\n'
Report = Callable[..., list[str]]


@pytest.fixture
def project(pytester: pytest.Pytester, begin: Begin) -> Path:
    """A project with its first migration and a test."""
    begin(pytester.path, SCHEMA)
    pytester.makepyfile(test_other="def test_other(): pass")
    return pytester.path


@pytest.fixture
def report(pytester: pytest.Pytester) -> Report:
    """Run pytest in this process; return its lines."""

    def reported(*arguments: str) -> list[str]:
        options = ("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-rA")
        return pytester.runpytest_inprocess(*options, *arguments).outlines

    return reported


def change(root: Path, name: str, schema: str, *steps: Step, down: tuple[Step, ...] = ()) -> str:
    """Write a schema, and its migration with planned or hand-written steps."""
    (root / "schema.toml").write_text(schema)
    assert run(["migrate", "new", name, *(["--empty"] if steps else [])]) == 0
    (folder,) = (root / "migrations").glob(f"*-{name}-????")
    if steps:
        (folder / "up.sql").write_text(render_steps(steps, read_migration(folder).header))
    if down:
        (folder / "down.sql").write_text(render_steps(down))
    return folder.name


def outcomes(lines: list[str]) -> dict[str, str]:
    """Return the result of each test of migrations, by its name without dates."""
    found: dict[str, str] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED") and "test_migrations" in rest:
            found[rest.split(" - ")[0].split("[")[-1].rstrip("]").split("::")[-1]] = word
    return found


def test_a_project_with_migrations_gets_tests_of_them(project: Path, report: Report) -> None:
    name = change(project, "age", SCHEMA + AGE)
    lines = report()
    start = next((project / "migrations").glob("*-start-*")).name
    assert outcomes(lines) == dict.fromkeys(("test_migrations", start, name), "PASSED")
    assert "4 passed" in lines[-1]
    assert "1 passed" in report("test_other.py")[-1]
    (project / "pytest.ini").write_text("[pytest]\normkit_migrations = false\n")
    assert "1 passed" in report()[-1]


@pytest.mark.parametrize(
    ("schema", "steps", "down", "said"),
    [
        (
            SCHEMA.replace("varchar(10)", "varchar(3)"),
            (Step(sql='ALTER TABLE public."user" ALTER name TYPE varchar(3);'),),
            (),
            "value too long for type character varying",
        ),
        (
            SCHEMA + 'age = "integer"\n',
            (
                Step(sql="ALTER TABLE public.post ADD COLUMN age integer;"),
                Step(sql="UPDATE public.post SET age = 1;"),
                Step(sql="ALTER TABLE public.post ALTER age SET NOT NULL;"),
            ),
            (),
            "programs of before .* cannot insert into post any more",
        ),
        (
            SCHEMA.replace('title = "text"\n', ""),
            (Step(sql="ALTER TABLE public.post DROP COLUMN title;"),),
            (),
            "programs of before .* cannot read Post any more",
        ),
        (
            SCHEMA + AGE,
            (Step(sql="ALTER TABLE public.post ADD COLUMN age integer;"),),
            (Step(sql="SELECT 1;"),),
            "the down of .* leaves another column age of table public.post",
        ),
    ],
)
def test_what_a_migration_does_to_rows_and_old_programs_is_found(
    project: Path,
    report: Report,
    schema: str,
    steps: tuple[Step, ...],
    down: tuple[Step, ...],
    said: str,
) -> None:
    name = change(project, "change", schema, *steps, down=down)
    lines = report("-k", "change")
    assert outcomes(lines) == {name: "FAILED"}
    matching = pytest.LineMatcher(lines)
    matching.re_match_lines_random([f".*{said}.*"])


def test_migrations_after_one_that_failed_are_skipped_and_no_state_is_missing(
    project: Path, report: Report
) -> None:
    name = change(
        *(project, "change", SCHEMA + AGE),
        Step(sql="ALTER TABLE public.post ADD COLUMN age integer; SELECT 1 / 0;"),
    )
    bio = change(project, "bio", SCHEMA + AGE + 'bio = "text?"\n')
    lines = report()
    assert outcomes(lines)[name] == "FAILED"
    assert outcomes(lines)["test_migrations"] == "FAILED"
    assert bio not in outcomes(lines)
    assert any(bio in each and "SKIPPED" in each for each in lines) or "1 skipped" in lines[-1]


def test_a_check_that_finds_invented_rows_is_no_failure(project: Path, report: Report) -> None:
    name = change(
        *(project, "change", SCHEMA.replace('mood = "Mood?"', 'mood = "Mood"')),
        Step(
            sql='SELECT id FROM public."user" WHERE mood IS NULL LIMIT 10;',
            mode="check",
            message="users without a mood",
        ),
        Step(sql='ALTER TABLE public."user" ALTER mood SET NOT NULL;'),
    )
    lines = report("-k", "change")
    assert outcomes(lines) == {name: "PASSED"}
    assert not any("users without a mood" in each for each in lines)
