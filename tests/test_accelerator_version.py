"""An accelerator that was compiled from another version of OrmKit is not used, and that is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hatch_build
import ormkit.accelerator

pytestmark = pytest.mark.one_interpreter

ROOT = Path(hatch_build.__file__).parent
RUNTIME = ROOT / hatch_build.SOURCE.parent
READ = """
import ormkit
from ormkit.accelerator import accelerator
from ormkit.events.recorder import PythonRecorder, Recorder
print(ormkit.__file__, accelerator, Recorder is PythonRecorder)
"""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An accelerator that was compiled from a source with one more comment."""
    root = tmp_path_factory.mktemp("other")
    (root / hatch_build.SOURCE).parent.mkdir(parents=True)
    shutil.copy(RUNTIME / "accelerator.py", root / hatch_build.SOURCE.parent)
    source = (ROOT / hatch_build.SOURCE).read_text()
    (root / hatch_build.SOURCE).write_text(f"{source}/* Another version. */\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFLAGS", "-O0")
        patch.delenv("ORMKIT_PURE_PYTHON", raising=False)
        try:
            hatch_build.refuse_if_unsuitable()
        except hatch_build.NotBuilt as reason:
            pytest.skip(str(reason))
        with pytest.raises(hatch_build.NotBuilt, match="names another version"):
            hatch_build.build(root, root)
        hatch_build.name_revision(root)
        try:
            return hatch_build.build(root, root)
        except hatch_build.NotBuilt as reason:
            pytest.skip(str(reason))


def run(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: each for name, each in os.environ.items() if not name.startswith(("PYTHON", "ORM"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_accelerator_of_another_version_is_told_of_and_not_used(
    other: Path, tmp_path: Path
) -> None:
    copied = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(RUNTIME, tmp_path / "ormkit", ignore=copied)
    shutil.copy(other, tmp_path / "ormkit")
    done = run(tmp_path, "-c", READ)
    assert done.stdout == f"{tmp_path / 'ormkit/__init__.py'} None True\n"
    assert done.stderr.count("was compiled from another version of OrmKit and is not used") == 1
    assert str(tmp_path / "ormkit" / other.name) in done.stderr
    assert ormkit.accelerator.REMEDY in done.stderr
    document: Any = json.loads(run(tmp_path, "-m", "ormkit_gen", "doctor", "--json").stdout)
    (found,) = [each for each in document["checks"] if each["check"] == "accelerator"]
    assert found["state"] == "problem"
    assert "another version" in found["message"]
    assert found["remedy"] == ormkit.accelerator.REMEDY
    assert run(tmp_path, "-c", READ, ORMKIT_PURE_PYTHON="1").stderr == ""


def test_the_runtime_names_the_source_of_its_accelerator() -> None:
    revision = hatch_build.revision_of(ROOT / hatch_build.SOURCE)
    assert revision == ormkit.accelerator.REVISION, "run `make accelerator` after a change in C"


def test_line_ends_are_no_other_version(tmp_path: Path) -> None:
    source = (ROOT / hatch_build.SOURCE).read_bytes()
    (tmp_path / "unix.c").write_bytes(source)
    (tmp_path / "windows.c").write_bytes(source.replace(b"\n", b"\r\n"))
    revisions = {hatch_build.revision_of(tmp_path / name) for name in ("unix.c", "windows.c")}
    assert revisions == {ormkit.accelerator.REVISION}
