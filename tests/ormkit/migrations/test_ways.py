"""Migrations by each way to a server, as roles that own nothing, and after broken connections."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ormkit import EmbeddedServer, Engine, MigrationError, create_engine
from ormkit.migrations import Options, Progress, migrate, read_status
from tests.ormkit.migrations.projects import DATA_STEP, Project, alone, in_batches
from tests.reliability.bouncer import Bouncer
from tests.reliability.secure_server import PASSWORD, SecureServer
from tests.servers import Server

pytestmark = [pytest.mark.one_interpreter, pytest.mark.slow]

DATA = """
async def migrate(session, backfill):
    await session.execute_raw(
        "INSERT INTO things SELECT current_user::text = 'owner', 7 ON CONFLICT DO NOTHING"
    )
"""


def fill(project: Project) -> None:
    project.add(
        *("all", "CREATE TABLE public.things (is_owner boolean, id integer PRIMARY KEY);"),
        "INSERT INTO public.things SELECT false, i FROM generate_series(100, 130) i;",
        alone("CREATE INDEX CONCURRENTLY things_owner ON public.things (is_owner);"),
        in_batches(
            "UPDATE public.things SET is_owner = (current_user = 'owner') WHERE /* batch */ true;",
            *(10, "public.things", "id"),
        ),
        DATA_STEP,
        data=DATA,
    )


async def counts(engine: Engine) -> Any:
    sql = "SELECT count(*), count(*) FILTER (WHERE is_owner) FROM public.things"
    return (await engine.execute(sql)).tuples()[0]


async def test_a_pooler_of_transactions_is_refused_and_one_of_sessions_is_not(
    database_url: str, bouncer: Bouncer, encrypted: Bouncer, project: Project
) -> None:
    fill(project)
    async with bouncer.engine(database_url) as engine:
        with pytest.raises(MigrationError) as raised:
            await migrate(engine, project.directory)
    assert raised.value.code == "pooled"
    assert "give the URL of the server itself" in str(raised.value)
    # Through TLS, and with a backend of its own.
    async with encrypted.engine(database_url) as engine:
        await migrate(engine, project.directory)
        assert await counts(engine) == (32, 0)


@pytest.mark.parametrize("mode", ["disable", "require"])
async def test_debians_postgresql_runs_them_over_tcp_and_tls_as_a_role_with_few_rights(
    secure: SecureServer, project: Project, mode: str
) -> None:
    fill(project)
    user = "edsger" if mode == "disable" else "ada"
    url = secure.url(mode, user=f"{user}:{PASSWORD}")
    async with (
        await create_engine(secure.url("require")) as superuser,
        await create_engine(url) as engine,
    ):
        with pytest.raises(MigrationError) as raised:
            await migrate(engine, project.directory)
        assert raised.value.code == "no-right"
        assert f"run CREATE SCHEMA ormkit AUTHORIZATION {user}" in str(raised.value)
        await superuser.execute(f"CREATE SCHEMA ormkit AUTHORIZATION {user}")
        try:
            await migrate(engine, project.directory)
            assert await counts(superuser) == (32, 0)
        finally:
            await superuser.execute("DROP SCHEMA ormkit CASCADE")
            await superuser.execute("DROP TABLE IF EXISTS public.things")


async def test_the_owner_of_the_tables_runs_every_step(database_url: str, project: Project) -> None:
    fill(project)
    async with await create_engine(database_url) as engine:
        with pytest.raises(MigrationError) as raised:
            await migrate(engine, project.directory, options=Options(role="no one"))
        assert raised.value.code == "wrong-role"
        await engine.execute("DROP ROLE IF EXISTS owner")
        await engine.execute("CREATE ROLE owner")
        try:
            await engine.execute("GRANT ALL ON SCHEMA public TO owner")
            await engine.execute("CREATE SCHEMA state AUTHORIZATION owner")
            options = Options(role="owner", schema="state")
            await migrate(engine, project.directory, options=options)
            assert await counts(engine) == (32, 32)
            owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ($1, $2)"
            found = await engine.execute(owners, ["public", "state"])
            assert found.tuples() == [("owner",)]
        finally:
            await engine.execute("DROP OWNED BY owner")
            await engine.execute("DROP ROLE owner")


async def test_a_schema_with_other_tables_is_not_taken(database_url: str, project: Project) -> None:
    fill(project)
    async with await create_engine(database_url) as engine:
        await engine.execute("CREATE SCHEMA mine")
        await engine.execute("CREATE TABLE mine.own ()")
        with pytest.raises(MigrationError) as raised:
            await migrate(engine, project.directory, options=Options(schema="mine"))
    assert raised.value.code == "taken-schema"


async def test_a_run_goes_on_after_its_connection_broke(
    database_url: str, project: Project, server18: Server
) -> None:
    fill(project)
    async with await create_engine(database_url) as engine:
        ended: list[str] = []

        def end(progress: Progress) -> None:
            """End the backend once in each step, and in the middle of the batches."""
            place = f"{progress.step} {progress.batches}"
            if progress.what in ("step", "batch") and place not in ended:
                ended.append(place)
                sql = "SELECT pg_terminate_backend(pid) FROM ormkit.lease"
                tasks.append(asyncio.ensure_future(engine.execute(sql)))

        tasks: list[asyncio.Future[Any]] = []
        done = await migrate(engine, project.directory, progress=end)
        await asyncio.gather(*tasks)
        assert len(done.migrations) == 1
        assert await counts(engine) == (32, 0)
        assert len(ended) >= 5
        rows = await engine.execute("SELECT rows FROM ormkit.backfill")
        assert rows.scalar() == 31


async def test_a_standby_is_refused_and_its_status_is_read(
    project: Project, server_directory: Path
) -> None:
    fill(project)
    directory = server_directory / "standby"
    with EmbeddedServer.start(directory, version=18, settings={"fsync": "off"}):
        pass
    (directory / "standby.signal").touch()
    with EmbeddedServer.start(directory, version=18) as standby:
        async with await create_engine(standby.url) as engine:
            with pytest.raises(MigrationError) as raised:
                await migrate(engine, project.directory)
            assert raised.value.code == "standby"
            status = await read_status(engine, project.directory, Options())
            assert len(status.pending) == 1


async def test_settings_of_a_database_and_event_triggers_change_nothing(
    database_url: str, project: Project
) -> None:
    fill(project)
    settings = {
        "default_transaction_read_only": "on",
        "default_transaction_isolation": "serializable",
        "search_path": "nowhere",
        "datestyle": "German",
        "timezone": "Asia/Tokyo",
        "statement_timeout": "1s",
        "idle_in_transaction_session_timeout": "1s",
        "lock_timeout": "1s",
        "standard_conforming_strings": "off",
    }
    name = urlsplit(database_url).path[1:]
    async with await create_engine(database_url) as engine:
        await engine.execute(
            "CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE WARNING 'ddl %', tg_tag; END $$"
        )
        await engine.execute("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION tell()")
        for word, value in settings.items():
            await engine.execute(f"ALTER DATABASE {name} SET {word} = '{value}'")
    async with await create_engine(database_url) as engine:
        await migrate(engine, project.directory)
        status = await read_status(engine, project.directory, Options())
        assert status.is_current
        assert status.records[0].started[4] == "-"
        assert (await engine.execute("SELECT count(*) FROM public.things")).scalar() == 32
