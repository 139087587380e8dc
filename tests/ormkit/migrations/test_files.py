"""The format of a migration's files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ormkit import MigrationError
from ormkit.migrations.chain import read_chain
from ormkit.migrations.files import (
    Batches,
    Header,
    Migration,
    Step,
    parse_migration,
    read_migration,
    render_steps,
)
from tests.ormkit.migrations.projects import Project

pytestmark = pytest.mark.one_interpreter

FIRST, SECOND, THIRD = "20260101-0000-start-aaaa", "20260102-0000-b-bbbb", "20260103-0000-c-cccc"
STEPS = (
    Step(
        sql="ALTER TABLE public.users ADD COLUMN age integer;\n\nSELECT 1;",
        measured=("AccessExclusive on public.users", "rewrites public.users"),
        notes=("a remark",),
        allowed=("rewrite because the table is small",),
    ),
    Step(sql="CREATE INDEX CONCURRENTLY i ON public.users (age);", mode="no transaction"),
    Step(
        sql="UPDATE public.users SET age = 0 WHERE age IS NULL AND /* batch */ true;",
        mode="batches",
        batches=Batches(5000, 'public."Users of, (us)."', ("id", '"other id"')),
    ),
    Step(mode="data"),
    Step(sql="SELECT id FROM public.users LIMIT 10;", mode="check", message="users with no age"),
)


def migration(texts: dict[str, str]) -> Migration:
    return parse_migration(FIRST, texts)


@pytest.mark.parametrize(
    "header",
    [
        Header(),
        Header(
            parent=FIRST,
            parent_hash=f"sha256:{'0' * 64}",
            phase="contract",
            minimum_server=15,
            replaces=(FIRST, SECOND),
        ),
    ],
)
def test_steps_that_are_written_are_read_as_they_were(header: Header) -> None:
    read = migration({"up.sql": render_steps(STEPS, header), "down.sql": render_steps(STEPS)})
    assert read.header == header
    assert read.steps == STEPS
    assert read.down == STEPS


def test_a_comment_within_the_sql_of_a_step_stays_there() -> None:
    text = render_steps([Step(sql="SELECT 1;\n-- measured: by hand\nSELECT 2;")], Header())
    (step,) = migration({"up.sql": text}).steps
    assert step.sql == "SELECT 1;\n-- measured: by hand\nSELECT 2;"


def test_the_hash_covers_every_file_and_the_parent_and_no_line_ends(tmp_path: Path) -> None:
    directory = tmp_path / FIRST
    directory.mkdir()
    (directory / "up.sql").write_text(render_steps(STEPS, Header()))
    (directory / "state.json").write_text("{}\n")
    before = read_migration(directory).hash
    text = render_steps(STEPS, Header())
    (directory / "up.sql").write_bytes(text.replace("\n", "\r\n").encode())
    assert read_migration(directory).hash == before
    for name, text in [
        ("data.py", "pass\n"),
        ("down.sql", render_steps(STEPS)),
        ("state.json", ""),
    ]:
        (directory / name).write_text(text)
        after = read_migration(directory).hash
        assert after != before
        before = after
    follower = Header(parent=SECOND, parent_hash=before)
    (directory / "up.sql").write_text(render_steps(STEPS, follower))
    assert read_migration(directory).hash != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "up.sql:1: expected `-- ormkit: migration 1`"),
        ("SELECT 1;", "up.sql:1: expected `-- ormkit: migration 1`"),
        ("-- ormkit: migration 2\n", "up.sql:1: this version of ormkit reads the format 1, not 2"),
        ("-- ormkit: migration 1\nSELECT 1;\n", "is in no step"),
        ("-- ormkit: migration 1\n-- ormkit: phase middle\n", "up.sql:2: the phase is expand or"),
        ("-- ormkit: migration 1\n-- ormkit: parent x\n", "expected `parent ID sha256:...`"),
        ("-- ormkit: migration 1\n-- ormkit: postgresql 15\n", "expected `postgresql >= 15`"),
        ("-- ormkit: migration 1\n-- ormkit: migration 1\n", "`migration` is given twice"),
        ("-- ormkit: migration 1\n-- ormkit: color red\n", "there is no `color` in a header"),
        ("-- ormkit: migration 1\n-- ormkit step 1\n", "up.sql:2: expected `-- ormkit: WORD ...`"),
        ("-- ormkit: migration 1\n-- ormkit: step 2\nSELECT 1;\n", "where step 1 is expected"),
        (
            "-- ormkit: migration 1\n-- ormkit: step one\nSELECT 1;\n",
            "expected `-- ormkit: step 1`",
        ),
        ("-- ormkit: migration 1\n-- ormkit: step 1\n\n", "step 1 has no SQL"),
        ("-- ormkit: migration 1\n-- ormkit: step 1, fast\nSELECT 1;\n", "not `fast`"),
        (
            "-- ormkit: migration 1\n-- ormkit: step 1, batches of 0 over t (id)\nSELECT 1;\n",
            "a step runs as",
        ),
        (
            "-- ormkit: migration 1\n-- ormkit: step 1, batches of 5 over t (id)\nSELECT 1;\n",
            "needs `/\\* batch \\*/ true` once",
        ),
        (
            "-- ormkit: migration 1\n-- ormkit: step 1\n-- ormkit: phase expand\nSELECT 1;\n",
            "up.sql:3: there is no `phase` in a step",
        ),
    ],
)
def test_a_text_of_another_form_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(MigrationError, match=said):
        migration({"up.sql": text})


def write(
    directory: Path, name: str, parent: Migration | None, sql: str = "SELECT 1;"
) -> Migration:
    header = Header(parent=parent and parent.id, parent_hash=parent.hash if parent else "")
    (directory / name).mkdir()
    (directory / name / "up.sql").write_text(render_steps(STEPS, header))
    return read_migration(directory / name)


def ids(migrations: Iterable[Migration]) -> list[str]:
    return [each.id for each in migrations]


def test_migrations_are_in_the_order_of_their_parents_whatever_their_times(tmp_path: Path) -> None:
    first = write(tmp_path, FIRST, None)
    late = write(tmp_path, THIRD, first)
    write(tmp_path, SECOND, late)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "README.md").write_text("notes")
    assert ids(read_chain(tmp_path)) == [FIRST, THIRD, SECOND]
    assert ids(read_chain(tmp_path / "missing")) == []


def test_two_migrations_after_one_are_named(tmp_path: Path) -> None:
    first = write(tmp_path, FIRST, None)
    write(tmp_path, SECOND, first)
    write(tmp_path, THIRD, first)
    with pytest.raises(MigrationError, match=f"{SECOND} and {THIRD} both follow {FIRST}.*rebase"):
        read_chain(tmp_path)


def test_a_change_of_a_migration_that_others_follow_is_found(tmp_path: Path) -> None:
    first = write(tmp_path, FIRST, None)
    write(tmp_path, SECOND, first)
    (tmp_path / FIRST / "up.sql").write_text(render_steps([Step(sql="SELECT 2;")], Header()))
    with pytest.raises(MigrationError, match=f"{FIRST} have changed since {SECOND} was written"):
        read_chain(tmp_path)


def test_a_parent_that_is_missing_and_a_folder_without_steps_are_named(tmp_path: Path) -> None:
    first = write(tmp_path, FIRST, None)
    write(tmp_path, SECOND, first)
    (tmp_path / FIRST).rename(tmp_path / "gone")
    with pytest.raises(MigrationError, match=f"{SECOND} follows {FIRST}, which is not there"):
        read_chain(tmp_path)
    (tmp_path / FIRST).mkdir()
    with pytest.raises(MigrationError, match=f"{FIRST} has no up.sql"):
        read_chain(tmp_path)


def test_files_of_windows_and_folders_that_git_leaves_behind_change_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    first = project.add("a", "SELECT 1;")
    project.add("b", "SELECT 'ü';")
    known = [(each.id, each.hash) for each in read_chain(tmp_path)]
    for file in tmp_path.rglob("*.*"):
        lines = file.read_bytes().replace(b"\n", b"\r\n")
        file.write_bytes(b"\xef\xbb\xbf" + lines if file.suffix == ".sql" else lines)
    (tmp_path / "20260101-0000-gone-aaaa/before/__pycache__").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / first.id).rename(elsewhere)
    (tmp_path / first.id).symlink_to(elsewhere)
    assert [(each.id, each.hash) for each in read_chain(tmp_path)] == known
    elsewhere.rename(tmp_path / "20260101-0000-Ünï-aaaa")
    with pytest.raises(MigrationError, match=r"Ünï-aaaa has an up\.sql, and the name of no"):
        read_chain(tmp_path)
