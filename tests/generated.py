"""Packages generated for a test, by the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def ormkit(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory."""
    path = os.pathsep.join((str(ROOT / "runtime"), str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", "ormkit_gen", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def generate(directory: Path, schema: str, package: str = "models") -> Path:
    """Write a schema and its settings, generate, and return the package's directory."""
    (directory / "schema.toml").write_text(schema, encoding="utf-8")
    (directory / "ormkit.toml").write_text(
        f'[[targets]]\nschemas = ["schema.toml"]\noutput = "{package}"\n', encoding="utf-8"
    )
    done = ormkit(directory, "generate")
    assert done.returncode == 0, done.stderr
    return directory / package
