"""The database and the folder of a command that runs migrations, and its errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    config_option,
    database_option,
    database_url,
    json_option,
    no_database,
    of_target,
    target_option,
)
from ormkit_gen.diagnostics.refusal import Refusal, problem

if TYPE_CHECKING:
    from ormkit import Engine
    from ormkit.migrations import Options, Progress
    from ormkit_gen.project.settings import Settings

T = TypeVar("T")
#: What a run says at most: the lines of a log, of steps and of what a person may have to mend.
_QUIET = ("batch", "building")


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which database it is about."""
    for option in (
        config_option,
        json_option,
        target_option,
        click.option("--role", metavar="NAME", help="Run as this role, such as the tables' owner."),
        database_option,
    ):
        command = option(command)
    return command


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of locks and pauses."""
    seconds = click.FloatRange(min=0)
    for option in (
        click.option("--pause", type=seconds, default=0.0, help="Seconds between two batches."),
        click.option(
            "--wait",
            type=seconds,
            metavar="SECONDS",
            help="How long to wait for another run of migrations (default: until it ends).",
        ),
        click.option(
            *("--tries", "tries"),
            type=click.IntRange(min=1),
            default=30,
            show_default=True,
            help="How often to try a step that does not get its locks.",
        ),
        click.option(
            "--lock-timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=2.0,
            show_default=True,
            help="Seconds that a step waits for a lock, while others wait behind it.",
        ),
    ):
        command = option(command)
    return database_options(command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the options say."""

    database: str | None
    role: str | None
    as_json: bool
    config: Path | None
    #: The output directory of the target.
    label: str | None
    lock_timeout: float = 2.0
    tries: int = 30
    wait: float | None = None
    pause: float = 0.0


class Target:
    """The folder of the migrations and the database of one call."""

    def __init__(self, invocation: Invocation, name: str, choice: Choice) -> None:
        self.invocation = invocation
        self._choice = choice
        invocation.wants_json = choice.as_json
        invocation.name = f"migrate {name}"
        settings = invocation.settings(choice.config, needs_schemas=False)
        self.settings: Settings = of_target(settings, choice.label)
        self.directory = self.settings.root / self.settings.migrations

    @property
    def url(self) -> str | None:
        """The URL of the database; None if nothing gives one."""
        given = self._choice.database
        if given == "":
            raise click.UsageError("--database is empty: is a variable not set?")
        return database_url(given, self.settings.database)

    @property
    def options(self) -> Options:
        """The options of a run."""
        from ormkit.migrations import Options

        choice = self._choice
        return Options(
            schema=self.settings.migrations_schema,
            role=choice.role,
            phases=self.settings.phases,
            lock_timeout=choice.lock_timeout,
            tries=choice.tries,
            wait=choice.wait,
            batch_pause=choice.pause,
        )

    def report(self, progress: Progress) -> None:
        """Print what happens to standard error; batches on one line of a terminal."""
        stream = sys.stderr
        is_terminal = stream.isatty()
        if progress.what in _QUIET and is_terminal:
            stream.write(f"\r\x1b[K{progress}")
            stream.flush()
            return
        click.echo(f"\r\x1b[K{progress}" if is_terminal else str(progress), err=True)

    def run(self, work: Callable[[Engine], Awaitable[T]]) -> T:
        """Do some work on the database.

        Raises:
            Refusal: There is no database, or the migrations cannot run.
        """
        from ormkit import MigrationError

        url = self.url
        if not url:
            raise no_database()
        try:
            return asyncio.run(_on(url, work))
        except MigrationError as error:
            raise refused(error) from error


async def _on(url: str, work: Callable[[Engine], Awaitable[T]]) -> T:
    from ormkit import ConfigurationError, ConnectionFailed, DatabaseError, create_engine

    # Another program may be behind the same pooler: nothing is prepared.
    options: Any = {"max_connections": 1, "reconnect_timeout": 0, "statement_cache_size": 0}
    try:
        async with await create_engine(url, **options) as engine:
            return await work(engine)
    except (ConfigurationError, ConnectionFailed) as error:
        remedy = "check the URL of --database, DATABASE_URL or the setting `database`"
        raise Refusal(problem("no-database", str(error), remedy)) from error
    except DatabaseError as error:
        remedy = "see `ormkit migrate status` for what is done"
        raise Refusal(problem("database-error", str(error), remedy)) from error


def refused(error: Any) -> Refusal:
    """Return the refusal for an error of migrations, whose text says what to do."""
    return Refusal(problem(error.code, str(error), ""))
