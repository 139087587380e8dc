"""`ormkit init`: a project that works at once, in an empty directory and in one that is in use."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit import EmbeddedServer
from tests.ormkit_gen.cli.conftest import Command

pytestmark = pytest.mark.one_interpreter


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory with a path short enough for a socket; its server ends with it."""
    with tempfile.TemporaryDirectory(prefix="ormkit-") as name:
        yield Path(name)
        for data in Path(name).rglob(".pgdata"):
            server = EmbeddedServer.running(data)
            if server is not None:
                server.shut_down()


def run_program(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(directory / "main.py")],
        # Its database and its migrations are beside it, wherever it is called.
        cwd=directory.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("options", [[], ["--python"]])
def test_a_new_project_works_at_once(home: Path, ormkit: Command, options: list[str]) -> None:
    """Its program runs twice on its own database, and its code is up to date."""
    run = ormkit("init", "my blog", *options, cwd=home)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "python main.py" in run.stdout
    blog = home / "my blog"
    for _ in range(2):
        program = run_program(blog)
        assert program.returncode == 0, program.stderr
        assert program.stdout == (
            "published: 1\nAda wrote 2 posts:\n  Notes on the engine\n  A draft\n"
        )
    assert ormkit("generate", "--check", cwd=blog).returncode == 0
    assert [path.name[13:20] for path in (blog / "migrations").iterdir()] == ["-start-"]
    assert 'name = "my-blog"' in (blog / "pyproject.toml").read_text()


def test_both_spellings_generate_the_same_package(home: Path, ormkit: Command) -> None:
    for name, options in (("one", []), ("two", ["--python"])):
        assert ormkit("init", name, *options, cwd=home).returncode == 0
    for path in (home / "one/db").iterdir():
        assert path.read_bytes() == (home / "two/db" / path.name).read_bytes(), path.name


def test_a_project_s_own_pyproject_is_left_alone(home: Path, ormkit: Command) -> None:
    """The settings go into ormkit.toml; the README and .gitignore stay, too."""
    for name in ("pyproject.toml", "README.md", ".gitignore"):
        (home / name).write_text("# mine\n")
    run = ormkit("init", cwd=home)
    assert run.returncode == 0, run.stderr
    for name in ("pyproject.toml", "README.md", ".gitignore"):
        assert (home / name).read_text() == "# mine\n"
    for name in ("README.md", ".gitignore"):
        assert f"not changed: {name}" in run.stdout
    assert "dd .pgdata/ to .gitignore" in run.stdout
    assert ormkit("generate", "--check", cwd=home).returncode == 0


@pytest.mark.parametrize(
    "name", ["main.py", "schemas/blog.toml", "db/mine.py", "ormkit.toml", "migrations/mine.py"]
)
def test_a_file_in_the_way_is_named_and_nothing_is_written(
    home: Path, ormkit: Command, name: str
) -> None:
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).write_text("# mine\n")
    run = ormkit("init", cwd=home)
    assert run.returncode == 2
    assert f"{name.removesuffix('/mine.py')} already exists" in run.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == [home / name]


def test_a_project_is_not_begun_twice(home: Path, ormkit: Command) -> None:
    assert ormkit("init", cwd=home).returncode == 0
    run = ormkit("init", cwd=home)
    assert run.returncode == 2
    assert "[tool.ormkit]" in run.stderr


def test_other_schemas_beside_it_do_not_matter(home: Path, ormkit: Command) -> None:
    """A settings file further up belongs to another project."""
    (home / "ormkit.toml").write_text("targets = 3\n")
    assert ormkit("init", "inner", cwd=home).returncode == 0
