"""The catalog of a database, and the shadow on which a schema is built."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ormkit import DatabaseError, create_engine
from ormkit.catalog import Catalog, Fact, compare, read_catalog, shadow_catalog
from tests.ormkit.catalog.changes import BASE
from tests.servers import ContribServer, Server

pytestmark = pytest.mark.one_interpreter


def catalog_of(url: str, *, rights: bool = False) -> Catalog:
    async def read() -> Catalog:
        async with await create_engine(url, max_connections=1) as engine:
            return await read_catalog(engine, rights=rights)

    return asyncio.run(read())


def shadow(url: str, sql: str) -> Catalog:
    return asyncio.run(shadow_catalog(url, sql))


@pytest.fixture(scope="module")
def base(server18: Server) -> Iterator[str]:
    """The URL of a database with an object of every kind, which the tests copy."""
    with server18.database() as url:
        server18.run_script(url, BASE)
        yield url


def test_equal_databases_of_two_versions_have_the_same_facts(
    server18: Server, server16: Server
) -> None:
    catalogs: list[Catalog] = []
    for server in (server16, server18):
        with server.database() as url:
            server.run_script(url, BASE)
            catalogs.append(catalog_of(url))
    assert [each.server_version for each in catalogs] == [16, 18]
    assert compare(*catalogs) == []


def test_notes_of_the_server_among_the_options_of_columns_are_no_facts(server18: Server) -> None:
    """Servers of 15.20 and later minor versions write them; here an UPDATE does."""
    sql = """
        CREATE TABLE t (id integer PRIMARY KEY, name text);
        ALTER TABLE t ALTER name SET (n_distinct = 5, n_distinct_inherited = 6);
        CREATE VIEW v AS SELECT * FROM t;
    """
    notes = """
        UPDATE pg_attribute SET attoptions = array_prepend('pg_attver=' || oid, attoptions)
        FROM pg_class WHERE oid = attrelid AND relname IN ('t', 'v')
    """
    expected = shadow(server18.url, sql)
    with server18.database() as url:
        server18.run_script(url, sql + notes)
        found = catalog_of(url)
    assert compare(expected, found) == []
    options = found.get(("table public.t", "column options", "name"))
    assert options is not None
    assert options.definition == "n_distinct=5, n_distinct_inherited=6"


def test_a_database_of_postgresql_15_with_extensions_is_read(
    contrib_server: ContribServer,
) -> None:
    with contrib_server.database() as url:
        contrib_server.run_script(
            url,
            "CREATE EXTENSION citext; CREATE EXTENSION tablefunc; CREATE TABLE t (a citext)",
        )
        found = catalog_of(url)
    assert found.get(("extension citext", "object", "")) is not None
    # Hundreds of functions and operators belong to the extensions, and a composite type.
    assert found.objects == {
        *("extension citext", "extension tablefunc", "schema public", "table public.t"),
    }


def test_a_role_without_rights_reads_the_same(server18: Server, base: str) -> None:
    with server18.database(template=base) as url:
        whole = catalog_of(url)
        server18.run_script(url, "CREATE ROLE stranger LOGIN; REVOKE ALL ON SCHEMA app FROM PUBLIC")
        try:
            assert catalog_of(url.replace("postgres@", "stranger@")) == whole
        finally:
            server18.run_script(url, "DROP ROLE stranger")


def test_owners_and_grants_are_read_where_that_is_asked_for(server18: Server, base: str) -> None:
    with server18.database(template=base) as url:
        server18.run_script(url, "GRANT SELECT ON app.parent TO PUBLIC")
        found = catalog_of(url, rights=True)
        assert compare(catalog_of(url), found) == []
    rights = {fact for fact in found if fact.kind in ("owner", "grant")}
    assert Fact("table app.parent", "owner", "", "postgres") in rights
    assert Fact("table app.parent", "grant", "PUBLIC", "SELECT") in rights


def test_reading_changes_nothing(server18: Server, base: str) -> None:
    count = "SELECT xact_commit, tup_inserted, tup_updated, tup_deleted FROM pg_stat_database"
    with server18.database(template=base) as url:
        written = f"{count} WHERE datname = current_database()"
        before = server18.fetch(url, written)[0]
        catalog_of(url)
        after = server18.fetch(url, written)[0]
    assert before[1:] == after[1:]


def test_a_shadow_is_built_read_and_dropped(server18: Server, base: str) -> None:
    databases = "SELECT datname FROM pg_database WHERE datname LIKE 'ormkit_shadow%'"
    with server18.database() as url:
        server18.run_script(url, BASE)
        assert compare(shadow(url, BASE), catalog_of(url)) == []
        assert server18.fetch(url, databases) == []
        with pytest.raises(DatabaseError, match="nothing"):
            shadow(url, "CREATE TABLE half (a integer); SELECT nothing()")
        assert server18.fetch(url, databases) == []


def test_a_thousand_tables_are_read_by_a_fixed_number_of_statements(
    server18: Server,
) -> None:
    many = ";".join(f"CREATE TABLE t{n} (a integer PRIMARY KEY, b text)" for n in range(1000))
    with server18.database() as url:
        server18.run_script(url, many)
        found = catalog_of(url)
    assert len(found) == 1 + 1000 * 5
