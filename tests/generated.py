"""Packages generated for a test: by the command itself, or imported at once."""

from __future__ import annotations

import atexit
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from ormkit.models.package import _known as known_packages
from ormkit_gen.output.manifest import MANIFEST_NAME, Manifest
from ormkit_gen.rendering.dto import Library
from ormkit_gen.rendering.fingerprint import fingerprint
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load

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


def import_models(directory: Path, schema: Path, dto: Library | None = None) -> Any:
    """Render a schema file into a package of a new name in the directory, and import it.

    create_all() of other tests does not see it.

    dto: the library of the classes in the package's module `dto`, which is imported too.
    """
    package = directory / f"models_{uuid.uuid4().hex}"
    package.mkdir()
    loaded = load([schema], schema.parent).schema
    for name, text in render(loaded, dto).items():
        (package / name).write_text(text, encoding="utf-8")
    manifest = Manifest(fingerprint=fingerprint(loaded))
    (package / MANIFEST_NAME).write_text(manifest.to_text(), encoding="utf-8")
    sys.path.insert(0, str(directory))
    try:
        if dto is not None:
            importlib.import_module(f"{package.name}.dto")
        return importlib.import_module(package.name)
    finally:
        sys.path.remove(str(directory))
        known_packages.pop(package.name, None)


def models_of(name: str, schema: str) -> Any:
    """Return the package generated from a schema, whose files are gone when the process ends."""
    directory = Path(tempfile.mkdtemp(prefix=f"ormkit-{name}-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / f"{name}.toml").write_text(schema, encoding="utf-8")
    return import_models(directory, directory / f"{name}.toml")
