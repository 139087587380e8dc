"""What `down` finds out about the data that a step would lose, whatever its SQL looks like."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from ormkit import Engine, MigrationError
from ormkit.migrations import Done, Options, down, migrate
from ormkit.migrations.progress import log
from tests.ormkit.migrations.projects import Project, Step, alone, in_batches

pytestmark = [pytest.mark.one_interpreter, pytest.mark.slow]

SCHEMA = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'glad');
CREATE TABLE app.users (id bigint PRIMARY KEY, name text, price numeric(12, 4), value app.mood,
    born timestamp);
INSERT INTO app.users VALUES (1, 'a', 1.5, 'sad', '2020-01-01'), (2, 'b', 2, 'glad', NULL),
    (3, NULL, NULL, NULL, NULL);
CREATE TABLE app.posts (id bigint PRIMARY KEY, user_id bigint REFERENCES app.users
    ON DELETE CASCADE);
INSERT INTO app.posts SELECT i, 1 + i % 3 FROM generate_series(1, 30) i;
CREATE TABLE app.events (id bigint, day date, note text) PARTITION BY RANGE (day);
CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO app.events VALUES (1, '2020-05-05', 'x'), (2, '2021-05-05', 'y');
CREATE FUNCTION app.clear() RETURNS void LANGUAGE sql AS 'DELETE FROM app.posts WHERE id = 7';
CREATE PROCEDURE app.sweep() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.posts; COMMIT; END $$;
CREATE INDEX posts_user ON app.posts (user_id);
"""
#: What a step does, and what it loses.
LOSSES = [
    ("TRUNCATE app.posts", "30 rows of app.posts"),
    ("SELECT app.clear()", "1 row of app.posts"),
    ("DO $$ BEGIN EXECUTE 'DROP ' || 'TABLE app.posts'; END $$", "30 values of app.posts.id"),
    ("DELETE FROM app.users WHERE id = 1", "1 row of app.users, 10 rows of app.posts"),
    ("UPDATE app.users SET name = upper(name)", "2 changed values of app.users.name"),
    (
        "MERGE INTO app.users u USING (SELECT 2 AS id) s ON u.id = s.id "
        "WHEN MATCHED THEN UPDATE SET price = 0",
        "1 changed value of app.users.price",
    ),
    (
        "ALTER TABLE app.users ALTER COLUMN price TYPE numeric(12, 4) USING 0",
        "2 changed values of app.users.price",
    ),
    (
        "ALTER TYPE app.mood RENAME TO old; CREATE TYPE app.mood AS ENUM ('sad');"
        "ALTER TABLE app.users ALTER COLUMN value TYPE app.mood USING 'sad'",
        "1 changed value of app.users.value",
    ),
    ("ALTER TABLE app.events DROP COLUMN note", "2 values of app.events.note;"),
    ("DROP TABLE app.events_2", "1 value of app.events_2.id"),
    ("DELETE FROM app.events WHERE id = 2", "1 row of app.events;"),
    ("DROP SCHEMA app CASCADE", "1 value of app.events_1.note"),
    (alone("DROP TABLE app.posts;"), "30 values of app.posts.user_id"),
    (alone("DELETE FROM app.users WHERE id = 1;"), "10 rows of app.posts"),
    (alone("CALL app.sweep();"), "invalid transaction termination"),
    (alone("VACUUM app.posts;"), "add --lose 20260102-0000-b-aaaa:1"),
    (
        in_batches(
            "UPDATE app.users SET name = 'x' WHERE /* batch */ true;", *(2, "app.users", "id")
        ),
        "2 changed values of app.users.name",
    ),
]
#: What loses nothing, and goes without a name.
HARMLESS = [
    "UPDATE app.users SET name = 'c' WHERE id = 3; INSERT INTO app.users VALUES (4, 'd')",
    "ALTER TABLE app.users ALTER COLUMN price TYPE numeric(10, 2)",
    "ALTER TABLE app.users ALTER COLUMN born TYPE timestamptz, ALTER COLUMN value TYPE text",
    "UPDATE app.events SET note = note",
    "ALTER TABLE app.events DETACH PARTITION app.events_2",
    "DELETE FROM app.posts WHERE id > 30; CREATE TEMPORARY TABLE t (id int); DROP TABLE t",
    alone("CREATE INDEX CONCURRENTLY posts_id ON app.posts (id, user_id);"),
    alone("DROP INDEX CONCURRENTLY app.posts_user;"),
    alone("REINDEX TABLE CONCURRENTLY app.posts;"),
    alone("ALTER TABLE app.users DROP COLUMN IF EXISTS other;"),
    in_batches("UPDATE app.users SET id = id WHERE /* batch */ true;", 2, "app.users", "id"),
]


