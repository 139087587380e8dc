"""One change of a schema whose tables have rows: from the schema file to the database."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from examples.blog.tour import heading
from ormkit import EmbeddedServer, create_engine
from ormkit_gen.cli import commands

BEFORE = """\
[models.Person]
table = "people"

[models.Person.columns]
id = { type = "bigint", primary_key = true }
name = "text"
"""
#: A column that may not be NULL: the rows that are there need a value.
ADDED = """role = { type = "text", backfill = "CASE id WHEN 1 THEN 'admin' ELSE 'member' END" }\n"""
MANY = "INSERT INTO people (name) SELECT 'person ' || n FROM generate_series(1, 12000) AS n"
COUNT = "SELECT role, count(*) FROM people GROUP BY role ORDER BY role"


def evolve() -> None:
    """Make a project with rows, change its schema, and bring the database there."""
    heading("Migrate")
    with (
        tempfile.TemporaryDirectory(prefix="blog-", ignore_cleanup_errors=True) as directory,
        EmbeddedServer.start(Path(directory) / "data") as server,
    ):
        project = Project(Path(directory), server.url)
        project.schema(BEFORE)
        project.ormkit("migrate", "new", "start")
        project.ormkit("migrate", "apply")
        print(f"$ psql -c {MANY!r}")
        asyncio.run(project.tell(MANY))
        print(f"\nschema.toml gets: {ADDED}", end="")
        project.schema(BEFORE + ADDED)
        project.ormkit("migrate", "new", "add-role")
        project.ormkit("migrate", "apply")
        project.ormkit("migrate", "status")
        print(f"\nAll rows are there: {asyncio.run(project.tell(COUNT))}")


class Project:
    """A project with one schema file, and with a database that is its shadow server, too."""

    def __init__(self, root: Path, url: str) -> None:
        self._root, self._url = root, url
        self._settings = root / "ormkit.toml"
        self._settings.write_text(
            f'database = "{url}"\nshadow = "{url}"\n\n'
            '[[targets]]\nschemas = ["schema.toml"]\noutput = "db"\n'
        )

    def schema(self, text: str) -> None:
        """Write the schema file."""
        (self._root / "schema.toml").write_text(text)

    def ormkit(self, *arguments: str) -> None:
        """Run a command, and show it."""
        print(f"\n$ ormkit {' '.join(arguments)}", flush=True)
        code = commands.run([*arguments, "--config", str(self._settings)])
        if code:
            raise SystemExit(code)

    async def tell(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement, and return its rows."""
        async with await create_engine(self._url, max_connections=1) as engine:
            return list((await engine.execute(sql)).tuples())
