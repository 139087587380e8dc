"""What `ormkit check`, `diff` and `doctor` compare: targets, each with its database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    by_database,
    chosen_target,
    config_option,
    database_option,
    no_database,
)
from ormkit_gen.cli.messages import show_diagnostics
from ormkit_gen.project.settings import Settings
from ormkit_gen.project.targets import Target

if TYPE_CHECKING:
    from ormkit_gen.drift.examination import Examination, Project


@dataclass(frozen=True, slots=True)
class Choice:
    """What to compare with what, as the options say."""

    database: str | None
    shadow: str | None
    target: str | None
    namespaces: tuple[str, ...]
    config: Path | None


@dataclass(frozen=True, slots=True)
class Compared:
    """The targets of one database, and how this differs from them."""

    targets: tuple[Target, ...]
    url: str
    shadow: str | None
    project: Project
    found: Examination


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that a Choice is made of."""
    for option in (
        config_option,
        click.option(
            "--schema",
            "namespaces",
            metavar="NAME",
            multiple=True,
            help="Compare only this schema of PostgreSQL; may be given several times.",
        ),
        click.option(
            "--target",
            metavar="OUTPUT",
            help="Compare only the target with this output directory (default: all).",
        ),
        click.option(
            "--shadow",
            metavar="URL",
            help="Build the schema on this server (default: the setting `shadow`, or embedded).",
        ),
        database_option,
    ):
        command = option(command)
    return command


def examinations(
    invocation: Invocation, choice: Choice, *, for_one: bool = False
) -> list[Compared]:
    """Compare each database with the targets that it is for.

    for_one: whether only one database can be compared.
    """
    # Loading this takes longer than `ormkit --help`.
    from ormkit_gen.drift.examination import examine

    settings = invocation.settings(choice.config)
    targets = settings.targets
    if choice.target is not None:
        targets = (chosen_target(targets, choice.target),)
    shadow = choice.shadow or settings.shadow
    found = by_database(settings, targets, choice.database)
    if None in found:
        raise no_database("to compare with")
    if for_one and len(found) > 1:
        message = "the targets have databases of their own, and a script is for one of them"
        raise click.UsageError(f"{message}: choose with --target; there are {labels(targets)}")
    compared: list[Compared] = []
    for url, group in found.items():
        assert url is not None
        project = project_of(settings, group, choice.database)
        result = asyncio.run(examine(project, url, shadow, choice.namespaces))
        if not invocation.wants_json:
            show_diagnostics((*result.warnings, *result.unknown), invocation.root)
        compared.append(Compared(group, url, shadow, project, result))
    return compared


def project_of(settings: Settings, targets: Sequence[Target], given: str | None) -> Project:
    """Return the schema files of targets that share a database.

    given: the URL of --database.
    """
    from ormkit_gen.drift.examination import Project, Reading
    from ormkit_gen.drift.rights import read_rights
    from ormkit_gen.generation import read_schemas
    from ormkit_gen.ir import Schema

    def read() -> Reading:
        return read_schemas(settings, targets)

    def read_others() -> Sequence[Schema]:
        sharing = by_database(settings, settings.targets, given).values()
        others = [
            each
            for group in sharing
            if targets[0] in group
            for each in group
            if each not in targets
        ]
        return read_schemas(settings, others).schemas

    rights = read_rights(settings.rights_of(targets), settings.root)
    return Project(settings.root, targets, read, read_others, rights)


def labels(targets: Iterable[Target]) -> str:
    """Return the labels of targets, to name them in a message."""
    return ", ".join(target.label for target in targets)
