"""`ormkit migrate status`: which migrations a database has, and what is half done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.invocation import Invocation, pass_invocation
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.migrate.target import Choice, Target, database_options, refused

if TYPE_CHECKING:
    from ormkit.migrations import Record, Status, StepRecord

_PENDING, _WRONG = 1, 2


@click.command()
@click.option(
    "--restore", metavar="ID", help="Write the folder of a migration as it was when it ran."
)
@database_options
@pass_invocation
def status(invocation: Invocation, /, restore: str | None, **options: Any) -> int:
    """Say which migrations a database has, which are pending, and which is half done.

    Exit with 0 if it has all of them, 1 if not, 2 if its migrations are not those of the files. It
    also says who runs migrations now. The database is only read.

    \b
    Example:
      ormkit migrate status
    """
    target = Target(invocation, "status", Choice(**options))
    # Importing the runtime takes longer than `ormkit --help`.
    from ormkit.migrations import read_status, stored_files

    if restore is not None:
        files = target.run(lambda engine: stored_files(engine, restore, target.options))
        written = _restore(target.directory / restore, files)
        if invocation.wants_json:
            return print_document(invocation, 0, written=written)
        for file in written:
            click.echo(f"wrote {file}")
        return 0
    found = target.run(lambda engine: read_status(engine, target.directory, target.options))
    code = _WRONG if found.problem else 0 if found.is_current else _PENDING
    if invocation.wants_json:
        problems = refused(found.problem).diagnostics if found.problem else ()
        return print_document(invocation, code, problems, **_document(found))
    for line in _lines(found):
        click.echo(line)
    if found.problem is not None:
        click.echo(f"error: {found.problem} [{found.problem.code}]", err=True)
    return code


def _restore(folder: Path, files: dict[str, str]) -> list[str]:
    """Write the files of a folder, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [str(folder / name) for name in files]


def _lines(status: Status) -> Iterator[str]:
    for each in status.records:
        if each.is_there:
            yield f"{each.state}: {each.id} ({each.origin}, {each.finished or each.started})"
        elif each.state == "abandoned":
            yield f"abandoned: {each.id}; in the database stays: {each.stays}"
    unfinished = status.unfinished
    if unfinished is not None:
        words = {"reverting": "half taken back", "failed": "failed"}
        yield f"{words.get(unfinished.state, 'half done')}: {unfinished.id}"
        direction = "down" if unfinished.state == "reverting" else "up"
        yield from (_step_line(each) for each in status.steps if each.direction == direction)
        yield f"  {_remedy(unfinished, is_running=status.holder is not None)}"
    for name in status.pending:
        if unfinished is None or name != unfinished.id:
            yield f"pending: {name}"
    if status.holder is not None:
        yield f"running now: {status.holder}"
    if not (status.records or status.pending):
        yield "there are no migrations"


def _step_line(step: StepRecord) -> str:
    words = [f"  step {step.number}, {step.mode}: {step.state}"]
    if step.batches:
        words.append(f"{step.batches} batches, {step.rows:,} rows")
    if step.duration is not None and step.state == "done":
        words.append(f"{step.duration:.2f} s")
    if step.attempts > 1:
        words.append(f"{step.attempts} attempts")
    return ", ".join(words) + (f": {step.error}" if step.error else "")


def _remedy(unfinished: Record, *, is_running: bool) -> str:
    if is_running:
        return "it runs now"
    if unfinished.state == "reverting":
        return "run `ormkit migrate down` to end it"
    return f"run `ormkit migrate resume`, or `ormkit migrate abandon {unfinished.id}`"


def _document(status: Status) -> dict[str, Any]:
    return {
        "migrations": [
            {
                "id": each.id,
                "state": each.state,
                "origin": each.origin,
                "started": each.started,
                "finished": each.finished,
                "role": each.role,
                "stays": each.stays,
            }
            for each in status.records
        ],
        "pending": status.pending,
        "unfinished": status.unfinished.id if status.unfinished else None,
        "steps": [
            {
                "direction": each.direction,
                "number": each.number,
                "mode": each.mode,
                "state": each.state,
                "attempts": each.attempts,
                "error": each.error,
                "batches": each.batches,
                "rows": each.rows,
                "seconds": each.duration,
            }
            for each in status.steps
        ],
        "running": str(status.holder) if status.holder else None,
    }
