"""`ormkit db`: the project's embedded PostgreSQL, from the extra `embedded`."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.project.settings import SettingsError, find_settings

if TYPE_CHECKING:
    from ormkit import EmbeddedServer

_DEFAULT = ".pgdata"
_NOT_RUNNING = 1


@click.group("db")
def database() -> None:
    """Manage the embedded PostgreSQL server of this project.

    Its data is in .pgdata beside the settings file. Programs connect with the URL
    embedded://.pgdata.

    \b
    Example:
      ormkit db start
      ormkit db psql
      ormkit db stop
    """


def _default_directory() -> Path:
    try:
        return find_settings(Path.cwd()).parent / _DEFAULT
    except SettingsError:
        return Path.cwd() / _DEFAULT


def _path_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--path",
        type=click.Path(path_type=Path, file_okay=False),
        default=_default_directory,
        help="The data directory (default: .pgdata beside the settings file).",
    )(command)


@database.command()
@_path_option
def start(path: Path) -> None:
    """Start the server and keep it running until `ormkit db stop`.

    \b
    Example:
      ormkit db start
    """
    with _reported() as server_type:
        server = server_type.start(path, stays=True)
    click.echo(f"PostgreSQL runs on {path}")
    click.echo(server.url)


@database.command()
@_path_option
def stop(path: Path) -> None:
    """Stop the server, even if programs are using it.

    \b
    Example:
      ormkit db stop
    """
    with _reported() as server_type:
        server = server_type.running(path)
        if server is not None:
            server.shut_down()
    click.echo(f"no server runs on {path}" if server is None else f"stopped the server of {path}")


@database.command()
@_path_option
def status(path: Path) -> int:
    """Say whether the server is running. Exit with 1 if it is not.

    \b
    Example:
      ormkit db status
    """
    with _reported() as server_type:
        server = server_type.running(path)
    if server is None:
        click.echo(f"no server runs on {path}")
        return _NOT_RUNNING
    click.echo(f"PostgreSQL runs on {path}")
    click.echo(server.url)
    return 0


@database.command()
@_path_option
def url(path: Path) -> None:
    """Print the URL of the running server, for other programs.

    \b
    Example:
      DATABASE_URL=$(ormkit db url) python main.py
    """
    with _reported() as server_type:
        server = server_type.running(path)
    if server is None:
        message = f"no server runs on {path}"
        raise Refusal(problem("not-running", message, "start it: ormkit db start"))
    click.echo(server.url)


@database.command(context_settings={"ignore_unknown_options": True})
@_path_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(path: Path, arguments: tuple[str, ...]) -> int:
    """Open psql, PostgreSQL's shell, and pass it the ARGUMENTS.

    If the server is not running, it is started and stops when the shell ends.

    \b
    Examples:
      ormkit db psql
      ormkit db psql -c "SELECT count(*) FROM users"
    """
    with _reported() as server_type, server_type.start(path) as server:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # psql handles Ctrl-C
        try:
            return subprocess.run([server.psql, server.url, *arguments]).returncode
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _reported() -> Generator[type[EmbeddedServer]]:
    # Importing the runtime takes longer than `ormkit --help`.
    from ormkit import EmbeddedServer, EmbeddedServerError

    try:
        yield EmbeddedServer
    except EmbeddedServerError as error:
        remedy = "read the message above; --path chooses another directory"
        raise Refusal(problem("embedded-server", str(error), remedy)) from error
