"""A new project for a database that exists."""

from __future__ import annotations

from pathlib import Path

from ormkit_gen.project.starter import Project, Spelling, plan_pulled_project
from ormkit_gen.project.targets import Target
from ormkit_gen.pull.project_files import ProjectFiles
from ormkit_gen.pull.sql_files import PATTERN
from ormkit_gen.pull.target_choice import Choice

_SCHEMA = "schemas/app"
_PACKAGE = "db"


def choice_in(directory: Path, spelling: Spelling) -> Choice:
    """Return the target of a project that is not written yet."""
    root = directory.resolve()
    target = Target(_PACKAGE, root / _PACKAGE, (), sql_patterns=(PATTERN,))
    return Choice(ProjectFiles(root, target), f"{_SCHEMA}.{spelling}")


def project_for(
    directory: Path, spelling: Spelling, model: str, *, has_sql: bool = False
) -> Project:
    """Return the files of the project beside its schema files. Write nothing.

    model: the class that its program counts. has_sql: whether it has files with SQL.

    Raises:
        Refusal: Files of the project already exist.
    """
    schema = f"{_SCHEMA}.{spelling}"
    return plan_pulled_project(directory, schema=schema, sql=PATTERN, model=model, has_sql=has_sql)
