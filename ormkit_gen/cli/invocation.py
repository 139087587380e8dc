"""The state of one call of the command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from ormkit_gen.cli.secrets import remember
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.project.settings import Settings, find_settings, read_settings
from ormkit_gen.project.targets import Target

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Use this settings file instead of the nearest ormkit.toml or pyproject.toml.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print a report in JSON, for other programs."
)
target_option = click.option(
    "--target", "label", metavar="OUTPUT", help="The target with this output directory."
)
database_option = click.option(
    "--database",
    metavar="URL",
    help="The database (default: DATABASE_URL, or the setting `database`).",
)
#: Of commands that run the steps of migrations.
shadow_option = click.option(
    "--shadow",
    metavar="URL",
    help="Run the steps on this server (default: the setting `shadow`, or embedded).",
)


@dataclass(slots=True)
class Invocation:
    """One call of the command; error reports need it too."""

    #: Messages show the paths of files relative to this directory.
    root: Path = field(default_factory=Path.cwd)
    wants_json: bool = False
    wants_traceback: bool = False
    #: The name of the command in its JSON report.
    name: str = "ormkit"

    def settings(self, config: Path | None, *, needs_schemas: bool = True) -> Settings:
        """Read the settings for this call.

        needs_schemas: whether a target without schema files is a mistake.
        """
        file = (config or find_settings(Path.cwd())).resolve()
        self.root = file.parent
        settings = read_settings(file, needs_schemas=needs_schemas)
        remember(settings.database, settings.shadow)
        remember(*(target.database for target in settings.targets))
        return settings


def chosen_target(targets: Sequence[Target], label: str | None) -> Target:
    """Return the target with this output directory; of a single one, its name is not needed."""
    if label is None and len(targets) == 1:
        return targets[0]
    for target in targets:
        if label is not None and target.label == label.rstrip("/"):
            return target
    labels = ", ".join(target.label for target in targets)
    given = "choose a target with --target" if label is None else f"there is no target '{label}'"
    raise click.UsageError(f"{given}; the targets are: {labels}")


def of_target(settings: Settings, label: str | None) -> Settings:
    """Return the settings of the target with this output directory alone, with its migrations."""
    return settings.of(chosen_target(settings.targets, label))


def database_url(given: str | None, setting: str | None) -> str | None:
    """Return the URL of --database, else of the variable, else of the setting; None for none."""
    return given or os.environ.get("DATABASE_URL") or setting


def by_database(
    settings: Settings, targets: Sequence[Target], given: str | None
) -> dict[str | None, tuple[Target, ...]]:
    """Return targets by the URL of their database; None is that of those that have none.

    A target's own setting goes before the project's.
    """
    found: dict[str | None, tuple[Target, ...]] = {}
    for target in targets:
        url = database_url(given, target.database or settings.database)
        found[url] = (*found.get(url, ()), target)
    return found


def needed_database(given: str | None, setting: str | None, purpose: str) -> str:
    """Return the URL of a database.

    Raises:
        Refusal: Nothing gives one.
    """
    url = database_url(given, setting)
    if not url:
        raise no_database(purpose)
    return url


def no_database(purpose: str = "") -> Refusal:
    """Return the refusal of a command that nothing gives a database."""
    message = f"there is no database {purpose}".rstrip()
    remedy = "give --database URL, or set DATABASE_URL or the setting `database`"
    return Refusal(problem("no-database", message, remedy))


pass_invocation = click.make_pass_decorator(Invocation)
