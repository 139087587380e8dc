"""The wheel in a clean environment outside the repository, as a user gets it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def environment(wheel: Path, server_directory: Path) -> Path:
    """A new virtual environment with the wheel and nothing but what it needs itself."""
    directory = server_directory / "venv"
    venv.create(directory, with_pip=True)
    install(directory, str(wheel))
    return directory


def install(environment: Path, *requirements: str) -> None:
    constraints = str(ROOT / "constraints.txt")
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "-q", "-c", constraints]
    subprocess.run([*pip, *requirements], check=True, capture_output=True)


def run(environment: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment, without anything of the repository in sight."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    program = str(environment / "bin" / command[0])
    return subprocess.run(
        [program, *command[1:]], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_both_packages_the_templates_and_the_type_markers(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"ormkit/py.typed", "ormkit/__init__.py", "ormkit_gen/__main__.py"} <= names
    templates = {str(file.relative_to(ROOT)) for file in (ROOT / "templates").rglob("*.jinja")}
    assert {f"ormkit_gen/{name}" for name in templates} <= names
    assert not [name for name in names if name.startswith(("tests", "examples", "templates"))]


def test_the_runtime_alone_needs_asyncpg_only_and_tells_what_the_command_needs(
    environment: Path, tmp_path: Path
) -> None:
    listed = run(environment, tmp_path, "pip", "list", "--format=freeze").stdout
    installed = {line.partition("==")[0].lower() for line in listed.split()}
    assert installed - {"pip", "setuptools"} <= {"ormkit", "asyncpg", "async-timeout"}
    assert (
        run(environment, tmp_path, "python", "-W", "error", "-c", "import ormkit").returncode == 0
    )
    told = run(environment, tmp_path, "ormkit", "generate")
    assert told.returncode == 2
    assert "pip install 'ormkit[gen]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_project_from_init_generates_imports_and_queries(
    wheel: Path, environment: Path, server_directory: Path
) -> None:
    install(environment, f"{wheel}[gen,embedded]")
    home = server_directory / "user"
    home.mkdir()
    made = run(environment, home, "ormkit", "init", "app")
    assert made.returncode == 0, made.stderr
    project = home / "app"
    first = run(environment, project, "python", "main.py")
    assert first.returncode == 0, first.stderr
    assert "Ada wrote 2 posts" in first.stdout
    again = run(environment, project, "python", "main.py")
    assert again.stdout == first.stdout
    schema = project / "schemas/blog.toml"
    schema.write_text(schema.read_text().replace("bio =", "about ="))
    assert run(environment, project, "ormkit", "generate", "--check").returncode == 1
    assert run(environment, project, "ormkit", "generate").returncode == 0
    assert run(environment, project, "ormkit", "generate", "--check").returncode == 0
    assert "about: str | None" in (project / "db/user.py").read_text()
