"""`ormkit check` and `ormkit diff`: compare the schema with a live database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.invocation import (
    Invocation,
    chosen_target,
    config_option,
    json_option,
    needed_database,
    pass_invocation,
)
from ormkit_gen.cli.messages import print_document, show_diagnostics
from ormkit_gen.cli.output import print_exactly

if TYPE_CHECKING:
    from ormkit_gen.drift.dependents import Around
    from ormkit_gen.drift.drift import Finding
    from ormkit_gen.drift.examination import Examination, Reading
    from ormkit_gen.drift.statement import Statement
    from ormkit_gen.ir import Schema
    from ormkit_gen.project.settings import Settings

_DIFFERS = 1


@dataclass(frozen=True, slots=True)
class _Choice:
    """What to compare with what, as the options say."""

    database: str | None
    shadow: str | None
    target: str | None
    namespaces: tuple[str, ...]
    config: Path | None


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        config_option,
        click.option(
            "--schema",
            "namespaces",
            metavar="NAME",
            multiple=True,
            help="Compare only this schema of PostgreSQL; may be given several times.",
        ),
        click.option(
            "--target",
            metavar="OUTPUT",
            help="Compare only the target with this output directory (default: all).",
        ),
        click.option(
            "--shadow",
            metavar="URL",
            help="Build the schema on this server (default: the setting `shadow`, or embedded).",
        ),
        click.option(
            "--database",
            metavar="URL",
            help="The database (default: DATABASE_URL, or the setting `database`).",
        ),
    ):
        command = option(command)
    return command


@click.command()
@json_option
@_options
@pass_invocation
def check(
    invocation: Invocation,
    /,
    as_json: bool,
    **options: Any,
) -> int:
    """Say how a live database differs from the schema files.

    Exit with 0 if it is the same, 1 if it differs, 2 for an error. The database is only read: no
    right beyond connecting is needed. Objects that the schema does not name are listed as
    unmanaged, and do not count.

    \b
    Example:
      ormkit check --database postgresql://localhost/mydb
    """
    invocation.wants_json = as_json
    invocation.name = "check"
    found = _examination(invocation, _Choice(**options))
    findings = found.findings
    code = _code(found)
    if as_json:
        return _print_document(invocation, code, found)
    for finding in findings:
        click.echo(line_of(finding))
    count = sum(finding.counts for finding in findings)
    others = len(findings) - count
    said = _counted(count, "difference") + " from the schema"
    if found.unknown:
        said += ", as far as that can be told"
    elif not count:
        said = "the database has the schema"
    click.echo(said + (f"; {_counted(others, 'unmanaged object')}" if others else ""), err=True)
    return code


@click.command()
@click.option("--sql", "as_sql", is_flag=True, help="Print statements instead of differences.")
@click.option("--reverse", is_flag=True, help="Towards the database instead of the schema.")
@json_option
@_options
@pass_invocation
def diff(
    invocation: Invocation,
    /,
    as_sql: bool,
    reverse: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Show what a live database lacks, or has that differs from the schema files.

    With --sql, print the statements that would make the database like the schema. Nothing is run:
    read them first. They never drop an object that the schema does not name.

    \b
    Example:
      ormkit diff --database postgresql://localhost/mydb --sql
    """
    if as_sql and as_json:
        raise click.UsageError("give --sql or --json: the report in JSON has the statements")
    invocation.wants_json = as_json
    invocation.name = "diff"
    found = _examination(invocation, _Choice(**options))
    counted = [finding for finding in found.findings if finding.counts]
    code = _code(found)
    if as_json:
        _print_document(invocation, code, found)
    elif as_sql:
        around = None if reverse else _around(invocation, _Choice(**options), found, counted)
        print_exactly("".join(_script(counted, around, is_backward=reverse)))
    else:
        for finding in counted:
            print_exactly(_block(finding))
    return code


def _around(
    invocation: Invocation, choice: _Choice, found: Examination, counted: Sequence[Finding]
) -> Around | None:
    """Return what has to be dropped and created around changes of columns; None for nothing."""
    from ormkit_gen.drift.dependents import around, changed_columns, read_dependents
    from ormkit_gen.drift.live import read_live

    columns = changed_columns(counted)
    if not columns:
        return None
    url = _database(choice, invocation.settings(choice.config))
    dependents = asyncio.run(read_live(url, lambda engine: read_dependents(engine, columns)))
    return around(counted, dependents, found.wanted, found.found) if dependents else None


