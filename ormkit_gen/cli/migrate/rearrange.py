"""`ormkit migrate rebase` and `ormkit migrate squash`: write the order of migrations anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    config_option,
    json_option,
    of_target,
    pass_invocation,
    shadow_option,
    target_option,
)
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.migrate.chains import named, project_chain
from ormkit_gen.cli.progress import ProgressLine
from ormkit_gen.diagnostics.refusal import Refusal, problem


@click.command()
@click.option(
    "--onto",
    metavar="ID",
    help="A migration of the branch that stays (default: of the branch that was begun first).",
)
@shadow_option
@target_option
@json_option
@config_option
@pass_invocation
def rebase(
    invocation: Invocation,
    onto: str | None,
    shadow: str | None,
    label: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Put the migrations of one branch behind those of another one, after a merge.

    Both orders are tried on a shadow server: they must lead to the same schema, and to that of the
    schema files. Otherwise nothing is written. It also writes the order anew where a migration was
    edited that others follow.

    \b
    Example:
      git merge main
      ormkit migrate rebase
    """
    invocation.wants_json = as_json
    invocation.name = "migrate rebase"
    from ormkit.migrations.chain import read_migrations
    from ormkit_gen.generation import read_schemas
    from ormkit_gen.migrations.rebasing import Rebased, find_fork, rebase

    settings = of_target(invocation.settings(config), label)
    directory = settings.root / settings.migrations
    (schema,) = read_schemas(settings, settings.targets).schemas
    url = shadow or settings.shadow
    found: list[Rebased] = []
    while fork := find_fork(read_migrations(directory), onto):
        found.append(asyncio.run(rebase(fork, schema, url, directory, ProgressLine())))
    moved = [migration.id for each in found for migration in each.moved]
    rows = sorted({table for each in found for table in each.rows})
    if as_json:
        return print_document(invocation, 0, moved=moved, rows=rows)
    for each in moved:
        click.echo(f"{settings.migrations}/{each}/")
    for table in rows:
        click.echo(
            f"both branches change rows of {table}: see that the order does not matter", err=True
        )
    if not moved:
        click.echo("the migrations are in one order", err=True)
    return 0


@click.command()
@click.option("--upto", metavar="ID", help="The last migration to replace (default: the last one).")
@click.option(
    "--elide",
    metavar="ID",
    multiple=True,
    help="Leave out the rows that this migration writes. Can be repeated.",
)
@shadow_option
@target_option
@json_option
@config_option
@pass_invocation
def squash(
    invocation: Invocation,
    upto: str | None,
    elide: tuple[str, ...],
    shadow: str | None,
    label: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Put one migration in the place of the first ones, so that new databases begin with it.

    Databases that have all of them go on behind it. Steps that insert rows are kept.

    \b
    Example:
      ormkit migrate squash --upto 20260101-1200-add-age-k3f9
    """
    invocation.wants_json = as_json
    invocation.name = "migrate squash"
    from ormkit_gen.migrations.squashing import squash

    settings = of_target(invocation.settings(config), label)
    chain = project_chain(settings)
    head = chain.head
    if head is None:
        message = f"there is no migration in {settings.migrations}"
        raise Refusal(problem("no-migrations", message, "write one: ormkit migrate new NAME"))
    names = named(chain, [upto or head.id])
    last = next(each for each in chain if each.id in names)
    named(chain, elide)
    found = asyncio.run(
        squash(
            *(chain, last, shadow or settings.shadow, settings.root / settings.migrations),
            elide=elide,
            version=settings.postgresql,
        )
    )
    if as_json:
        return print_document(
            invocation,
            0,
            id=found.checkpoint.id,
            replaced=list(found.replaced),
            elided=list(found.elided),
        )
    click.echo(f"{settings.migrations}/{found.checkpoint.id}/")
    click.echo(f"it replaces {len(found.replaced)} migrations", err=True)
    return 0
