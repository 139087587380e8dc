"""`ormkit migrate apply` and `ormkit migrate resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.migrate.target import Choice, Target, refused, run_options
from ormkit_gen.cli.output import print_exactly

if TYPE_CHECKING:
    from ormkit.migrations import ChosenPhase, Done, Migration, Status

_PENDING = 1


@click.command()
@click.option("--to", metavar="ID", help="Stop after this migration.")
@click.option(
    "--phase",
    type=click.Choice(["expand", "contract", "all"]),
    help="Stop before the first migration of the other phase; all stops at none.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Print what would run, and run nothing.")
@click.option("--sql", "as_sql", is_flag=True, help="Print a script for psql, and run nothing.")
@run_options
@pass_invocation
def apply(
    invocation: Invocation,
    /,
    to: str | None,
    phase: ChosenPhase | None,
    is_dry: bool,
    as_sql: bool,
    **options: Any,
) -> int:
    """Run the migrations that a database does not have.

    With `phases = "apart"` in the settings, it stops before those of the phase contract, which
    remove what programs of before a change use: --phase contract runs them. A new database gets
    all.

    One run at a time works on a database; others wait for it. A run that was killed is continued
    where it was. After a failure, `ormkit migrate resume` continues it.

    With --sql and without a database, the script has all migrations from the first one on.

    \b
    Examples:
      ormkit migrate apply --database postgresql://localhost/mydb
      ormkit migrate apply --phase expand
      ormkit migrate apply --sql > migrations.sql
    """
    target = Target(invocation, "apply", Choice(**options))
    if as_sql:
        return _print_script(target, to, phase)
    if is_dry:
        return _print_plan(target, to, phase)
    return _run(target, to, phase, resume=False)


@click.command()
@run_options
@pass_invocation
def resume(invocation: Invocation, /, **options: Any) -> int:
    """Continue the migration that failed or was killed, at the step where it was.

    \b
    Example:
      ormkit migrate resume
    """
    target = Target(invocation, "resume", Choice(**options))
    from ormkit.migrations import read_status

    found = target.run(lambda engine: read_status(engine, target.directory, target.options))
    if found.unfinished is None:
        if invocation.wants_json:
            return print_document(invocation, 0, applied=[], left=found.pending)
        click.echo("nothing to resume")
        return 0
    return _run(target, found.unfinished.id, None, resume=True)


def _run(target: Target, to: str | None, phase: Any, *, resume: bool) -> int:
    from ormkit.migrations import migrate

    async def work(engine: Any) -> Done:
        return await migrate(
            engine,
            target.directory,
            to=to,
            phase=phase,
            resume=resume,
            options=target.options,
            progress=target.report,
        )

    done = target.run(work)
    if target.invocation.wants_json:
        return print_document(target.invocation, 0, applied=done.migrations, left=done.left)
    count = len(done.migrations)
    said = f"{count} migration{'' if count == 1 else 's'} applied"
    if not count:
        said = "the database has all migrations"
        if done.left:
            said = f"nothing was applied; {len(done.left)} left, from {done.left[0]} on"
    click.echo(said)
    _hint_at_contract(target, done)
    return 0


def _hint_at_contract(target: Target, done: Done) -> None:
    """Say how to go on where the next migration is of the phase contract."""
    from ormkit.migrations import read_chain

    following = read_chain(target.directory).get(done.left[0]) if done.left else None
    if following is not None and following.header.phase == "contract":
        click.echo(
            f"{following.id} is of the phase contract: run `ormkit migrate apply --phase contract` "
            "once no program of before the change runs any more",
            err=True,
        )


def _wanted(target: Target, to: str | None, phase: Any) -> tuple[Migration, ...]:
    """Return what would run; raises Refusal for files that do not fit the database."""
    from ormkit import MigrationError
    from ormkit.migrations import Choice, read_chain, read_status

    is_apart, begun = False, None
    try:
        chain = read_chain(target.directory)
        if to is not None and chain.get(to) is None:
            message = f"there is no migration {to} in {target.directory}"
            raise MigrationError(message, code="unknown-migration")
        pending = tuple(chain)
        if target.url:
            found: Status = target.run(
                lambda engine: read_status(engine, target.directory, target.options)
            )
            if found.problem is not None:
                raise refused(found.problem)
            pending = tuple(each for each in chain if each.id in found.pending)
            is_apart = target.options.phases == "apart" and bool(found.records)
            begun = found.unfinished.id if found.unfinished else None
        return tuple(Choice(to=to, phase=phase, is_apart=is_apart).of(pending, begun))
    except MigrationError as error:
        raise refused(error) from error


def _print_script(target: Target, to: str | None, phase: Any) -> int:
    from ormkit import MigrationError
    from ormkit.migrations import offline_script

    wanted = _wanted(target, to, phase)
    try:
        print_exactly(offline_script(wanted, target.options))
    except MigrationError as error:
        raise refused(error) from error
    return 0


def _print_plan(target: Target, to: str | None, phase: Any) -> int:
    wanted = _wanted(target, to, phase)
    code = _PENDING if wanted else 0
    if target.invocation.wants_json:
        pending = [_document(each) for each in wanted]
        return print_document(target.invocation, code, pending=pending)
    for migration in wanted:
        click.echo(f"{migration.id} ({migration.header.phase})")
        for number, step in enumerate(migration.steps, 1):
            mode = str(step.batches) if step.batches else step.mode
            click.echo(f"  step {number}, {mode}")
            for line in (*step.measured, *step.sql.strip().splitlines()):
                click.echo(f"    {'-- ' if line in step.measured else ''}{line}")
    if not wanted:
        click.echo("nothing would run")
    return code


def _document(migration: Migration) -> dict[str, Any]:
    return {
        "id": migration.id,
        "phase": migration.header.phase,
        "steps": [
            {
                "mode": step.mode,
                "batches": str(step.batches) if step.batches else None,
                "measured": step.measured,
                "sql": step.sql,
            }
            for step in migration.steps
        ],
    }
