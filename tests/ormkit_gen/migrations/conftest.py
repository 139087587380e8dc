"""Projects with a first migration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.cli.commands import run
from tests.servers import Server

TARGET = '[[targets]]\nschemas = ["schema.toml"]\noutput = "db"\n'
#: Begins a project in a directory with a schema, and enters the directory.
Begin = Callable[[Path, str], None]


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The projects that were begun, by their schemas: planning the same migration takes long."""
    return {"": tmp_path_factory.mktemp("started")}


@pytest.fixture
def begin(server18: Server, started: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Return what begins a project with settings, a schema, and its first migration.

    Each project has its own cache, but for the catalogs of schemas.
    """

    def begun(directory: Path, schema: str) -> None:
        catalogs = started[""] / "catalogs"
        catalogs.mkdir(exist_ok=True)
        (directory / "cache/ormkit").mkdir(parents=True)
        (directory / "cache/ormkit/catalogs").symlink_to(catalogs)
        monkeypatch.setenv("XDG_CACHE_HOME", str(directory / "cache"))
        if schema not in started:
            project = started[""] / str(len(started))
            project.mkdir()
            (project / "schema.toml").write_text(schema)
            settings = project / "ormkit.toml"
            settings.write_text(f'shadow = "{server18.url}"\n{TARGET}')
            assert run(["migrate", "new", "start", "--config", str(settings)]) == 0
            started[schema] = project
        shutil.copytree(started[schema], directory, dirs_exist_ok=True)
        monkeypatch.chdir(directory)

    return begun
