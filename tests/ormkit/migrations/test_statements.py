"""Statements without a transaction, batches over any key, and backfills of data.py."""

from __future__ import annotations

from typing import Any

import pytest

from ormkit import Engine, MigrationError
from ormkit.migrations import migrate
from ormkit.migrations.lasting import lasting
from tests.ormkit.migrations.projects import DATA_STEP, Project, alone, in_batches

pytestmark = pytest.mark.one_interpreter

PEOPLE = """CREATE TABLE public."People" ("the id" text, kind integer, name text,
    n integer DEFAULT 0, PRIMARY KEY ("the id", kind));
INSERT INTO public."People" SELECT 'it''s \\ ' || i / 10, i % 10 FROM generate_series(0, 99) i;
CREATE INDEX names ON public."People" (name);
CREATE TYPE public."Mood" AS ENUM ('sad');
CREATE TABLE public.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE public.part PARTITION OF public.parts FOR VALUES FROM (0) TO (9);
"""


async def scalar(engine: Engine, sql: str) -> Any:
    return (await engine.execute(sql)).scalar()


@pytest.mark.parametrize(
    ("sql", "kind", "name", "table"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "create index", "i", "t"),
        (
            "/* CREATE INDEX x */ create unique index concurrently -- here\n"
            'if not exists "My ""I" ON ONLY "s t".t USING gin (a);',
            *("create index", '"My ""I"', '"s t".t'),
        ),
        ("DROP INDEX CONCURRENTLY IF EXISTS s.i", "drop index", "s.i", ""),
        ("REINDEX (VERBOSE) INDEX CONCURRENTLY s.i;", "reindex", "s.i", ""),
        ("ALTER TABLE a.p DETACH PARTITION b.c CONCURRENTLY;", "detach", "b.c", "a.p"),
        ("ALTER TYPE m ADD VALUE IF NOT EXISTS 'CREATE INDEX' BEFORE 'b'", "add value", "m", ""),
        ("VACUUM t", "", "", ""),
        ("DO $x$ DROP INDEX CONCURRENTLY $x$", "", "", ""),
    ],
)
def test_what_a_statement_is_about_is_in_its_words(
    sql: str, kind: str, name: str, table: str
) -> None:
    found = lasting(sql)
    assert (found.kind, found.name, found.table) == (kind, name, table)


def test_an_index_without_a_name_is_refused() -> None:
    with pytest.raises(MigrationError, match="needs a name"):
        lasting("CREATE INDEX CONCURRENTLY ON t (a)")


@pytest.mark.parametrize(
    "sql",
    [
        'CREATE INDEX CONCURRENTLY "New" ON public."People" (n);',
        "DROP INDEX CONCURRENTLY public.names;",
        "ALTER TYPE public.\"Mood\" ADD VALUE 'it''s';",
        "ALTER TABLE public.parts DETACH PARTITION public.part CONCURRENTLY;",
        'REINDEX INDEX CONCURRENTLY public."names";',
    ],
)
async def test_a_statement_whose_record_was_lost_is_not_run_again(
    database: Engine, project: Project, sql: str
) -> None:
    """The process was killed between the end of the statement and its record."""
    first = project.add("start", PEOPLE)
    second = project.add("alone", alone(sql))
    await migrate(database, project.directory)
    again = f"WHERE migration = '{second.id}'"
    await database.execute(f"UPDATE ormkit.step SET state = 'running' {again}")
    await database.execute(
        "UPDATE ormkit.migration SET state = 'running' WHERE id <> $1", [first.id]
    )
    done = await migrate(database, project.directory)
    assert done.migrations == (second.id,)
    assert await scalar(database, f"SELECT state FROM ormkit.step {again}") == "done"


async def test_an_index_that_was_there_before_is_not_taken_for_a_new_one(
    database: Engine, project: Project
) -> None:
    project.add("start", PEOPLE)
    project.add("again", alone('CREATE INDEX CONCURRENTLY names ON public."People" (n);'))
    for resume in (False, True):
        with pytest.raises(MigrationError, match="already exists"):
            await migrate(database, project.directory, resume=resume)


async def test_the_broken_index_of_duplicates_is_not_left(
    database: Engine, project: Project
) -> None:
    project.add("start", PEOPLE)
    project.add(
        "unique", alone('CREATE UNIQUE INDEX CONCURRENTLY kinds ON public."People" (kind);')
    )
    with pytest.raises(MigrationError) as raised:
        await migrate(database, project.directory)
    assert raised.value.sqlstate == "23505"
    assert await scalar(database, "SELECT to_regclass('kinds')") is None


