"""`ormkit generate`, from the shell's side: files, output and exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.ormkit_gen.cli.conftest import SCHEMA, SETTINGS, Command

pytestmark = pytest.mark.one_interpreter

NAMES = ["__init__.py", "manifest.json", "post.py", "schema.sql", "user.py"]


def snapshot(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def identities(directory: Path) -> dict[Path, tuple[int, int]]:
    """Return what shows that a file was written, even with the same content."""
    found = {path: path.stat() for path in directory.rglob("*")}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in found.items()}


def document(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run.stdout)
    assert parsed["exit_code"] == run.returncode
    return parsed


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_package_is_written_and_summed_up(project: Path, shell: Command) -> None:
    run = shell("generate")
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(
        r"4 files written, 0 unchanged in app/db \(\d+\.\d\d s\)\n", run.stdout
    ), run.stdout
    assert sorted(os.listdir(project / "app/db")) == NAMES
    assert os.listdir(project / "app") == ["db"]


def test_a_second_run_writes_nothing(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    before = identities(project / "app")
    run = ormkit("generate")
    assert run.stdout.startswith("0 files written, 4 unchanged in app/db (")
    assert identities(project / "app") == before


def test_it_works_from_a_directory_below(project: Path, ormkit: Command) -> None:
    run = ormkit("generate", cwd=project / "schemas")
    assert run.returncode == 0, run.stderr
    assert sorted(os.listdir(project / "app/db")) == NAMES


def test_the_settings_can_be_named(project: Path, ormkit: Command, tmp_path: Path) -> None:
    (project / "ormkit.toml").rename(project / "other.toml")
    assert ormkit("generate").returncode == 2
    assert ormkit("generate", "--config", "other.toml").returncode == 0
    assert (tmp_path / "app/db/user.py").exists()


def test_a_dropped_model_s_file_goes_and_a_stranger_s_is_named(
    project: Path, ormkit: Command
) -> None:
    ormkit("generate")
    (project / "app/db/notes.txt").write_text("mine")
    (project / "schemas/blog.toml").write_text(SCHEMA.partition("[models.Post")[0])
    run = ormkit("generate")
    assert run.stdout.startswith("2 files written, 1 unchanged, 1 removed in app/db (")
    assert run.stdout.endswith("kept, not generated: notes.txt\n")
    assert sorted(os.listdir(project / "app/db")) == sorted({*NAMES, "notes.txt"} - {"post.py"})


def test_a_wrong_schema_is_shown_and_nothing_is_touched(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    before = snapshot(project / "app")
    text = SCHEMA.replace('"text"', '"strng"').replace("varchar(100)", "varchar(x)")
    (project / "schemas/blog.toml").write_text(text)
    run = ormkit("generate", cwd=project / "schemas")
    assert (run.returncode, run.stdout) == (2, "")
    assert "schemas/blog.toml:3:" in run.stderr
    assert "schemas/blog.toml:7:" in run.stderr
    assert 'title = "strng"' in run.stderr
    assert snapshot(project / "app") == before


def test_the_problems_of_all_targets_are_told_together(project: Path, ormkit: Command) -> None:
    (project / "schemas/shop.toml").write_text(SCHEMA.replace('"text"', '"strng"'))
    (project / "schemas/blog.toml").write_text(SCHEMA.replace('"text"', '"txet"'))
    append(project / "ormkit.toml", SETTINGS.replace("blog", "shop").replace("app/db", "shop"))
    run = ormkit("generate")
    assert run.returncode == 2
    assert "strng" in run.stderr
    assert "txet" in run.stderr
    assert not (project / "app").exists()
    assert not (project / "shop").exists()


def test_an_edited_file_stops_it_and_force_overrules(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    for name in ("user.py", "post.py"):
        append(project / "app/db" / name, "mine = True\n")
    before = snapshot(project / "app")
    run = ormkit("generate")
    assert (run.returncode, run.stdout) == (2, "")
    for name in ("user.py", "post.py"):
        assert f"app/db/{name} has been edited since it was generated" in run.stderr
    assert "--force" in run.stderr
    assert snapshot(project / "app") == before
    assert ormkit("generate", "--force").stdout.startswith("2 files written, 2 unchanged")
    assert ormkit("generate", "--check").returncode == 0


def test_check_passes_on_what_was_generated(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    run = ormkit("generate", "--check")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "app/db is up to date\n")


def test_check_tells_every_kind_of_drift_and_writes_nothing(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    (project / "app/db/schema.sql").unlink()
    append(project / "app/db/__init__.py", "mine = True\n")
    schema = SCHEMA.replace("varchar(100)", "text").replace("models.Post", "models.Tag")
    (project / "schemas/blog.toml").write_text(schema)
    before = snapshot(project)
    run = ormkit("generate", "--check")
    assert run.returncode == 1
    assert sorted(run.stderr.splitlines()) == [
        "edited by hand: app/db/__init__.py",
        "extra: app/db/post.py",
        "missing: app/db/schema.sql",
        "missing: app/db/tag.py",
        "out of date: app/db/user.py",
        "run `ormkit generate` to bring it up to date",
    ]
    assert snapshot(project) == before


def test_check_finds_that_nothing_was_ever_generated(project: Path, shell: Command) -> None:
    run = shell("generate", "--check")
    assert run.returncode == 1
    assert "missing: app/db/user.py" in run.stderr
    assert not (project / "app").exists()


def test_check_finds_that_the_manifest_alone_is_missing(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    (project / "app/db/manifest.json").unlink()
    run = ormkit("generate", "--check")
    assert run.returncode == 1
    assert "missing: app/db/manifest.json\n" in run.stderr


def test_the_diff_can_be_applied(project: Path, ormkit: Command) -> None:
    """`patch` makes of the files what `generate` makes of them."""
    ormkit("generate")
    schema = SCHEMA.replace("varchar(100)", "text").replace("models.Post", "models.Tag")
    (project / "schemas/blog.toml").write_text(schema)
    run = ormkit("generate", "--diff")
    assert run.returncode == 0
    subprocess.run(["git", "apply", "-"], input=run.stdout, text=True, cwd=project, check=True)
    patched = snapshot(project / "app")
    ormkit("generate", "--force")
    generated = snapshot(project / "app")
    for files in (patched, generated):
        del files["db/manifest.json"]
    assert patched == generated


def test_json_tells_what_was_written(project: Path, ormkit: Command) -> None:
    (told,) = document(ormkit("generate", "--json"))["targets"]
    assert told == {
        "output": "app/db",
        "added": ["__init__.py", "post.py", "schema.sql", "user.py", "manifest.json"],
        "changed": [],
        "removed": [],
        "unchanged": [],
        "edited": [],
        "in_the_way": [],
        "others": [],
        "interrupted": False,
    }


def test_json_tells_what_check_found(project: Path, ormkit: Command) -> None:
    ormkit("generate")
    append(project / "app/db/user.py", "mine = True\n")
    (project / "app/db/post.py").write_text("mine = True\n")
    (project / "app/db/notes.txt").touch()
    (project / "app/db/schema.sql").unlink()
    told = document(ormkit("generate", "--check", "--json"))
    assert (told["command"], told["exit_code"], told["diagnostics"]) == ("check", 1, [])
    (target,) = told["targets"]
    assert target["added"] == ["schema.sql"]
    assert target["edited"] == ["post.py", "user.py"]
    assert target["others"] == ["notes.txt"]
    assert "-mine = True" in target["diff"]


def test_json_tells_errors_with_their_places(project: Path, ormkit: Command) -> None:
    (project / "schemas/blog.toml").write_text(SCHEMA.replace('"text"', '"strng"'))
    told = document(ormkit("generate", "--json"))
    assert told["exit_code"] == 2
    (diagnostic,) = told["diagnostics"]
    assert diagnostic["severity"] == "error"
    assert (diagnostic["file"], diagnostic["line"]) == ("schemas/blog.toml", 7)
    assert set(diagnostic) == {
        *("severity", "code", "message", "remedy"),
        *("file", "line", "column"),
    }


def test_warnings_are_shown_and_do_not_stop_it(project: Path, ormkit: Command) -> None:
    (project / "schemas/blog.toml").write_text(SCHEMA.replace("title", "class"))
    run = ormkit("generate")
    assert run.returncode == 0
    assert "schemas/blog.toml:7:" in run.stderr
    assert "class_" in run.stderr
    told = document(ormkit("generate", "--json"))
    assert [item["severity"] for item in told["diagnostics"]] == ["warning"]


def test_settings_with_mistakes_are_shown_in_place(project: Path, ormkit: Command) -> None:
    append(project / "ormkit.toml", "colour = 1\n")
    run = ormkit("generate")
    assert run.returncode == 2
    assert "ormkit.toml:4:1" in run.stderr
    assert "colour = 1" in run.stderr


def test_without_settings_it_says_how_to_begin(tmp_path: Path, ormkit: Command) -> None:
    run = ormkit("generate")
    assert run.returncode == 2
    assert "ormkit init" in run.stderr


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_force_does_not_go_with_options_that_only_look(
    project: Path, ormkit: Command, option: str
) -> None:
    run = ormkit("generate", "--force", option)
    assert run.returncode == 2
    assert "--force writes" in run.stderr


def test_a_broken_schema_does_not_keep_half_a_package_from_being_completed(
    project: Path, ormkit: Command
) -> None:
    """What a killed run had decided on is put in place before anything else."""
    ormkit("generate")
    old = (project / "app/db/user.py").read_bytes()
    new = old.replace(b"User", b"Person")
    work = project / "app/.db.ormkit"
    (work / "package").mkdir(parents=True)
    (work / "package/user.py").write_bytes(new)
    hashes = [hashlib.sha256(text).hexdigest() for text in (old, new)]
    (work / "journal.json").write_text(
        json.dumps({"mode": "replace", "files": {"user.py": hashes}})
    )
    (project / "schemas/blog.toml").write_text("broken")
    assert ormkit("generate").returncode == 2
    assert (project / "app/db/user.py").read_bytes() == new
    assert not work.exists()


def test_half_a_package_is_drift_until_the_next_run(project: Path, ormkit: Command) -> None:
    """A journal that was left says that files may be mixed; --check does not touch it."""
    ormkit("generate")
    work = project / "app/.db.ormkit"
    (work / "package").mkdir(parents=True)
    (work / "journal.json").write_text('{"mode": "replace", "files": {}}')
    run = ormkit("generate", "--check")
    assert run.returncode == 1
    assert "half-written: app/db, by a run that was stopped\n" in run.stderr
    assert work.exists()
    assert ormkit("generate").returncode == 0
    assert not work.exists()
    assert ormkit("generate", "--check").returncode == 0
