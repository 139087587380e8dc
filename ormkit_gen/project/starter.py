"""A new project: the files that `ormkit init` writes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.filesystem.safe_paths import first_link
from ormkit_gen.project.settings import has_settings
from ormkit_gen.project.targets import OWN_FILE, PROJECT_FILE
from ormkit_gen.rendering.render import environment

Spelling = Literal["toml", "py"]

#: Files that another tool may have created, and that OrmKit can leave unchanged.
_OPTIONAL = (".gitignore", "README.md")
_PACKAGE = "db"
#: Where a new project has its migrations.
MIGRATIONS = "migrations"


@dataclass(frozen=True, slots=True)
class Project:
    """The texts of a new project by path, and the existing files that stay unchanged."""

    directory: Path
    texts: Mapping[str, str]
    kept: tuple[str, ...]


def plan_project(
    directory: Path, spelling: Spelling, beside: Callable[[str], Mapping[str, str]]
) -> Project:
    """Return the files of a new project in that directory. Write nothing.

    An existing pyproject.toml stays unchanged. The settings then go into ormkit.toml.
    beside: gives the files that belong beside a schema file.

    Raises:
        Refusal: Files of the project already exist. The error names all of them.
    """
    schema = f"schemas/blog.{spelling}"
    templates = {schema: f"init/blog.{spelling}.jinja", "main.py": "init/main.py.jinja"}
    templates["README.md"] = "init/README.md.jinja"
    more = beside(schema)
    project = _plan(directory, templates, (MIGRATIONS, *more), schema=schema)
    return replace(project, texts={**project.texts, **more})


def plan_pulled_project(
    directory: Path, *, schema: str, sql: str, model: str, has_sql: bool
) -> Project:
    """Return the files of a project for a database that exists, without its schema files.

    schema: the schema file. sql: the pattern of the files with SQL.
    model: the class that the program counts.
    has_sql: whether there is anything that is kept as SQL.

    Raises:
        Refusal: Files of the project already exist. The error names all of them.
    """
    templates = {"main.py": "init/pulled_main.py.jinja", "README.md": "init/pulled_README.md.jinja"}
    context: dict[str, str | bool] = {
        "schema": schema,
        "sql": sql,
        "model": model,
        "has_sql": has_sql,
    }
    others = (schema, sql.partition("/")[0], MIGRATIONS)
    return _plan(directory, templates, others, **context)


def _plan(
    directory: Path, templates: Mapping[str, str], others: Iterable[str] = (), **context: str | bool
) -> Project:
    """Return the files of a project from their templates.

    others: what will be written besides, and must not exist either.
    """
    if has_settings(directory / PROJECT_FILE):
        message = (
            f"{directory / PROJECT_FILE} has a [tool.ormkit] section: the project already exists"
        )
        raise Refusal(problem("project-exists", message, "run `ormkit generate` in it"))
    settings = OWN_FILE if (directory / PROJECT_FILE).exists() else PROJECT_FILE
    templates = {
        settings: f"init/{settings}.jinja",
        **templates,
        ".gitignore": "init/gitignore.jinja",
    }
    existing = [
        name
        for name in (*templates, *others, OWN_FILE, _PACKAGE)
        if os.path.lexists(directory / name)
    ]
    _refuse_links(directory, (*templates, *others))
    _refuse_existing(directory, [name for name in existing if name not in _OPTIONAL])
    names = {"name": _project_name(directory), **context}
    texts = {
        name: environment().get_template(template).render(names)
        for name, template in templates.items()
        if name not in existing
    }
    return Project(directory, texts, tuple(existing))


def write_project(project: Project) -> None:
    """Write all files or none. A file that was created in the meantime is not overwritten."""
    written: list[Path] = []
    try:
        for name, text in project.texts.items():
            path = project.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError:
        for path in written:
            path.unlink()
        raise


def _refuse_links(directory: Path, names: Iterable[str]) -> None:
    """Raise Refusal if the directory of a file is a link, because it may lead anywhere."""
    links = (first_link(directory, (directory / name).parent) for name in names)
    for link in links:
        if link is not None:
            message = f"{link} is a symbolic link"
            raise Refusal(problem("link-in-the-way", message, "move the link away"))


def _refuse_existing(directory: Path, names: list[str]) -> None:
    remedy = "choose an empty directory, or move the file away"
    problems = [
        problem("file-exists", f"{directory / name} already exists", remedy)
        for name in dict.fromkeys(names)
    ]
    if problems:
        raise Refusal(*problems)


def _project_name(directory: Path) -> str:
    """Return the directory's name as a valid distribution name."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", directory.resolve().name).strip("-")
    return name.lower() or "app"