@pytest.mark.parametrize(
    "sql",
    [
        'UPDATE public."People" SET n = n + 1 WHERE /* batch */ true;',
        'UPDATE public."People" AS p SET n = p.n + 1 WHERE p.kind >= 0 AND /* batch */ true',
        'UPDATE public."People" SET n = n + 1 FROM public.other WHERE other.kind = '
        '"People".kind AND /* batch */ true;',
    ],
)
async def test_batches_go_over_each_row_once_by_any_key(
    database: Engine, project: Project, sql: str
) -> None:
    other = "CREATE TABLE public.other AS SELECT kind FROM generate_series(0, 9) kind;"
    project.add("start", PEOPLE, other)
    project.add("fill", in_batches(sql, 7, 'public."People"', '"the id"', "kind"))
    await migrate(database, project.directory)
    assert await scalar(database, 'SELECT array_agg(DISTINCT n) FROM "People"') == [1]
    assert await scalar(database, "SELECT batches FROM ormkit.backfill") == 15


async def test_batches_over_an_empty_table_and_over_a_key_with_nulls(
    database: Engine, project: Project
) -> None:
    update = "UPDATE public.empty SET id = 1 WHERE /* batch */ true;"
    project.add("start", "CREATE TABLE public.empty (id int PRIMARY KEY, other int UNIQUE);")
    project.add("none", in_batches(update, 10, "public.empty", "id"))
    await migrate(database, project.directory)
    project.add("nulls", in_batches(update, 10, "public.empty", "other"))
    with pytest.raises(MigrationError, match=r"empty\.other may be NULL"):
        await migrate(database, project.directory)


async def test_batches_go_over_the_places_of_rows_without_a_key(
    database: Engine, project: Project
) -> None:
    facts = """CREATE TABLE public.facts (n int);
    INSERT INTO public.facts SELECT i FROM generate_series(1, 1000) i;
    CREATE TABLE public.parts (n int) PARTITION BY LIST (n); CREATE TABLE public.none (n int);"""
    update = "UPDATE public.{0} SET n = -n WHERE n > 0 AND /* batch */ true;"
    project.add("start", facts)
    for each in ("facts", "none"):
        project.add(each, in_batches(update.format(each), 70, f"public.{each}", "ctid"))
    await migrate(database, project.directory)
    assert await scalar(database, "SELECT max(n) FROM facts") == -1
    counts = "SELECT array_agg(batches ORDER BY migration DESC) FROM ormkit.backfill"
    assert (await scalar(database, counts))[1] in range(3, 6)
    project.add("parts", in_batches(update.format("parts"), 70, "public.parts", "ctid"))
    with pytest.raises(MigrationError, match=r"public\.parts has its rows in several tables"):
        await migrate(database, project.directory)


async def test_a_backfill_of_models_goes_on_where_it_failed(
    engine: Engine, project: Project
) -> None:
    """The models are the blog's, in place of those that are frozen beside a data.py."""
    data = """
from ormkit import AsyncSession, func
from ormkit.migrations import Backfill
from examples.blog.db import User, PostTag

calls = []

async def fail(rows):
    if rows[0].id > 20 and not calls:
        calls.append(1)
        raise ValueError("in the middle")
    for row in rows:
        row.name = row.name + "!"

async def migrate(session: AsyncSession, backfill: Backfill) -> None:
    changed = await backfill(User, set={"name": "x"}, where=User.id > 3, size=10)
    assert changed == 47, changed
    await backfill(User, each=fail, size=10)
"""
    await engine.execute(
        "INSERT INTO users (name, email) SELECT 'n', i || '@x' FROM generate_series(1, 50) i"
    )
    project.add("data", DATA_STEP, data=data.replace(", PostTag", ""))
    with pytest.raises(MigrationError, match="in the middle"):
        await migrate(engine, project.directory)
    assert await scalar(engine, "SELECT count(*) FROM users WHERE name LIKE '%!'") == 20
    project_data = project.directory / (project.last.id if project.last else "") / "data.py"
    project_data.write_text(project_data.read_text().replace("and not calls", "and calls"))
    await migrate(engine, project.directory, resume=True)
    assert await scalar(engine, "SELECT array_agg(DISTINCT name ORDER BY name) FROM users") == [
        *("n!", "x!")
    ]