def _script(
    findings: Sequence[Finding], around: Around | None, *, is_backward: bool
) -> Iterator[str]:
    """Yield the statements in an order in which they can run, below what they are for."""
    from ormkit_gen.drift.statement import ordered

    if around is not None:
        findings = around.findings
    statements = ordered(
        (line_of(finding), statement)
        for finding in findings
        for statement in (finding.backward if is_backward else finding.forward)
    )
    if around is not None:
        statements = [*around.before, *statements, *around.after]
        yield "BEGIN;\n"
    for heading, group in groupby(statements, key=lambda each: each[0]):
        lines = [line for _, statement in group for line in statement.lines]
        yield f"-- {heading}\n" + "".join(f"{line}\n" for line in lines)
    if around is not None:
        yield "COMMIT;\n"
    for finding in findings:
        if not (finding.backward if is_backward else finding.forward):
            yield f"-- {line_of(finding)}\n-- no single statement does this\n"


def _examination(invocation: Invocation, choice: _Choice) -> Examination:
    # Loading these takes longer than `ormkit --help`.
    from ormkit_gen.drift.examination import Project, examine

    def read() -> Reading:
        from ormkit_gen.generation import read_schemas

        return read_schemas(settings, targets)

    def read_others() -> Sequence[Schema]:
        from ormkit_gen.generation import read_schemas

        others = [each for each in settings.targets if each not in targets]
        return read_schemas(settings, others).schemas

    settings = invocation.settings(choice.config)
    targets = settings.targets
    if choice.target is not None:
        targets = (chosen_target(targets, choice.target),)
    url = _database(choice, settings)
    project = Project(settings.root, targets, read, read_others)
    shadow = choice.shadow or settings.shadow
    found = asyncio.run(examine(project, url, shadow, choice.namespaces))
    if not invocation.wants_json:
        show_diagnostics((*found.warnings, *found.unknown), invocation.root)
    return found


def _database(choice: _Choice, settings: Settings) -> str:
    return needed_database(choice.database, settings.database, "to compare with")


def _code(found: Examination) -> int:
    """Return the exit code: a database of which a part is unknown is not the same."""
    return _DIFFERS if found.unknown or any(each.counts for each in found.findings) else 0


def _print_document(invocation: Invocation, code: int, found: Examination) -> int:
    differences = [finding_document(finding) for finding in found.findings]
    problems = (*found.warnings, *found.unknown)
    return print_document(invocation, code, problems, differences=differences)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def line_of(finding: Finding) -> str:
    """Return the line for a difference."""
    fact = finding.difference.fact
    what = (
        fact.object if fact.kind == "object" else f"{fact.object}: {fact.kind} {fact.name}".rstrip()
    )
    at = finding.at
    place = f" ({at.file}:{at.line})" if at else ""
    return f"{finding.difference.cause}: {what}{_change(finding)}{place}"


def _change(finding: Finding) -> str:
    expected, found = finding.difference.expected, finding.difference.found
    if expected is None:
        return " is not in the schema"
    if found is None:
        return " is missing in the database"
    return f" is {_short(found.definition)}, and the schema says {_short(expected.definition)}"


def _short(definition: str) -> str:
    text = " ".join(definition.split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _lines(statements: Sequence[Statement]) -> list[str]:
    found = sorted(statements, key=lambda each: each.stage)
    return [line for statement in found for line in statement.lines]


def _block(finding: Finding) -> str:
    expected, found = finding.difference.expected, finding.difference.found
    lines = [line_of(finding)]
    lines += [f"  - {line}" for line in (found.definition.splitlines() if found else ())]
    lines += [f"  + {line}" for line in (expected.definition.splitlines() if expected else ())]
    return "\n".join(lines) + "\n"


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a difference for JSON; its place is null if the schema files do not have it."""
    difference, at = finding.difference, finding.at
    return {
        "class": difference.cause,
        "object": difference.fact.object,
        "kind": difference.fact.kind,
        "name": difference.fact.name,
        "expected": difference.expected.definition if difference.expected else None,
        "found": difference.found.definition if difference.found else None,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "sql_to_schema": _lines(finding.forward),
        "sql_to_database": _lines(finding.backward),
    }
