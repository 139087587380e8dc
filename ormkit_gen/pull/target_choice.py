"""The target that a pull is for, and the file for what is new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.project.settings import Settings
from ormkit_gen.project.targets import PROJECT_FILE, Target
from ormkit_gen.pull.project_files import ProjectFiles
from ormkit_gen.pull.sql_files import DIRECTORY

_DEFAULTS = {".toml": "app.toml", ".py": "app.py"}
#: What a pattern ends with that finds all files with SQL below a directory.
_BELOW = "/**/*.sql"


@dataclass(frozen=True, slots=True)
class Choice:
    """A target, its settings file, and the schema file for new models."""

    files: ProjectFiles
    into: str
    #: The settings file, and the path of the target in it; none before it is written.
    settings: str | None = None
    path: tuple[str | int, ...] = ()
    #: The files of the other targets, which may describe parts of the same database.
    others: tuple[ProjectFiles, ...] = ()
    #: The file of owners and grants; empty where none are described.
    rights: str = ""


def choose_target(settings: Settings, label: str | None, into: str | None) -> Choice:
    """Return the target with this label or file, or the only one.

    Raises:
        Refusal: There are several, or none fits.
    """
    targets = [
        target
        for target in settings.targets
        if (label is None or target.label == label.rstrip("/"))
        and (into is None or _takes(target, into))
    ]
    if len(targets) != 1:
        raise Refusal(_refusal(settings, targets, label, into))
    (target,) = targets
    others = [each for each in settings.targets if each is not target]
    files = ProjectFiles(settings.root, target, _sql_directory(target, others))
    heading = ("tool", "ormkit") if settings.file.name == PROJECT_FILE else ()
    path = (*heading, "targets", settings.targets.index(target))
    of_others = tuple(ProjectFiles(settings.root, each) for each in others)
    into = into or default_file(files)
    rights = target.rights or settings.rights
    return Choice(files, into, settings.file.name, path, of_others, rights)


def default_file(files: ProjectFiles) -> str:
    """Return the file for new models: the first one in TOML, else in Python.

    Where there is none yet, it is one that a pattern finds.

    Raises:
        Refusal: No pattern finds a schema file.
    """
    target = files.target
    for ending, default in _DEFAULTS.items():
        for file in files.schemas:
            if file.endswith(ending):
                return file
        for pattern in target.schema_patterns:
            fixed = pattern.split("*")[0].rpartition("/")[0]
            name = pattern if "*" not in pattern else f"{fixed}/{default}".lstrip("/")
            if name.endswith(ending) and _takes(target, name) and not files.schemas:
                return name
    message = f"no pattern of the target '{target.label}' finds a schema file"
    remedy = 'add one to its schemas, as in "schemas/*.toml", or name the file with --into'
    raise Refusal(problem("no-schema-file", message, remedy))


def _sql_directory(target: Target, others: Sequence[Target]) -> str:
    """Return the directory for files with SQL: where a pattern finds them, and no other target."""
    for pattern in target.sql_patterns:
        directory = pattern.removesuffix(_BELOW)
        if directory != pattern and "*" not in directory:
            return directory
    if not others:
        return DIRECTORY
    name = target.label.replace("/", "_")
    patterns = [pattern for each in others for pattern in each.sql_patterns]
    inside, beside = f"{DIRECTORY}/{name}", f"{DIRECTORY}_{name}"
    return beside if finds(patterns, f"{inside}/view/v.sql") else inside


def finds(patterns: Iterable[str], name: str) -> bool:
    """Return whether a pattern finds the file with this path."""
    return any(_pattern(each).fullmatch(name) for each in patterns)


def _takes(target: Target, name: str) -> bool:
    """Return whether a pattern of the target's schema files finds the file."""
    path = PurePosixPath(name)
    is_schema = path.suffix in _DEFAULTS and ".." not in path.parts
    return is_schema and finds(target.schema_patterns, name)


def _pattern(glob: str) -> re.Pattern[str]:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", PurePosixPath(glob).as_posix())
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts))


def _refusal(
    settings: Settings, fitting: list[Target], label: str | None, into: str | None
) -> Diagnostic:
    labels = ", ".join(target.label for target in settings.targets)
    if not fitting and into is not None:
        message = f"no target finds the schema file '{into}'"
        remedy = f"""add it to the `schemas` of a target in {settings.file.name}, as in \
schemas = ["{into}"]; its name ends in .toml or .py"""
    elif not fitting:
        message, remedy = f"there is no target '{label}'", f"the targets are: {labels}"
    else:
        message = "there is more than one target"
        remedy = f"choose one with --target or --into; the targets are: {labels}"
    return problem("no-target", message, remedy)
