"""The command in unusual surroundings: in a zip archive, and on terminals of other encodings."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.ormkit_gen.cli.conftest import SCHEMA, SETTINGS

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
MODELS = "".join(
    f'[models.M{number}.columns]\nid = {{ type = "bigint", primary_key = true }}\n'
    for number in range(20)
)
RUN = """\
import runpy, sys
archive, checkout = sys.argv.pop(1), sys.argv.pop(1).split("|")
sys.path[:] = [path for path in sys.path if path not in checkout]
runpy.run_path(archive, run_name="__main__")
"""


@pytest.fixture(params=["wheel", "checkout"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The generator in a zip archive, with the templates where a wheel or a checkout has them."""
    file = tmp_path / "ormkit.zip"
    packages = [(ROOT / "ormkit_gen", "ormkit_gen"), (ROOT / "runtime/ormkit", "ormkit")]
    prefix = "ormkit_gen/" if request.param == "wheel" else ""
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("__main__.py", "from ormkit_gen.__main__ import main\nmain()\n")
        for directory, name in [*packages, (ROOT / "templates", f"{prefix}templates")]:
            for path in directory.rglob("*"):
                if path.suffix in (".py", ".jinja"):
                    made.write(path, f"{name}/{path.relative_to(directory)}")
    return file


def test_the_generator_runs_from_a_zip_archive(project: Path, archive: Path) -> None:
    """Enough models for several processes, which find the archive too."""
    (project / "schemas/many.toml").write_text(MODELS)
    (project / "ormkit.toml").write_text(SETTINGS.replace("blog", "*"))
    checkout = "|".join([str(ROOT), str(ROOT / "runtime"), ""])
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(archive), checkout, "generate"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert len(list((project / "app/db").glob("m*.py"))) == 20


@pytest.mark.parametrize(
    ("encoding", "shown"),
    # click takes ASCII for a missing setting and prints UTF-8.
    [("ascii", "日本".encode()), ("latin-1", rb"\u65e5\u672c"), ("cp437", rb"\u65e5\u672c")],
)
def test_no_encoding_of_the_terminal_is_too_small(
    project: Path, encoding: str, shown: bytes
) -> None:
    """People read escapes then; what programs read is UTF-8 all the same."""
    text = SCHEMA.replace('title = "text"', 'title = { type = "text", default = "ü…日" }')
    (project / "schemas/blog.toml").write_text(text)

    def ormkit(*arguments: str) -> tuple[int, str, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "ormkit_gen", *arguments],
            cwd=project,
            capture_output=True,
            timeout=120,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONIOENCODING": encoding,
                "PYTHONUTF8": "0",
            },
        )
        return done.returncode, done.stdout.decode(), done.stderr

    code, ddl, errors = ormkit("sql")
    assert (code, errors) == (0, b"")
    assert "DEFAULT 'ü…日'" in ddl
    code, diff, errors = ormkit("generate", "--check")
    assert code == 1
    assert "'ü…日'" in diff
    assert b"missing: app/db/post.py" in errors
    (project / "schemas/blog.toml").write_text(SCHEMA.replace("text", "日本"))
    code, _, errors = ormkit("generate")
    assert code == 2
    assert shown in errors
    assert b"[bug]" not in errors
