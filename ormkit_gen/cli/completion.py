"""`ormkit completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import get_completion_class

_WHERE = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": str(Path("~/.config/fish/completions/ormkit.fish")),
}


@click.command()
@click.argument("shell", type=click.Choice(sorted(_WHERE)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    Examples:
      eval "$(ormkit completion bash)"      in ~/.bashrc
      eval "$(ormkit completion zsh)"       in ~/.zshrc
      ormkit completion fish > ~/.config/fish/completions/ormkit.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(context.find_root().command, {}, "ormkit", "_ORMKIT_COMPLETE").source())
