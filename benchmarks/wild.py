"""Pull public schemas, and count what comes out exact: `python -m benchmarks.wild DIRECTORY`.

For each file of SQL, as `pg_dump --schema-only` writes it, a database is built, pulled, generated
and imported, and every model reads its table. The files are other people's: they are read from
where they are, and nothing of them is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ormkit import DatabaseError, EmbeddedServer, create_engine
from ormkit.catalog import Catalog, Fact, compare
from ormkit.catalog.comparison import RIGHTS
from ormkit.catalog.shadow import database_url
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.generation import build_packages, read_schemas, write_packages
from ormkit_gen.output.file_changes import write_texts
from ormkit_gen.project.settings import read_settings
from ormkit_gen.pull.pull import Pull, pull
from ormkit_gen.pull.target_choice import choose_target

#: Where the files are, if no argument says it.
VARIABLE = "ORMKIT_WILD_SCHEMAS"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = """[[targets]]
schemas = ["schemas/*.toml"]
sql = ["sql/**/*.sql"]
output = "db"
"""
REFRESH = """
DO $$
DECLARE each regclass;
BEGIN
    FOR each IN SELECT oid FROM pg_class WHERE relkind = 'm' LOOP
        EXECUTE 'REFRESH MATERIALIZED VIEW ' || each;
    END LOOP;
END $$"""
#: Runs in a process of its own: every model counts the rows of its table, and reads them.
READER = """
import asyncio, json, sys
import db
from ormkit import AsyncSession, Model, create_engine

async def main(url):
    failures, models = {}, 0
    async with await create_engine(url) as engine:
        session = AsyncSession(engine)
        for name, each in vars(db).items():
            if isinstance(each, type) and issubclass(each, Model):
                models += 1
                try:
                    count, rows = await session.query(each).count(), await session.query(each).all()
                    assert count == len(rows)
                except Exception as error:
                    failures[name] = f"{type(error).__name__}: {error}"[:200]
    print(json.dumps({"models": models, "failures": failures}))

asyncio.run(main(sys.argv[1]))
"""


@dataclass(slots=True)
class Row:
    """What became of one schema."""

    name: str
    tables: int = 0
    facts: int = 0
    exact: int = 0
    #: Facts that the schema language says, and those that are verbatim in files of SQL.
    language: int = 0
    verbatim: int = 0
    #: Facts that the files do not make, or make otherwise: listed by `pull`, and not.
    absent: int = 0
    silent: int = 0
    models: int = 0
    #: Models that could not read their table.
    unread: int = 0
    #: Files that a second pull changes.
    again: int = 0
    mypy: int = -1
    pyright: int = -1
    seconds: float = 0.0


async def build_database(server: str, name: str, script: str) -> str:
    """Return the URL of a new database with the statements of a dump."""
    async with await create_engine(server, max_connections=1) as engine:
        await engine.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await engine.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    url = database_url(server, name)
    lines = [line for line in script.splitlines() if not line.startswith("\\")]
    async with (
        await create_engine(url, max_connections=1) as engine,
        engine.pool.connection() as connection,
    ):
        await connection.script("\n".join(lines))
        # A dump without rows leaves materialized views unreadable.
        await connection.script(REFRESH)
    return url


async def run_one(server: str, name: str, script: str, root: Path, *, types: bool) -> Row:
    """Pull, generate and read one schema in a directory of its own."""
    row, began = Row(name), time.perf_counter()
    url = await build_database(server, f"wild_{name}", script)
    (root / "ormkit.toml").write_text(SETTINGS)
    settings = read_settings(root / "ormkit.toml", needs_schemas=False)
    found = await pull(url, choose_target(settings, None, None), shadow=server)
    write_texts(root, found.texts)
    if found.failure:
        print(f"{name}: {found.failure[0].message}", file=sys.stderr)
    else:
        count_facts(row, found, await expected_catalog([found.schema], server))
    settings = read_settings(root / "ormkit.toml")
    second = await pull(url, choose_target(settings, None, None), shadow=server)
    row.again = len(second.texts)
    reading = read_schemas(settings, settings.targets)
    write_packages(build_packages(settings.targets, reading.schemas, lambda done, of: None))
    read_rows(row, url, root)
    if types:
        row.mypy = errors_of(["-m", "mypy", "--strict", "db"], root)
        row.pyright = errors_of(["-m", "pyright", "--pythonpath", sys.executable, "db"], root)
    row.seconds = time.perf_counter() - began
    return row


def count_facts(row: Row, found: Pull, built: Catalog) -> None:
    """Count the facts of a database by how the files say them."""
    live = found.snapshot.catalog
    verbatim = {plain(each.label) for each in found.document.objects}
    listed = {plain(each.difference.fact.object) for each in found.unproven}
    parents = {
        plain(each.fact.object) for each in compare(built, live) if each.fact.kind == "object"
    }
    row.tables = len(found.snapshot.tables)
    for fact in live:
        if fact.kind in RIGHTS:
            continue
        row.facts += 1
        if built.get(fact.key) == fact:
            row.exact += 1
            if is_verbatim(fact, verbatim):
                row.verbatim += 1
            else:
                row.language += 1
        elif plain(fact.object) in listed | parents:
            row.absent += 1
            print(f"{row.name}: absent: {fact}", file=sys.stderr)
        else:
            row.silent += 1
            print(f"{row.name}: silent: {fact}", file=sys.stderr)
    for fact in built:
        if live.get(fact.key) is None and fact.kind not in RIGHTS:
            print(f"{row.name}: too much: {fact}", file=sys.stderr)
            row.silent += plain(fact.object) not in listed


def is_verbatim(fact: Fact, objects: set[str]) -> bool:
    """Return whether a file of SQL says the fact. The columns of a view are a model's."""
    whole = plain(fact.object)
    part = fact.name.rpartition(" ")[2] if fact.kind == "comment" else fact.name
    own = whole.partition(" ")[2].removeprefix("view ")
    kinds = ("trigger", "policy", "rule", "constraint")
    if fact.kind in (*kinds, "comment") and any(
        f"{kind} {part} on {own}" in objects for kind in kinds
    ):
        return True
    if fact.kind == "clustered":
        return f"statement cluster {own}" in objects
    return whole in objects and fact.kind != "column"


