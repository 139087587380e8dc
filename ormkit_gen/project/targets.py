"""Reading and checking the targets of a settings file."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

from ormkit_gen.diagnostics.diagnostic import Problems, did_you_mean
from ormkit_gen.filesystem.safe_paths import first_link
from ormkit_gen.rendering.dto import LIBRARIES, Library
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.document import Path as Place

OWN_FILE = "ormkit.toml"
PROJECT_FILE = "pyproject.toml"

#: Maximum number of files for one pattern. More indicate another project or circular links.
MAX_FILES = 1000
#: Each object has a file of its own; large databases have thousands of functions.
MAX_SQL_FILES = 50_000
#: Maximum number of levels of a pattern. Each level may follow every link.
MAX_LEVELS = 16
MAX_TARGETS = 200
EXAMPLE_TARGET = 'schemas = ["schemas/*.toml"] and output = "app/db"'
#: Settings of the project that a target may have of its own, with an example of each.
OF_ITS_OWN = {
    "migrations": "migrations/app",
    "migrations_schema": "ormkit_app",
    "database": "postgresql://localhost/app",
    "rights": "rights/app.toml",
}
#: Those of them that are paths, and what they are called in messages.
_PATHS = {"migrations": "the migrations", "rights": "the file"}
KEYS = ("schemas", "sql", "output", "dto", *OF_ITS_OWN)
_NO_SCHEMAS = (OWN_FILE, PROJECT_FILE)  # if a pattern such as ** matches them
_SUFFIXES = (".toml", ".py")


@dataclass(frozen=True, slots=True)
class Target:
    """One package and its schema files."""

    label: str  #: The package's directory, as written in the settings.
    output: Path
    schemas: tuple[Path, ...]
    dto: Library | None = None  #: The library of the classes for input and output.
    sql: tuple[Path, ...] = ()  #: The files of the objects that the schema has as SQL.
    #: The patterns that found the files.
    schema_patterns: tuple[str, ...] = ()
    sql_patterns: tuple[str, ...] = ()
    #: Its own directory of migrations below the project's, its own schema of PostgreSQL for which
    #: of them a database has, and its own database; empty for those of the project.
    migrations: str = ""
    migrations_schema: str = ""
    database: str = ""
    #: The file of the owners and grants of its database.
    rights: str = ""

    def import_roots(self, root: Path) -> tuple[Path, ...]:
        """Return the directories between the project's and the package, which may be import roots.

        The package app/db is imported as app.db or, from within app, as db.
        """
        parents = self.output.parents
        return tuple(reversed([each for each in parents if each.is_relative_to(root)]))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one target and collects its problems."""

    document: Document
    path: Place
    root: Path
    problems: Problems
    #: Whether each pattern has to match a file.
    needs_schemas: bool

    def read(self, table: object) -> Target | None:
        if not isinstance(table, dict):
            self._report(None, "bad-target", "a target is a table", f"give it {EXAMPLE_TARGET}")
            return None
        before = len(self.problems.found)
        settings = cast(dict[str, Any], table)
        for key in settings:
            if key not in KEYS:
                remedy = did_you_mean(key, KEYS)
                at = self.document.key_at((*self.path, key))
                message = f"a target has no setting '{key}'"
                self.problems.error("unknown-setting", message, remedy, at)
        schemas = self._schemas(settings.get("schemas"))
        sql = self._sql(settings.get("sql"))
        output = self._output(settings.get("output"))
        dto = self._dto(settings.get("dto"))
        own = {key: self._of_its_own(key, settings.get(key)) for key in OF_ITS_OWN}
        if output is None or len(self.problems.found) > before:
            return None
        return Target(
            label=str(output),
            output=self.root / output,
            schemas=schemas,
            dto=dto,
            sql=sql,
            schema_patterns=tuple(_strings(settings.get("schemas"))),
            sql_patterns=tuple(_strings(settings.get("sql"))),
            **own,
        )

    def _of_its_own(self, key: str, value: Any) -> str:
        """Return the text of a setting that the project has, too; empty if the target has none."""
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            remedy = f'write {key} = "{OF_ITS_OWN[key]}"'
            self._report(key, "bad-target", f"'{key}' of a target must be a text", remedy)
            return ""
        if key in _PATHS:
            if leaves_root(value):
                message = f"{_PATHS[key]} '{value}' must be below the settings file's directory"
                self._report(key, "path-outside", message, "name a directory below it")
            return str(PurePosixPath(value))
        return value

    def _dto(self, value: Any) -> Library | None:
        if value is None:
            return None
        for library in LIBRARIES:
            if value == library:
                return library
        message = "'dto' names the library of the classes for input and output"
        remedy = f"""write dto = {' or dto = '.join(f'"{each}"' for each in LIBRARIES)}"""
        self._report("dto", "bad-target", message, remedy)
        return None

    def _schemas(self, value: Any) -> tuple[Path, ...]:
        patterns = _strings(value)
        if not patterns:
            message = "a target names its schema files in 'schemas', a list of strings"
            self._report("schemas", "bad-schemas", message, f"write {EXAMPLE_TARGET}")
            return ()
        found = [file for pattern in patterns for file in self._matches("schemas", pattern)]
        return _each_once(found)

    def _sql(self, value: Any) -> tuple[Path, ...]:
        """Return the files with SQL; a pattern may match none, as before the first one exists."""
        if value is None:
            return ()
        patterns = _strings(value)
        if not patterns:
            message = "'sql' names the files of views, functions and the like, a list of strings"
            self._report("sql", "bad-schemas", message, 'write sql = ["sql/**/*.sql"]')
        return _each_once(file for each in patterns for file in self._matches("sql", each))

    def _matches(self, key: str, pattern: str) -> list[Path]:
        if leaves_root(pattern):
            message = f"'{pattern}' is not below the settings file's directory"
            self._report(key, "path-outside", message, "name a path below it, without '..'")
            return []
        if len(PurePosixPath(pattern).parts) > MAX_LEVELS:
            message = f"'{pattern}' has more than {MAX_LEVELS} levels"
            self._report(key, "bad-schemas", message, "write ** for any number of them")
            return []
        is_wanted, most = (_is_schema, MAX_FILES) if key == "schemas" else (_is_sql, MAX_SQL_FILES)
        found = list(islice(filter(is_wanted, self.root.glob(pattern)), most + 1))
        if len(found) > most:
            message = f"more than {most:,} schema files match '{pattern}'"
            self._report(key, "too-many-schema-files", message, "name a narrower path")
            return []
        if not found and key == "schemas" and self.needs_schemas:
            message = f"no schema file matches '{pattern}'"
            remedy = f"create one below {self.root}, ending in .toml or .py, or correct the path"
            self._report(key, "no-schema-file", message, remedy)
        return found

    def _output(self, value: Any) -> PurePosixPath | None:
        if not isinstance(value, str) or not value:
            message = "a target names the package to write in 'output'"
            self._report("output", "bad-output", message, f"write {EXAMPLE_TARGET}")
            return None
        output = PurePosixPath(value)
        if leaves_root(value) or not output.name:
            message = f"the output '{value}' is not below the settings file's directory"
            self._report("output", "path-outside", message, "name a directory below it: app/db")
        elif not output.name.isidentifier() or keyword.iskeyword(output.name):
            message = f"'{output.name}' cannot be the name of a Python package"
            self._report("output", "bad-output", message, "use letters, digits and underscores")
        elif (link := first_link(self.root, self.root / output)) is not None:
            name = link.relative_to(self.root)
            message = f"the output '{value}' goes through the symbolic link '{name}'"
            remedy = "name the directory that it leads to, below the settings file's directory"
            self._report("output", "path-outside", message, remedy)
        elif not _nearest_existing(self.root / output).is_dir():
            message = f"the output '{value}', or a directory above it, is a file"
            self._report(
                "output", "bad-output", message, "move the file away, or choose another output"
            )
        return output

    def _report(self, key: str | None, code: str, message: str, remedy: str) -> None:
        at = self.document.value_at(self.path if key is None else (*self.path, key))
        self.problems.error(code, message, remedy, at)


