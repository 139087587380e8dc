"""The settings of a project: finding and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

from ormkit_gen.diagnostics.diagnostic import Problems, SchemaError, did_you_mean
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.output.file_changes import finish_change
from ormkit_gen.project.targets import (
    EXAMPLE_TARGET,
    OWN_FILE,
    PROJECT_FILE,
    Target,
    leaves_root,
    read_targets,
)
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.toml_reader import read_toml

#: What the URL of a server begins with that runs in a directory of the project.
_EMBEDDED = "embedded://"
#: Settings that are URLs.
URLS = ("database", "shadow")
#: Settings that are other texts, with an example of each.
TEXTS = {"migrations": "migrations", "migrations_schema": "ormkit", "rights": "rights.toml"}
#: The setting that says whether migrations of the phase contract wait until they are asked for.
PHASES = ("together", "apart")
#: The setting that is a major version of PostgreSQL, and those that migrations run on.
VERSION = "postgresql"
VERSIONS = range(14, 100)
#: All settings.
KEYS = ("targets", *URLS, *TEXTS, VERSION, "phases")
_START = "run `ormkit init` to create a project, or name the file with --config"


class SettingsError(Refusal):
    """The settings are missing or unusable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The content of a settings file. Its paths are relative to the directory `root`."""

    file: Path
    root: Path
    targets: tuple[Target, ...]
    #: The URL of the database that `ormkit check` compares with.
    database: str | None = None
    #: The URL of a server on which schemas are built, in place of an embedded one.
    shadow: str | None = None
    #: The directory of the migrations, below `root`.
    migrations: str = "migrations"
    #: The schema of PostgreSQL in which a database keeps which migrations it has.
    migrations_schema: str = "ormkit"
    #: The major version of PostgreSQL that runs the migrations; None for that of the shadow server.
    postgresql: int | None = None
    #: Whether `ormkit migrate apply` stops before migrations of the phase contract.
    phases: Literal["together", "apart"] = "together"
    #: The file of the owners and grants that databases are to have; empty where none are compared.
    rights: str = ""

    def rights_of(self, targets: Iterable[Target]) -> list[Path]:
        """Return the files of the owners and grants of targets."""
        names = dict.fromkeys(target.rights or self.rights for target in targets)
        return [self.root / name for name in names if name]

    def of(self, target: Target) -> Settings:
        """Return the settings of one target alone: its migrations, and its database.

        Raises:
            SettingsError: Another target would have the same directory of migrations.
        """
        directory = target.migrations or self.migrations
        for other in self.targets:
            if other is not target and (other.migrations or self.migrations) == directory:
                names = f"'{target.label}' and '{other.label}'"
                message = f"the targets {names} share the migrations in '{directory}', "
                message += "and a migration is of one schema"
                example = f"{directory}/{target.output.name}"
                remedy = (
                    "give each target a directory of its own, and move the migrations there are "
                    f'into that of their schema: migrations = "{example}" in its table'
                )
                raise _error("shared-migrations", message, remedy)
        return replace(
            self,
            targets=(target,),
            migrations=directory,
            migrations_schema=target.migrations_schema or self.migrations_schema,
            database=target.database or self.database,
        )


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
            message = f"{own} and [tool.ormkit] in {project} both have settings"
            raise _error("two-settings", message, "keep one of them")
        if own.is_file() or has_section:
            return own if own.is_file() else project
    message = f"no {OWN_FILE}, and no {PROJECT_FILE} with [tool.ormkit], in {start} or above it"
    raise _error("no-settings", message, _START)


def read_settings(file: Path, *, needs_schemas: bool = True) -> Settings:
    """Read a settings file. Paths in messages are relative to its directory.

    needs_schemas: whether a target without schema files is a mistake.

    A change of the project's files that a killed process left unfinished is completed first.

    Raises:
        SettingsError: It has mistakes. The error names all of them.
    """
    file = file.resolve()
    _complete_change(file.parent)
    document, heading = _read(file), _heading(file)
    section = _section(document, heading)
    found: Any = section.get("targets") if section is not None else None
    tables = cast(list[object], found) if isinstance(found, list) else []
    if section is None or not tables:
        remedy = f"add [[{'.'.join((*heading, 'targets'))}]] with {EXAMPLE_TARGET}"
        raise _error("no-targets", f"{file} names no targets", remedy)

    problems = Problems()
    for key, value in section.items():
        at = document.key_at((*heading, key))
        if key not in KEYS:
            remedy = did_you_mean(key, KEYS)
            problems.error("unknown-setting", f"there is no setting '{key}'", remedy, at)
        elif key in TEXTS and not (isinstance(value, str) and value):
            remedy = f'{key} = "{TEXTS[key]}"'
            problems.error("wrong-setting", f"'{key}' must be a text", remedy, at)
        elif key == "rights" and leaves_root(value):
            message = f"the file '{value}' must be below the settings file's directory"
            problems.error("path-outside", message, 'rights = "rights.toml"', at)
        elif key == "phases" and value not in PHASES:
            remedy = 'phases = "apart", if programs of before and after a change run side by side'
            message = f"'{key}' must be 'together' or 'apart'"
            problems.error("wrong-setting", message, remedy, at)
        elif key == VERSION and not (type(value) is int and value in VERSIONS):
            remedy = f"{VERSION} = 17"
            message = f"'{key}' must be a major version, from {VERSIONS[0]} on"
            problems.error("wrong-setting", message, remedy, at)
        elif key in URLS and not isinstance(value, str):
            problems.error(
                "wrong-setting", f"'{key}' must be a URL", f'{key} = "postgresql://..."', at
            )
    try:
        targets = read_targets(
            *(document, (*heading, "targets"), tables, file.parent, problems),
            needs_schemas=needs_schemas,
        )
    except SchemaError as error:
        raise SettingsError(*error.diagnostics) from None
    if problems.has_errors:
        raise SettingsError(*problems.found)
    given = {key: section[key] for key in KEYS[1:] if key in section}
    for key in URLS:
        if key in given:
            given[key] = _absolute(given[key], file.parent)
    targets = tuple(
        replace(each, database=_absolute(each.database, file.parent)) for each in targets
    )
    return Settings(file=file, root=file.parent, targets=targets, **given)


def _complete_change(root: Path) -> None:
    try:
        finish_change(root)
    except OSError as error:
        message = f"cannot complete the change that a killed process left below {root}: {error}"
        remedy = "make the directory and its files writable, and run the command again"
        raise SettingsError(problem("cannot-write", message, remedy)) from error


def _absolute(url: str, root: Path) -> str:
    """Return a URL of which the directory of an embedded server is below the settings file."""
    path = url.removeprefix(_EMBEDDED)
    if path == url or not path or path.startswith(("/", "~", "?", "%2F")):
        return url
    return f"{_EMBEDDED}{quote(root.as_posix())}/{path}"


def has_settings(project: Path) -> bool:
    """Return whether a pyproject.toml exists and has OrmKit's section."""
    return project.is_file() and _section(_read(project), _heading(project)) is not None


def _heading(file: Path) -> tuple[str, ...]:
    return ("tool", "ormkit") if file.name == PROJECT_FILE else ()


def _read(file: Path) -> Document:
    problems = Problems()
    document = read_toml(file, file.name, problems)
    if document is None:
        raise SettingsError(*problems.found)
    return document


def _section(document: Document, heading: tuple[str, ...]) -> Mapping[str, Any] | None:
    """Return OrmKit's section of the file, or None."""
    section: Mapping[str, Any] = document.data
    for key in heading:
        inner: Any = section.get(key)
        if not isinstance(inner, dict):
            return None
        section = cast(dict[str, Any], inner)
    return section


def _error(code: str, message: str, remedy: str) -> SettingsError:
    return SettingsError(problem(code, message, remedy))
