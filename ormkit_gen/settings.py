"""The settings of a project: where they are found, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from ormkit_gen.ir import Position
from ormkit_gen.refusal import Refusal, problem
from ormkit_gen.targets import EXAMPLE_TARGET, Target, read_targets, suggestion

OWN_FILE = "ormkit.toml"
PROJECT_FILE = "pyproject.toml"

_START = "run `ormkit init` to begin a project, or name the file with --config"


class SettingsError(Refusal):
    """The settings are missing or cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one settings file says; `root` is the directory that its paths start from."""

    file: Path
    root: Path
    targets: tuple[Target, ...]


def find_settings(start: Path) -> Path:
    """Return the nearest settings file in `start` and the directories above it.

    Raises:
        SettingsError: There is none, or there are two in one directory.
    """
    start = start.resolve()
    for directory in (start, *start.parents):
        own, project = directory / OWN_FILE, directory / PROJECT_FILE
        has_section = has_settings(project)
        if own.is_file() and has_section:
            message = f"{own} and [tool.ormkit] in {project} both hold settings"
            raise _error("two-settings", message, "keep one of them")
        if own.is_file() or has_section:
            return own if own.is_file() else project
    message = f"no {OWN_FILE}, and no {PROJECT_FILE} with [tool.ormkit], in {start} or above it"
    raise _error("no-settings", message, _START)


def read_settings(file: Path) -> Settings:
    """Read a settings file; places in messages are relative to its directory.

    Raises:
        SettingsError: It has mistakes; all of them are named.
    """
    file = file.resolve()
    section = _section(file)
    heading = _heading(file)
    if section is None or not isinstance(section.get("targets"), list) or not section["targets"]:
        remedy = f"add [[{'.'.join((*heading, 'targets'))}]] with {EXAMPLE_TARGET}"
        raise _error("no-targets", f"{file} names no targets", remedy)

    def locate(index: int, key: str | None) -> Position | None:
        path = (*heading, "targets", index)
        return _place(file, path if key is None else (*path, key))

    problems = [
        problem(
            "unknown-setting",
            f"there is no setting '{key}'",
            suggestion(key, ("targets",)),
            _place(file, (*heading, key)),
        )
        for key in section
        if key != "targets"
    ]
    targets, found = read_targets(section["targets"], file.parent, locate)
    if problems or found:
        raise SettingsError(*problems, *found)
    return Settings(file=file, root=file.parent, targets=targets)


def has_settings(project: Path) -> bool:
    """Tell whether a pyproject.toml exists and has a section of OrmKit's."""
    return project.is_file() and _section(project) is not None


def _heading(file: Path) -> tuple[str, ...]:
    return ("tool", "ormkit") if file.name == PROJECT_FILE else ()


def _section(file: Path) -> dict[str, Any] | None:
    """Return the part of the file that is OrmKit's; None where it has none."""
    section: Any = _parse(file)
    for key in _heading(file):
        section = section.get(key) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else None


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomli.loads(file.read_text(encoding="utf-8"))
    except tomli.TOMLDecodeError as error:
        at = Position(file=file.name, line=error.lineno, column=error.colno)
        remedy = "correct the TOML; see https://toml.io"
        raise _error("broken-toml", error.msg, remedy, at) from error
    except UnicodeDecodeError as error:
        raise _error("broken-toml", f"{file} is not UTF-8", "save it as UTF-8") from error
    except OSError as error:
        message = f"cannot read {file}: {error.strerror}"
        raise _error("no-settings", message, _START) from error


def _error(code: str, message: str, remedy: str, at: Position | None = None) -> SettingsError:
    return SettingsError(problem(code, message, remedy, at))
