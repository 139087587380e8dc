"""`ormkit migrate check` and `ormkit migrate lint`: verify migrations without a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

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
from ormkit_gen.cli.messages import print_document, show_diagnostics
from ormkit_gen.cli.migrate.chains import named, project_chain

if TYPE_CHECKING:
    from ormkit.migrations.chain import Chain
    from ormkit.migrations.files import Migration
    from ormkit_gen.diagnostics.diagnostic import Diagnostic
    from ormkit_gen.migrations.verification import Verified
    from ormkit_gen.project.settings import Settings

_DIFFERS = 1


@click.command()
@click.option(
    "--all", "wants_all", is_flag=True, help="Also verify what earlier runs have verified."
)
@click.option(
    "--write",
    "wants_measures",
    is_flag=True,
    help="Write what is measured into the last migration. No database may have it yet.",
)
@shadow_option
@target_option
@json_option
@config_option
@pass_invocation
def check(
    invocation: Invocation,
    wants_all: bool,
    wants_measures: bool,
    shadow: str | None,
    label: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Verify the migrations: for CI, and after writing steps by hand.

    Every migration runs on a shadow server, after all those before it. Its steps must lead to its
    state.json, and the last one to the schema files. What each step locks, reads and rewrites is
    measured again, and judged by the rules of `ormkit migrate lint`. Exit with 0 if all is well, 1
    if not, 2 for an error. No database is touched.

    \b
    Example:
      ormkit migrate check
    """
    invocation.wants_json = as_json
    invocation.name = "migrate check"
    from ormkit_gen.generation import read_schemas
    from ormkit_gen.migrations.pending import pending_change

    settings = of_target(invocation.settings(config), label)
    reading = read_schemas(settings, settings.targets)
    (schema,) = reading.schemas
    chain = project_chain(settings)
    found = _verified(invocation, settings, chain, shadow, wants_all=wants_all)
    if wants_measures and found and found[-1].is_good:
        _write_measures(settings, chain, found[-1])
        chain = project_chain(settings)
        found = _verified(invocation, settings, chain, shadow, wants_all=wants_all)
    problems = [each for verified in found for each in verified.problems]
    url = shadow or settings.shadow
    if change := asyncio.run(pending_change(chain, schema, settings.migrations, url)):
        problems.append(change)
    return _report(invocation, [*reading.warnings, *problems], len(chain))


@click.command()
@click.argument("names", nargs=-1, metavar="[MIGRATION]...")
@shadow_option
@target_option
@json_option
@config_option
@pass_invocation
def lint(
    invocation: Invocation,
    names: tuple[str, ...],
    shadow: str | None,
    label: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Judge the steps of migrations, all of them or those that are named.

    The rules look at what PostgreSQL did on a shadow server, and not at the wording of SQL. A line
    `-- allow: RULE because REASON` in a step allows it to break a rule. Exit with 0 if no rule is
    broken, 1 if one is, 2 for an error.

    \b
    Examples:
      ormkit migrate lint
      ormkit migrate lint migrations/20260101-1200-add-age-k3f9
    """
    invocation.wants_json = as_json
    invocation.name = "migrate lint"
    from ormkit_gen.migrations.rules import RULES

    settings = of_target(invocation.settings(config), label)
    chain = project_chain(settings)
    chosen = frozenset(named(chain, names) or (each.id for each in chain))
    found = _verified(invocation, settings, chain, shadow, wants_all=True)
    problems = [
        each
        for verified in found
        if verified.migration.id in chosen
        for each in verified.problems
        if each.code in RULES or not verified.measures
    ]
    return _report(invocation, problems, len(chosen))


def _verified(
    invocation: Invocation,
    settings: Settings,
    chain: Chain,
    shadow: str | None,
    *,
    wants_all: bool,
) -> Sequence[Verified]:
    from ormkit_gen.migrations.verification import verify
    from ormkit_gen.migrations.verified import VerifiedMigrations

    def tell(migration: Migration) -> None:
        if not invocation.wants_json:
            click.echo(f"{settings.migrations}/{migration.id}", err=True)

    url = shadow or settings.shadow
    memory = VerifiedMigrations(url)
    known = frozenset[str]() if wants_all else memory.among(chain)
    found = asyncio.run(verify(chain, url, settings.migrations, known=known, tell=tell))
    for each in found:
        if each.problems:
            break
        memory.remember(each.migration)
    return found


def _write_measures(settings: Settings, chain: Chain, verified: Verified) -> None:
    """Write what is measured into the last migration."""
    from ormkit.migrations.files import UP, render_steps

    migration = verified.migration
    if migration != chain.head:
        return
    pairs = zip(migration.steps, verified.measures, strict=True)
    steps = [replace(step, measured=measure.lines) for step, measure in pairs]
    file = settings.root / settings.migrations / migration.id / UP
    file.write_text(render_steps(steps, migration.header), encoding="utf-8", newline="\n")


def _report(invocation: Invocation, problems: Sequence[Diagnostic], count: int) -> int:
    errors = sum(each.severity == "error" for each in problems)
    code = _DIFFERS if errors else 0
    if invocation.wants_json:
        return print_document(invocation, code, problems, migrations=count)
    show_diagnostics(problems, invocation.root)
    what = f"{count} migration{'' if count == 1 else 's'}"
    click.echo(f"{what}: {f'{errors} problems' if errors else 'all is well'}", err=True)
    return code
