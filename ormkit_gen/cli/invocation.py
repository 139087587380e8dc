"""The state of one call of the command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import click

from ormkit_gen.project.settings import Settings, find_settings, read_settings

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Use this settings file instead of the nearest ormkit.toml or pyproject.toml.",
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

    def settings(self, config: Path | None) -> Settings:
        """Read the settings for this call."""
        file = (config or find_settings(Path.cwd())).resolve()
        self.root = file.parent
        return read_settings(file)


pass_invocation = click.make_pass_decorator(Invocation)