def read_rows(row: Row, url: str, root: Path) -> None:
    """Let every model read its table, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", READER, url],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
    )
    if run.returncode:
        print(run.stderr[-2000:], file=sys.stderr)
        row.unread = -1
        return
    told = json.loads(run.stdout)
    row.models, row.unread = told["models"], len(told["failures"])
    for name, error in told["failures"].items():
        print(f"{row.name}: {name} cannot be read: {error}", file=sys.stderr)


def errors_of(command: Sequence[str], root: Path) -> int:
    """Return how many errors a type checker finds."""
    run = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if ": error:" in line or " - error:" in line]
    if lines:
        print("\n".join(lines[:20]), file=sys.stderr)
    return len(lines)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    names = [field.name for field in fields(Row)]
    total = Row("together")
    for row in rows:
        for name in names[1:]:
            setattr(total, name, getattr(total, name) + max(0, getattr(row, name)))
    yield f"| {' | '.join(names)} | % |"
    yield f"|{' --- |' * (len(names) + 1)}"
    for row in [*rows, total]:
        values = asdict(row)
        values["seconds"] = f"{row.seconds:.1f}"
        share = f"{100 * row.exact / row.facts:.2f}" if row.facts else "-"
        yield f"| {' | '.join(str(values[name]) for name in names)} | {share} |"


@contextmanager
def server(url: str | None) -> Generator[str]:
    """Yield the URL of the server for the databases and the shadow: the given one, or embedded."""
    if url is not None:
        yield url
        return
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ormkit-wild-")))
        yield stack.enter_context(EmbeddedServer.start(data / "data", settings=FAST)).url


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Return 1 if a fact differs in silence or a model cannot read its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", nargs="?", default=os.environ.get(VARIABLE))
    parser.add_argument("--server", help="URL of a server that may create databases")
    parser.add_argument("--only", action="append", help="names of files without their ending")
    parser.add_argument("--types", action="store_true", help="run mypy and pyright, too")
    parser.add_argument("--keep", type=Path, help="a directory for the projects")
    given = parser.parse_args(arguments)
    if not given.directory:
        parser.error(f"name the directory of the schemas, or set {VARIABLE}")
    rows: list[Row] = []
    with (
        server(given.server) as url,
        tempfile.TemporaryDirectory(prefix="ormkit-wild-") as temporary,
    ):
        for file in sorted(Path(given.directory).glob("*.sql")):
            if given.only and file.stem not in given.only:
                continue
            root = (given.keep or Path(temporary)) / file.stem
            root.mkdir(parents=True)
            script = file.read_text(encoding="utf-8")
            try:
                row = asyncio.run(
                    run_one(url, file.stem, script, root.resolve(), types=given.types)
                )
            except (SchemaError, Refusal, DatabaseError) as error:
                print(f"{file.stem}: {error}", file=sys.stderr)
                row = Row(file.stem, silent=-1, unread=-1)
            rows.append(row)
    print("\n".join(table(rows)))
    return int(any(row.silent or row.unread or row.again for row in rows))


if __name__ == "__main__":
    sys.exit(main())
