"""A checkout of a stranger: `ormkit` writes and removes nothing outside of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.cli import run
from ormkit_gen.filesystem.safe_paths import is_bare_name
from ormkit_gen.output.manifest import MANIFEST_NAME, MANIFEST_SIGN, content_hash
from tests.ormkit_gen.cli.conftest import SCHEMA, SETTINGS

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

Attack = Callable[[Path, Path], None]

#: Outside of the checkout, and reached from the package by this way.
VICTIM = b"precious\n"
AWAY = "../../../outside/victim.py"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that was generated once, with a schema that has changed since."""
    root = tmp_path / "checkout"
    (root / "schemas").mkdir(parents=True)
    (root / "schemas/blog.toml").write_text(SCHEMA)
    (root / "ormkit.toml").write_text(SETTINGS)
    monkeypatch.chdir(root)
    assert run(["generate"]) == 0
    (root / "schemas/blog.toml").write_text(SCHEMA.replace("title", "heading"))
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    directory = tmp_path / "outside"
    (directory / "package").mkdir(parents=True)
    (directory / "before").mkdir()
    (directory / "__pycache__").mkdir()
    for name in ("victim.py", "package/victim.py", "before/victim.py", "__pycache__/user.x.pyc"):
        (directory / name).write_bytes(VICTIM)
    (directory / "package").chmod(0o755)
    return directory


def state(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(directory)): (
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(directory.rglob("*"))
    }


def journal(work: Path, mode: str, name: str, after: str | None) -> None:
    (work / "package").mkdir(parents=True, exist_ok=True)
    document = {"mode": mode, "files": {name: [content_hash(VICTIM), after]}}
    (work / "journal.json").write_text(json.dumps(document))


def journal_removes(root: Path, outside: Path) -> None:
    journal(root / "app/.db.ormkit", "replace", AWAY, None)


def journal_removes_by_an_absolute_name(root: Path, outside: Path) -> None:
    journal(root / "app/.db.ormkit", "replace", str(outside / "victim.py"), None)


def journal_moves_away(root: Path, outside: Path) -> None:
    """It would take the victim for a staged file and move it into the package."""
    journal(root / "app/.db.ormkit", "replace", AWAY, content_hash(b"other"))


def staging_is_a_link(root: Path, outside: Path) -> None:
    work = root / "app/.db.ormkit"
    journal(work, "exchange", "user.py", None)
    (work / "package").rmdir()
    (work / "package").symlink_to(outside / "package")


def kept_files_are_a_link(root: Path, outside: Path) -> None:
    (root / "app/.db.ormkit").mkdir()
    (root / "app/.db.ormkit/before").symlink_to(outside / "before")


def work_directory_is_a_link(root: Path, outside: Path) -> None:
    (root / "app/.db.ormkit").symlink_to(outside)


def lock_is_a_link(root: Path, outside: Path) -> None:
    (root / "app/.db.ormkit").mkdir()
    (root / "app/.db.ormkit/lock").symlink_to(outside / "made")


def next_journal_is_a_link(root: Path, outside: Path) -> None:
    (root / "app/.db.ormkit").mkdir()
    (root / "app/.db.ormkit/journal.json.new").symlink_to(outside / "victim.py")


def a_directory_of_the_package_is_a_link(root: Path, outside: Path) -> None:
    """What lies in a staged directory of that name would move through the link."""
    journal(root / "app/.db.ormkit", "exchange", "user.py", None)
    (root / "app/.db.ormkit/package/extra").mkdir()
    (root / "app/.db.ormkit/package/extra/planted.py").write_text("planted = 1\n")
    (root / "app/db/extra").symlink_to(outside)


def bytecode_is_a_link(root: Path, outside: Path) -> None:
    (root / "app/db/__pycache__").symlink_to(outside / "__pycache__")


def output_is_a_link(root: Path, outside: Path) -> None:
    shutil.rmtree(root / "app/db")
    (root / "app/db").symlink_to(outside)


def output_is_a_dangling_link(root: Path, outside: Path) -> None:
    shutil.rmtree(root / "app/db")
    (root / "app/db").symlink_to(outside / "made")


def output_lies_behind_a_link(root: Path, outside: Path) -> None:
    shutil.rmtree(root / "app")
    (root / "app").symlink_to(outside)


def manifest_owns_the_victim(root: Path, outside: Path) -> None:
    entry = {"sha256": content_hash(VICTIM), "unformatted": ""}
    document = {"format": 1, "formatter": "", "files": {AWAY: entry}}
    text = json.dumps(document).replace("{", '{"generated_by": "ormkit generate",', 1)
    assert MANIFEST_SIGN.decode() in text
    (root / "app/db" / MANIFEST_NAME).write_text(text)


def manifest_owns_the_victim_by_an_absolute_name(root: Path, outside: Path) -> None:
    manifest_owns_the_victim(root, outside)
    path = root / "app/db" / MANIFEST_NAME
    path.write_text(path.read_text().replace(AWAY, str(outside / "victim.py")))


ATTACKS: list[Attack] = [
    journal_removes,
    journal_removes_by_an_absolute_name,
    journal_moves_away,
    staging_is_a_link,
    kept_files_are_a_link,
    work_directory_is_a_link,
    lock_is_a_link,
    next_journal_is_a_link,
    a_directory_of_the_package_is_a_link,
    bytecode_is_a_link,
    output_is_a_link,
    output_is_a_dangling_link,
    output_lies_behind_a_link,
    manifest_owns_the_victim,
    manifest_owns_the_victim_by_an_absolute_name,
]
#: Those that leave the package with a name that cannot be used: nothing is written then.
REFUSED = {
    work_directory_is_a_link,
    lock_is_a_link,
    output_is_a_link,
    output_is_a_dangling_link,
    output_lies_behind_a_link,
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
@pytest.mark.parametrize("way", ["exchange", "replace"])
def test_nothing_outside_of_the_checkout_changes(
    checkout: Path,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    attack: Attack,
    way: str,
) -> None:
    attack(checkout, outside)
    before = state(outside)
    inside = checkout / "app/db"
    if way == "replace" and inside.resolve() == inside and inside.exists():
        monkeypatch.chdir(inside)  # from within the package its files are replaced one by one
    codes = [run(["generate", *force]) for force in ((), ("--force",), ())]
    assert state(outside) == before
    if attack in REFUSED:
        assert codes == [2, 2, 2]
        assert "[bug]" not in capsys.readouterr().err
    else:
        assert codes[-1] == 0, capsys.readouterr().err
        assert "heading" in (checkout / "app/db/post.py").read_text()
        assert [path.name for path in (checkout / "app").iterdir() if path.name != "db"] == []


@pytest.mark.parametrize("name", ["schemas", "db", "main.py"])
def test_init_follows_no_link(tmp_path: Path, outside: Path, name: str) -> None:
    root = tmp_path / "new"
    root.mkdir()
    (root / name).symlink_to(outside / "made" if name == "db" else outside)
    before = state(outside)
    assert run(["init", str(root)]) == 2
    assert state(outside) == before
    assert os.listdir(root) == [name]


@pytest.mark.parametrize(
    ("name", "is_bare"),
    [
        ("user.py", True),
        ("..user", True),
        ("", False),
        (".", False),
        ("..", False),
        ("a/b", False),
        ("a/", False),
        ("/a", False),
        ("..\\a", False),
        ("C:a", False),
        ("C:", False),
        ("a\0", False),
    ],
)
def test_bare_names(name: str, is_bare: bool) -> None:
    assert is_bare_name(name) is is_bare