async def take_down(engine: Engine, *lose: str) -> Done:
    return await down(engine, lose=lose, options=Options(), report=log)


async def prepare(engine: Engine, project: Project, *steps: str | Step) -> None:
    """Run a migration with the tables, and one that the steps take back."""
    project.add("a", SCHEMA)
    project.add("b", "SELECT 1;", down=steps)
    await migrate(engine, project.directory)


async def contents(engine: Engine) -> Any:
    sql = "SELECT (SELECT json_agg(u) FROM app.users u), (SELECT json_agg(p) FROM app.posts p), "
    return (await engine.execute(f"{sql} (SELECT json_agg(e) FROM app.events e)")).tuples()


async def test_a_step_that_loses_data_is_refused_and_changes_nothing(
    database: Engine, project: Project
) -> None:
    first = project.add("a", SCHEMA)
    await migrate(database, project.directory)
    before = await contents(database)
    for step, text in LOSSES:
        project.last = first
        second = project.add("b", "SELECT 1;", down=(step,))
        await migrate(database, project.directory)
        with pytest.raises(MigrationError) as raised:
            await take_down(database)
        assert text in str(raised.value)
        assert raised.value.code == "loses-data"
        assert await contents(database) == before
        shutil.rmtree(project.directory / second.id)
        await database.execute("DELETE FROM ormkit.migration WHERE id = $1", [second.id])


async def test_names_allow_what_steps_of_each_mode_lose(database: Engine, project: Project) -> None:
    steps = (
        "DELETE FROM app.users WHERE id = 1",
        in_batches(
            "DELETE FROM app.posts AS p WHERE user_id = 2 AND /* batch */ true;",
            *(4, "app.posts", "id"),
        ),
        alone("CALL app.sweep();"),
        alone("ALTER TABLE app.events DROP COLUMN note;"),
        alone("DROP TABLE app.events_2;"),
    )
    await prepare(database, project, *steps)
    names = ("users", "app.posts", "20260102-0000-b-aaaa:3", "events.note", "events_2")
    assert len((await take_down(database, *names)).migrations) == 1
    counts = "SELECT (SELECT count(*) FROM app.users), (SELECT count(*) FROM app.posts)"
    assert (await database.execute(counts)).tuples() == [(2, 0)]


async def test_steps_that_lose_nothing_need_no_name(database: Engine, project: Project) -> None:
    await prepare(database, project, *HARMLESS)
    assert len((await take_down(database)).migrations) == 1


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM app.users; COMMIT; SELECT 1", "ended-transaction"),
        ("ROLLBACK; DELETE FROM app.users", "failed-step"),
    ],
)
async def test_a_step_that_ends_its_transaction_changes_nothing(
    database: Engine, project: Project, sql: str, code: str
) -> None:
    await prepare(database, project, sql)
    before = await contents(database)
    with pytest.raises(MigrationError) as raised:
        await take_down(database, "app.users", "app.posts")
    assert raised.value.code == code
    assert await contents(database) == before


async def test_batches_that_lose_something_late_leave_the_down_half_done(
    database: Engine, project: Project
) -> None:
    sql = "DELETE FROM app.posts WHERE id > 20 AND /* batch */ true;"
    await prepare(database, project, in_batches(sql, 10, "app.posts", "id"))
    with pytest.raises(MigrationError, match=r"loses data: 10 rows of app\.posts"):
        await take_down(database)
    states = "SELECT state FROM ormkit.migration ORDER BY position DESC LIMIT 1"
    assert (await database.execute(states)).scalar() == "reverting"
    assert len((await take_down(database, "app.posts")).migrations) == 1


async def test_rows_that_row_level_security_hides_are_no_empty_table(
    database: Engine, project: Project
) -> None:
    await prepare(database, project, "ALTER TABLE app.users DROP COLUMN name")
    await database.execute("DROP ROLE IF EXISTS keeper")
    await database.execute("CREATE ROLE keeper")
    for sql in (
        *("GRANT ALL ON SCHEMA app, ormkit TO keeper", "ALTER TABLE app.users OWNER TO keeper"),
        *("GRANT ALL ON ALL TABLES IN SCHEMA ormkit TO keeper",),
        "ALTER TABLE app.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    ):
        await database.execute(sql)
    try:
        options = Options(role="keeper")
        with pytest.raises(MigrationError, match=r"users that row-level security hides"):
            await down(database, options=options, report=log)
        done = await down(database, lose=["app.users"], options=options, report=log)
        assert len(done.migrations) == 1
    finally:
        await database.execute("DROP OWNED BY keeper CASCADE")
        await database.execute("DROP ROLE keeper")
