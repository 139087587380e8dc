"""`ormkit migrate down` and `ormkit migrate abandon`: take migrations back."""

from __future__ import annotations

from typing import Any

import click

from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.migrate.target import Choice, Target, run_options

_STAYS = 1
_lose = click.option(
    "--lose",
    metavar="TABLE.COLUMN",
    multiple=True,
    help="A column or a table whose data may be lost; may be given several times.",
)


@click.command()
@click.option("--to", metavar="ID", help="Take back all migrations after this one.")
@_lose
@run_options
@pass_invocation
def down(invocation: Invocation, /, to: str | None, lose: tuple[str, ...], **options: Any) -> int:
    """Take back the last migration of a database, by its down.sql.

    PostgreSQL is asked what each step would lose. What has values stays, unless --lose names it.

    \b
    Examples:
      ormkit migrate down
      ormkit migrate down --lose users.age
    """
    target = Target(invocation, "down", Choice(**options))
    from ormkit.migrations import down as take_down

    done = target.run(
        lambda engine: take_down(
            engine, to=to, lose=lose, options=target.options, report=target.report
        )
    )
    if invocation.wants_json:
        return print_document(invocation, 0, taken_back=done.migrations)
    for name in done.migrations:
        click.echo(f"took back {name}")
    return 0


@click.command()
@click.argument("migration", metavar="ID")
@_lose
@run_options
@pass_invocation
def abandon(
    invocation: Invocation, /, migration: str, lose: tuple[str, ...], **options: Any
) -> int:
    """Give up a migration that is half done: undo what can be undone, and say what stays.

    Exit with 0 if nothing of it stays, 1 if something does.

    \b
    Example:
      ormkit migrate abandon 20261129-1953-add-age-k3f9
    """
    target = Target(invocation, "abandon", Choice(**options))
    from ormkit.migrations import abandon as give_up

    found = target.run(
        lambda engine: give_up(
            engine, migration, lose=lose, options=target.options, report=target.report
        )
    )
    code = _STAYS if found.stays else 0
    if invocation.wants_json:
        return print_document(invocation, code, undone=found.undone, stays=found.stays)
    for each in found.undone:
        click.echo(f"undone: {each}")
    for each in found.stays:
        click.echo(f"stays: {each}")
    click.echo(f"abandoned {migration}" + ("" if found.stays else "; nothing of it stays"))
    return code
