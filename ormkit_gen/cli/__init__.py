"""The command-line interface."""

from ormkit_gen.cli.commands import run

__all__ = ["run"]
