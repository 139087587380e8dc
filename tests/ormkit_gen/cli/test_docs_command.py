"""`ormkit docs`, `schema-json`, `completion` and `ormkit generate --watch`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.cli.watch import watch, watched_files
from ormkit_gen.json_schema.editor_files import LINE, NAME
from ormkit_gen.schema import SECTIONS
from tests.ormkit_gen.cli.conftest import SCHEMA, Command

pytestmark = pytest.mark.one_interpreter


def test_a_page_is_written_and_checked(project: Path, ormkit: Command) -> None:
    done = ormkit("docs", "--output", "docs/schema.md")
    assert (done.returncode, done.stderr) == (0, "wrote docs/schema.md\n")
    assert "| `name` | `varchar(100)` | no |" in (project / "docs/schema.md").read_text()
    assert ormkit("docs", "--output", "docs/schema.md", "--check").returncode == 0
    (project / "schemas/blog.toml").write_text(SCHEMA.replace("varchar(100)", "varchar(99)"))
    done = ormkit("docs", "--output", "docs/schema.md", "--check")
    assert done.returncode == 1
    assert "+| `name` | `varchar(99)` | no |" in done.stdout
    assert "docs/schema.md is out of date" in done.stderr


def test_a_diagram_goes_to_standard_output(project: Path, ormkit: Command) -> None:
    done = ormkit("docs", "--format", "mermaid", "--around", "Post")
    assert done.stdout.startswith("erDiagram\n    Post {\n")
    assert "User" not in done.stdout


def test_wrong_options_are_named(project: Path, ormkit: Command) -> None:
    assert "--check compares with a file" in ormkit("docs", "--check").stderr
    assert "there is no model 'Pots': did you mean" in ormkit("docs", "--around", "Pots").stderr


def test_an_editor_gets_a_json_schema(ormkit: Command, tmp_path: Path) -> None:
    done = ormkit("schema-json")
    assert json.loads(done.stdout)["properties"].keys() == {*SECTIONS}
    assert json.loads(ormkit("schema-json", "--of", "settings").stdout)["required"] == ["targets"]
    file = tmp_path / "schemas/ormkit.schema.json"
    assert ormkit("schema-json", "--output", str(file)).returncode == 0
    assert file.read_text() == done.stdout
    file.write_text("{}")
    assert ormkit("schema-json", "--output", str(file), "--check").returncode == 1


def test_a_new_project_tells_editors_of_its_schema(tmp_path: Path, ormkit: Command) -> None:
    ormkit("init", "app")
    assert (tmp_path / "app/schemas/blog.toml").read_text().startswith(LINE)
    file = tmp_path / "app/schemas" / NAME
    assert file.read_text() == ormkit("schema-json").stdout
    file.write_text("{}")
    checks = json.loads(ormkit("doctor", "--json", cwd=tmp_path / "app").stdout)["checks"]
    (note,) = [each for each in checks if each["check"] == "editor"]
    assert note["remedy"] == f"run `ormkit schema-json --output schemas/{NAME}`"
    ormkit("init", "--python", "other")
    assert not (tmp_path / "other/schemas" / NAME).exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str, ormkit: Command) -> None:
    done = ormkit("completion", shell)
    assert done.returncode == 0
    assert f"_ORMKIT_COMPLETE={shell}_complete" in done.stdout


class Editor:
    """Stands for the time that passes: each look finds what the next edit left."""

    def __init__(self, edits: list[Callable[[], object]]) -> None:
        self.edits = edits

    def __call__(self, seconds: float) -> None:
        if not self.edits:
            raise KeyboardInterrupt
        self.edits.pop(0)()


def nothing() -> None:
    return None


def test_each_change_is_one_more_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, settings = project / "schemas/blog.toml", project / "ormkit.toml"
    edits: list[Callable[[], object]] = []
    for count in range(50):
        # A change, and the look that finds no further one.
        edits += [lambda count=count: schema.write_text(f"{SCHEMA}# {count}\n"), nothing, nothing]
    edits += [lambda: (project / "schemas/more.toml").write_text("# new\n"), nothing]
    edits += [lambda: settings.write_text("[[targets]]\noutput = 5\n"), nothing]
    # Two edits in a row, as of an editor that writes in steps, are one change.
    edits += [lambda: os.utime(schema, (5, 5)), lambda: os.utime(schema, (6, 6)), nothing]
    settings.write_text('[[targets]]\nschemas = ["schemas/*.toml"]\noutput = "app/db"\n')
    runs: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        watch(lambda: runs.append(1), lambda: watched_files(settings), Editor(edits))
    said = capsys.readouterr().err.splitlines()
    assert said[:50] == ["changed: blog.toml"] * 50
    assert "more.toml" in said[50]
    assert "ormkit.toml" in said[51]
    assert len(runs) == 1 + len(said)


def test_an_error_does_not_end_the_watch(
    project: Path, ormkit: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = project / "schemas/blog.toml"
    edits = [lambda: schema.write_text("[models"), nothing, lambda: schema.write_text(SCHEMA)]
    editor = Editor([*edits, nothing])
    monkeypatch.setattr(
        "ormkit_gen.cli.generate.watch", lambda run, files: watch(run, files, editor)
    )
    done = ormkit("generate", "--watch")
    assert done.returncode == 130
    assert done.stdout.count("app/db") == 2
    assert "schemas/blog.toml:1:" in done.stderr
    assert (project / "app/db/user.py").exists()


def test_watching_only_writes(project: Path, ormkit: Command) -> None:
    assert "--watch takes none of" in ormkit("generate", "--watch", "--check").stderr
