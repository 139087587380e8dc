"""The same changes of a database, pulled into a schema in TOML and into one in Python."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from ormkit_gen.cli.commands import run
from ormkit_gen.ir import Schema
from ormkit_gen.project.settings import read_settings
from ormkit_gen.pull.project_files import ProjectFiles
from tests.lengths import IS_NIGHTLY
from tests.ormkit.catalog.changes import BASE, CHANGES
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

SETTINGS = """shadow = "{shadow}"

[[targets]]
schemas = ["schemas/app.{ending}"]
sql = ["sql/**/*.sql"]
output = "db"
"""
ENDINGS = ("toml", "py")


@dataclass
class Both:
    """A database, and a project in each language for it."""

    server: Server
    url: str
    root: Path

    def run(self, sql: str) -> None:
        """Change the database."""
        self.server.run_script(self.url, sql)

    def pull(self, ending: str) -> tuple[int, Schema]:
        """Pull into the project of a language; return the exit code and what its files say."""
        config = self.root / ending / "ormkit.toml"
        code = run(("pull", "--config", str(config), "--database", self.url))
        (target,) = read_settings(config).targets
        return code, ProjectFiles(config.parent, target).load()

    def files(self, ending: str) -> dict[str, bytes]:
        """Return the contents of all files of a project."""
        root = self.root / ending
        return {
            str(each.relative_to(root)): each.read_bytes()
            for each in root.rglob("*")
            if each.is_file()
        }


@pytest.fixture(scope="session")
def base(server18: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A database with an object of every kind, pulled in both languages, to copy."""
    root = tmp_path_factory.mktemp("both")
    for ending in ENDINGS:
        (root / ending).mkdir()
        settings = SETTINGS.format(shadow=server18.url, ending=ending)
        (root / ending / "ormkit.toml").write_text(settings)
    with server18.database() as url:
        server18.run_script(url, BASE)
        found = Both(server18, url, root)
        assert pulled_alike(found) == 0
        yield found


@pytest.fixture
def both(base: Both, tmp_path: Path) -> Iterator[Both]:
    """A database of the test's own, and its projects."""
    shutil.copytree(base.root, tmp_path, dirs_exist_ok=True)
    with base.server.database(base.url) as url:
        yield Both(base.server, url, tmp_path)


def pulled_alike(both: Both) -> int:
    """Pull into both projects; return the exit code."""
    (code, toml), (other, python) = (both.pull(ending) for ending in ENDINGS)
    assert python == toml
    assert other == code
    return code


def batches(size):
    names = list(CHANGES)
    return [names[at : at + size] for at in range(0, len(names), size)]


@pytest.mark.parametrize("changes", batches(8))
def test_each(both: Both, changes, capfd) -> None:
    done = []
    for change in changes:
        try:
            both.run(change)
            done.append(change)
        except Exception as e:
            pass
    code = pulled_alike(both)
    out = capfd.readouterr().out
    assert "not edited" not in out
    assert code == 0, out
    before = both.files("py")
    assert both.pull("py")[0] == 0
    assert both.files("py") == before