def read_targets(
    document: Document,
    path: Place,
    tables: Sequence[object],
    root: Path,
    problems: Problems,
    *,
    needs_schemas: bool = True,
) -> tuple[Target, ...]:
    """Return the usable targets, and record the problems of the others."""
    targets: list[tuple[int, Target]] = []
    if len(tables) > MAX_TARGETS:
        message = f"there are more than {MAX_TARGETS} targets"
        at = document.key_at((*path, MAX_TARGETS))
        problems.error("too-many-targets", message, "split them over several settings files", at)
        return ()
    for index, table in enumerate(tables):
        target = _Reader(document, (*path, index), root, problems, needs_schemas).read(table)
        if target is not None:
            targets.append((index, target))
    for (_, left), (index, right) in combinations(targets, 2):
        if _overlap(left.output, right.output):
            message = f"the outputs '{left.label}' and '{right.label}' overlap"
            remedy = "give every target its own directory"
            at = document.value_at((*path, index, "output"))
            problems.error("outputs-overlap", message, remedy, at)
    for (_, left), (index, right) in combinations(targets, 2):
        if left.migrations and left.migrations.casefold() == right.migrations.casefold():
            message = f"the targets '{left.label}' and '{right.label}' have the same migrations"
            remedy = "give every target its own directory of migrations"
            at = document.value_at((*path, index, "migrations"))
            problems.error("shared-migrations", message, remedy, at)
    return tuple(target for _, target in targets)


def _is_schema(path: Path) -> bool:
    is_named_so = path.suffix in _SUFFIXES and path.name not in _NO_SCHEMAS
    return is_named_so and path.is_file()


def _is_sql(path: Path) -> bool:
    return path.suffix == ".sql" and path.is_file()


def _each_once(files: Iterable[Path]) -> tuple[Path, ...]:
    """Return the files in order; a link may be another path to the same file."""
    return tuple(sorted({file.resolve(): file for file in sorted(files)}.values()))


def _strings(value: Any) -> list[str]:
    """Return the list of strings, or an empty list for any other value."""
    items = cast(list[object], value) if isinstance(value, list) else []
    strings = [item for item in items if isinstance(item, str)]
    return strings if len(strings) == len(items) else []


def leaves_root(path: str) -> bool:
    """Return whether a path is not below the directory of the settings file."""
    return (
        not path
        or ".." in PurePosixPath(path).parts
        or PurePosixPath(path).is_absolute()
        or bool(PureWindowsPath(path).anchor)
        or "\\" in path
    )


def _nearest_existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())


def _overlap(left: Path, right: Path) -> bool:
    # Some file systems treat DB and db as the same name, and a project may be checked out there.
    one, other = (Path(str(path).casefold()) for path in (left, right))
    return one.is_relative_to(other) or other.is_relative_to(one)
