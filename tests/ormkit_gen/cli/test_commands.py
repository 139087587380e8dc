"""The command itself: version, help, and what it says when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ormkit_gen.cli import commands
from ormkit_gen.version import ormkit_version
from tests.ormkit_gen.cli.conftest import Command


def test_the_version_is_the_distribution_s(ormkit: Command) -> None:
    from ormkit import __version__

    assert ormkit("--version").stdout == f"ormkit, version {__version__}\n"
    assert ormkit_version() == __version__


@pytest.mark.parametrize(
    "command",
    [["generate"], ["sql"], ["init"], *(["db", name] for name in ("start", "stop", "status"))],
)
def test_every_command_shows_an_example_of_itself(command: list[str], ormkit: Command) -> None:
    run = ormkit(*command, "--help")
    assert run.returncode == 0
    assert "Example" in run.stdout
    assert f"ormkit {' '.join(command)}" in run.stdout.partition("Example")[2]


def test_help_takes_no_heavy_import() -> None:
    """Neither the templates, nor black, nor the runtime are loaded for a help text."""
    script = (
        "import sys; from ormkit_gen.cli import run; run(['generate', '--help']);"
        "sys.exit(repr({'jinja2', 'black', 'asyncpg', 'ormkit'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.stderr == "set()\n"


def test_an_unknown_command_is_an_error(shell: Command) -> None:
    run = shell("genrate")
    assert run.returncode == 2
    assert "genrate" in run.stderr


@pytest.mark.parametrize("package", ["click", "jinja2", "black", "tomli"])
def test_without_the_extra_it_says_what_to_install(package: str, tmp_path: Path) -> None:
    """One line that names the package and one to copy; no traceback."""
    (tmp_path / "hide.py").write_text(
        f"import sys\nsys.modules['{package}'] = None\n"
        "sys.argv[1:] = ['sql']\n"
        "from ormkit_gen.__main__ import main\nmain()\n"
    )
    (tmp_path / "ormkit.toml").write_text('[[targets]]\nschemas=["a.toml"]\noutput="db"\n')
    (tmp_path / "a.toml").write_text(
        '[models.A.columns]\nid = { type = "bigint", primary_key = true }\n'
    )
    if package in ("jinja2", "black"):
        # Only what renders code needs these.
        text = (tmp_path / "hide.py").read_text().replace("'sql'", "'generate'")
        (tmp_path / "hide.py").write_text(text)
    run = subprocess.run(
        [sys.executable, "hide.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == 2
    assert run.stderr == (
        f"error: the command needs the package '{package}', which is not installed\n"
        "  pip install 'ormkit-pg[gen]'\n"
    )


def test_an_unexpected_error_is_called_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The traceback comes with --debug or ORMKIT_DEBUG, not unasked."""

    def broken(start: Path) -> Path:
        raise ZeroDivisionError("of my own making")

    monkeypatch.setattr("ormkit_gen.cli.invocation.find_settings", broken)
    monkeypatch.delenv("ORMKIT_DEBUG", raising=False)
    assert commands.run(["generate"]) == 2
    told = capsys.readouterr().err
    assert "ZeroDivisionError: of my own making" in told
    assert "this is a bug in ormkit" in told
    assert "Traceback" not in told
    assert commands.run(["--debug", "generate"]) == 2
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("ORMKIT_DEBUG", "1")
    assert commands.run(["generate"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(start: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("ormkit_gen.cli.invocation.find_settings", interrupted)
    assert commands.run(["generate"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"
