"""What one call of the command knows, also when it fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import click

from ormkit_gen.settings import Settings, find_settings, read_settings

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The settings file, if not the nearest ormkit.toml or pyproject.toml.",
)


@dataclass(slots=True)
class Invocation:
    """One call of the command."""

    #: The directory that the places in messages are relative to.
    root: Path = field(default_factory=Path.cwd)
    wants_json: bool = False
    wants_traceback: bool = False
    #: What the command is called in its JSON.
    name: str = "ormkit"

    def settings(self, config: Path | None) -> Settings:
        """Read the settings this call works on."""
        file = (config or find_settings(Path.cwd())).resolve()
        self.root = file.parent
        return read_settings(file)


pass_invocation = click.make_pass_decorator(Invocation)
