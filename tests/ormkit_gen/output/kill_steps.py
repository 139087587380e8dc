"""Writes a package in forked children, each of them killed one step later than the one before.

A step is whatever changes the file system, as Python's audit events tell of it. Run as a script,
with the way of writing and an empty directory as arguments; prints one line of JSON a step. A
script of its own because forking is safe only in a process without threads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from ormkit_gen.generation import write_packages
from ormkit_gen.output import write
from ormkit_gen.output.file_changes import finish_change, write_texts
from ormkit_gen.output.package import Draft, Package, finish

_STEPS = {
    "os.mkdir",
    "os.rmdir",
    "os.rename",
    "os.remove",
    "os.link",
    "os.chmod",
    "os.chown",
    "ormkit.exchange",
}
_WRITING = os.O_WRONLY | os.O_RDWR

_INIT = "from . import {first}, {second}\n\nassert {first}.EDITION == {second}.EDITION\n"
_OLD = {
    "__init__.py": _INIT.format(first="kept", second="gone"),
    "kept.py": "EDITION = 'old'\n",
    "gone.py": "EDITION = 'old'\n",
    "same.py": "SAME = True\n",
    "schema.sql": "SELECT 'old';\n",
}
_NEW = {
    "__init__.py": _INIT.format(first="kept", second="come"),
    "kept.py": "EDITION = 'new'\n",
    "come.py": "EDITION = 'new'\n",
    "same.py": "SAME = True\n",
    "schema.sql": "SELECT 'new';\n",
}
_OLD_FILES = {"app.toml": "old = 1\n", "sql/gone.sql": "SELECT 1;\n", "sql/kept.sql": "SELECT 2;\n"}
_NEW_FILES = {"app.toml": "new = 1\n", "sql/gone.sql": None, "sql/view/come.sql": "SELECT 3;\n"}
_STRANGERS = {"notes.txt": "by hand\n", "extra/inner.py": "HAND = 1\n", "extra/deep/a": "b\n"}


@dataclass(frozen=True)
class Step:
    """What was found after a child was killed, and after the next write."""

    number: int
    event: str  #: The step that the kill prevented; empty where the child came to its end.
    package: str  #: absent, old, new or mixed
    is_announced: bool  #: True where the journal admits that the package may be mixed.
    imports: bool
    strangers_kept: bool
    #: True where recovery left a whole package, and the next write the new one and nothing else.
    healed: bool


def killed_at_every_step(way: str, root: Path) -> Iterator[Step]:
    """Yield what each kill leaves, until a child comes to its end."""
    if way == "replace":
        # As on Windows.
        mock.patch("ormkit_gen.filesystem.exchange._system_call", return_value=None).start()
    number = 0
    event = "not yet"
    while event:
        number += 1
        base = root / str(number)
        base.mkdir()
        old, new = _package(base, _OLD), _package(base, _NEW)
        identities = {} if way == "appear" else _lay_out(old)
        event = _run_killed(number, partial(write_packages, [new]), base / "event")
        yield _inspect(number, event, old, new, identities)


@dataclass(frozen=True)
class FileStep:
    """What was found after a child was killed that changed several files."""

    number: int
    event: str
    files: str  #: old, new or mixed
    completed: str  #: the same, after the next command has read the settings


def files_killed_at_every_step(root: Path) -> Iterator[FileStep]:
    """Yield what each kill leaves of a change of several files, until a child comes to its end."""
    number = 0
    event = "not yet"
    while event:
        number += 1
        base = root / str(number)
        for name, text in _OLD_FILES.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(text)
        work = partial(write_texts, base, _NEW_FILES)
        event = _run_killed(number, work, root / f"event-{number}")
        left = _files_state(base)
        finish_change(base)
        completed = _files_state(base) if not (base / ".ormkit-pull").exists() else "not cleared"
        yield FileStep(number, event, left, completed)


def _files_state(base: Path) -> str:
    files = [each for each in base.rglob("*") if each.is_file()]
    found = {each.relative_to(base).as_posix(): each.read_text() for each in files}
    found = {name: text for name, text in found.items() if not name.startswith(".ormkit-pull/")}
    new = {name: text for name, text in (_OLD_FILES | _NEW_FILES).items() if text is not None}
    return "old" if found == _OLD_FILES else "new" if found == new else "mixed"


def _package(base: Path, texts: dict[str, str]) -> Package:
    (package,) = finish([Draft(base / "db", "db", ("schemas/x",), texts)], lambda done, of: None)
    return package


def _lay_out(old: Package) -> dict[str, int]:
    write.write(old)
    for name, text in _STRANGERS.items():
        path = old.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {name: (old.directory / name).stat().st_ino for name in _STRANGERS}


def _run_killed(number: int, work: Callable[[], object], note: Path) -> str:
    """Run `work` in a child that dies before its step of that number; return the step's name."""
    child = os.fork()
    if child == 0:
        sys.addaudithook(_killer(number, note))
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return ""
    assert os.WTERMSIG(status) == signal.SIGKILL
    return note.read_text()


def _killer(number: int, note: Path) -> Callable[[str, tuple[object, ...]], None]:
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT)
    steps = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        is_write = event == "open" and bool(int(str(arguments[2])) & _WRITING)
        if event in _STEPS or is_write:
            steps += 1
            if steps == number:
                os.write(descriptor, f"{event} {arguments[0]}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def _inspect(
    number: int, event: str, old: Package, new: Package, identities: dict[str, int]
) -> Step:
    directory = new.directory
    state = _state(directory, old, new)
    is_announced = write.is_interrupted(directory)
    imports = state == "absent" or _imports(directory)
    kept = _strangers_kept(directory, identities)
    write.recover(directory, "db")
    completed = _state(directory, old, new) in ("absent", "old", "new")
    write_packages([new])
    leftovers = [path.name for path in directory.parent.iterdir() if path.name != "event"]
    healed = completed and leftovers == ["db"] and _state(directory, old, new) == "new"
    healed = healed and _strangers_kept(directory, identities)
    return Step(number, event, state, is_announced, imports, kept, healed)


def _state(directory: Path, old: Package, new: Package) -> str:
    if not directory.exists():
        return "absent"
    found = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    found.pop("notes.txt", None)
    states = {"old": dict(old.files), "new": dict(new.files)}
    return next((name for name, files in states.items() if files == found), "mixed")


def _imports(directory: Path) -> bool:
    child = os.fork()
    if child == 0:
        sys.path.insert(0, str(directory.parent))
        try:
            __import__(directory.name)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _strangers_kept(directory: Path, identities: dict[str, int]) -> bool:
    return all(
        (directory / name).stat().st_ino == inode
        and (directory / name).read_text() == _STRANGERS[name]
        for name, inode in identities.items()
    )


if __name__ == "__main__":
    way, directory = sys.argv[1], Path(sys.argv[2])
    in_files = files_killed_at_every_step(directory) if way == "files" else None
    for step in in_files or killed_at_every_step(way, directory):
        print(json.dumps(asdict(step)), flush=True)
