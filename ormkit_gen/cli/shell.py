"""`ormkit shell`: a Python prompt with an engine, a session and the models."""

from __future__ import annotations

import asyncio
import importlib
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.console import Console
from ormkit_gen.cli.history import history
from ormkit_gen.cli.invocation import (
    Invocation,
    chosen_target,
    config_option,
    database_option,
    needed_database,
    pass_invocation,
)
from ormkit_gen.diagnostics.refusal import Refusal, problem

if TYPE_CHECKING:
    from ormkit import StatementEvent


@click.command()
@database_option
@click.option("--write", is_flag=True, help="Allow statements that change rows.")
@click.option("--quiet", is_flag=True, help="Do not print the SQL of each statement.")
@click.option("--plain", is_flag=True, help="Use Python's own prompt, also if IPython is there.")
@click.option("--target", "label", metavar="OUTPUT", help="The target with this output directory.")
@config_option
@pass_invocation
def shell(
    invocation: Invocation,
    database: str | None,
    write: bool,
    quiet: bool,
    plain: bool,
    label: str | None,
    config: Path | None,
) -> None:
    """Open a Python prompt with `engine`, `session` and the models.

    `await` works at the top level. The database is read-only unless you give --write.

    \b
    Example:
      $ ormkit shell
      >>> await session.query(User).limit(3).all()
    """
    settings = invocation.settings(config)
    target = chosen_target(settings.targets, label)
    url = needed_database(database, target.database or settings.database, "to open")
    names = _models(settings.root, target.output)
    loop = None if plain or not sys.stdin.isatty() else _loop_of_ipython()
    has_ipython = loop is not None
    loop = loop or asyncio.new_event_loop()
    engine = loop.run_until_complete(_open(url, write=write, quiet=quiet, names=names))
    try:
        mode = "" if write else "read-only without --write, "
        banner = f"{engine.url}, {mode}with engine, session and models"
        if has_ipython:
            _run_ipython(banner, names)
        else:
            with history() if sys.stdin.isatty() else nullcontext():
                Console(names, loop).interact(banner, "")
    finally:
        loop.run_until_complete(engine.close())
        if not has_ipython:
            loop.close()


def _models(root: Path, output: Path) -> dict[str, Any]:
    """Return what the generated package exports, by name."""
    sys.path.insert(0, str(root))
    package = ".".join(output.relative_to(root).parts)
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not package.startswith(error.name):
            raise
        remedy = "run `ormkit generate`"
        raise Refusal(problem("no-package", f"there is no package {package}", remedy)) from None
    return {name: getattr(module, name) for name in module.__all__}


async def _open(url: str, *, write: bool, quiet: bool, names: dict[str, Any]) -> Any:
    import ormkit

    settings = {} if write else {"default_transaction_read_only": "on"}
    try:
        engine = await ormkit.create_engine(url, server_settings=settings, max_connections=4)
    except ormkit.OrmKitError as error:
        remedy = "check the URL of --database, DATABASE_URL or the setting `database`"
        raise Refusal(problem("no-database", str(error), remedy)) from error
    if not quiet:
        engine.listen(on_statement=_show)
    names.update(engine=engine, session=ormkit.AsyncSession(engine))
    for name in ("func", "selectinload", "joinedload", "Q"):
        names.setdefault(name, getattr(ormkit, name))
    return engine


def _show(event: StatementEvent) -> None:
    milliseconds = event.elapsed * 1000
    click.echo(f"-- {event.sql}  ({event.rows} rows, {milliseconds:.1f} ms)", err=True)


def _loop_of_ipython() -> asyncio.AbstractEventLoop | None:
    """Return the event loop in which IPython runs what awaits; None without IPython."""
    with suppress(ImportError):
        helpers: Any = importlib.import_module("IPython.core.async_helpers")
        loop: asyncio.AbstractEventLoop = helpers.get_asyncio_loop()
        return loop
    return None


def _run_ipython(banner: str, names: dict[str, Any]) -> None:
    ipython: Any = importlib.import_module("IPython")
    click.echo(banner)
    ipython.start_ipython(argv=["--no-banner"], user_ns=names)
