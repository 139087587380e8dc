"""A package that cannot be written: the refusal, and that its remedy is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ormkit_gen.cli.conftest import SCHEMA, SETTINGS

#: Root may write everywhere, so that the command runs as somebody else. It is loaded before, from
#: directories that only root may read.
SCRIPT = """\
import json, os, shutil, sys
from pathlib import Path
from ormkit_gen.cli import run

def generate(*options):
    sys.stderr = open("stderr", "w+")
    code = run(["generate", *options])
    sys.stderr.seek(0)
    return code, sys.stderr.read()

results = [generate()]
if os.geteuid() == 0:
    for path in (Path.cwd(), *Path.cwd().rglob("*")):
        os.chown(path, 65534, 65534)
    os.setgid(65534)
    os.setuid(65534)
schema = Path("schemas/blog.toml")
schema.write_text(schema.read_text().replace("title", "heading"))
os.chmod("app/db", 0o555)
results += [generate(), generate("--force")]
os.chmod("app/db", 0o755)
results.append(generate())
print(json.dumps(results))
"""


@pytest.fixture
def project() -> Iterator[Path]:
    """A project in a directory that other users may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        root.chmod(0o755)
        (root / "schemas").mkdir()
        (root / "schemas/blog.toml").write_text(SCHEMA)
        (root / "ormkit.toml").write_text(SETTINGS)
        yield root


def test_a_package_made_writable_again_is_written(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    first, refused, forced, last = json.loads(done.stdout.splitlines()[-1])
    assert first == [0, ""]
    for code, message in (refused, forced):
        assert code == 2
        assert "cannot write app/db: Permission denied" in message
        assert "make the directory and its parent directory writable" in message
    assert last == [0, ""], last
    assert "heading" in (project / "app/db/post.py").read_text()
    assert os.listdir(project / "app") == ["db"]
