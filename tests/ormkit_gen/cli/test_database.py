"""`ormkit db`: a server that outlives the command, and is found by others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit import EmbeddedServer
from tests.ormkit_gen.cli.conftest import SETTINGS, Command

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
def home() -> Iterator[Path]:
    """A project's directory with a path short enough for a socket; its server ends with it."""
    with tempfile.TemporaryDirectory(prefix="ormkit-") as name:
        (Path(name) / "ormkit.toml").write_text(SETTINGS)
        (Path(name) / "deep").mkdir()
        yield Path(name)
        server = EmbeddedServer.running(Path(name) / ".pgdata")
        if server is not None:
            server.shut_down()


def test_a_server_is_started_used_and_stopped(home: Path, shell: Command, ormkit: Command) -> None:
    """Beside the settings file, from wherever the commands are given."""
    assert ormkit("db", "status", cwd=home).returncode == 1
    started = shell("db", "start", cwd=home / "deep")
    assert started.returncode == 0, started.stderr
    assert (home / ".pgdata/PG_VERSION").exists()
    url = ormkit("db", "url", cwd=home).stdout.strip()
    assert url.startswith("postgresql://")
    assert started.stdout.splitlines()[-1] == url
    assert url in ormkit("db", "status", cwd=home).stdout
    asked = ormkit("db", "psql", "-At", "-c", "SELECT 6 * 7", cwd=home)
    assert (asked.returncode, asked.stdout) == (0, "42\n"), asked.stderr
    assert ormkit("db", "status", cwd=home).returncode == 0
    stopped = ormkit("db", "stop", cwd=home)
    assert (stopped.returncode, stopped.stdout) == (
        0,
        f"stopped the server of {home.resolve() / '.pgdata'}\n",
    )
    assert ormkit("db", "status", cwd=home).returncode == 1


def test_the_shell_starts_a_server_only_for_itself(home: Path, ormkit: Command) -> None:
    """And its exit code is the command's."""
    run = ormkit("db", "psql", "--path", "data", "-c", "SELECT broken", cwd=home)
    assert run.returncode == 1
    assert 'column "broken" does not exist' in run.stderr
    assert EmbeddedServer.running(home / "data") is None


def test_without_a_server_there_is_no_url(home: Path, ormkit: Command) -> None:
    run = ormkit("db", "url", cwd=home)
    assert (run.returncode, run.stdout) == (2, "")
    assert "ormkit db start" in run.stderr


def test_stopping_what_does_not_run_is_no_error(home: Path, ormkit: Command) -> None:
    run = ormkit("db", "stop", cwd=home)
    assert run.returncode == 0
    assert run.stdout.startswith("no server runs on ")


def test_a_directory_that_cannot_be_used_is_told(home: Path, ormkit: Command) -> None:
    (home / "data").mkdir()
    (home / "data/PG_VERSION").write_text("12\n")
    run = ormkit("db", "start", "--path", "data", cwd=home)
    assert run.returncode == 2
    assert "PostgreSQL 12" in run.stderr
    assert "Traceback" not in run.stderr
