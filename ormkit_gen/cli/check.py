"""`ormkit check` and `ormkit diff`: compare the schema with a live database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from ormkit_gen.cli.comparing import Choice, Compared, comparison_options, examinations, labels
from ormkit_gen.cli.invocation import Invocation, json_option, pass_invocation
from ormkit_gen.cli.messages import print_document
from ormkit_gen.cli.output import print_exactly

if TYPE_CHECKING:
    from ormkit import Engine
    from ormkit_gen.drift.dependents import Key
    from ormkit_gen.drift.drift import Finding
    from ormkit_gen.drift.examination import Examination
    from ormkit_gen.drift.statement import Statement

_DIFFERS = 1


@click.command()
@json_option
@comparison_options
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
    compared = examinations(invocation, Choice(**options))
    code = max(map(_code, compared))
    if as_json:
        return _print_document(invocation, code, compared)
    for each in compared:
        of = f"{labels(each.targets)}: " if len(compared) > 1 else ""
        for finding in each.found.findings:
            click.echo(of + line_of(finding))
        click.echo(of + _summary(each.found), err=True)
    return code


@click.command()
@click.option("--sql", "as_sql", is_flag=True, help="Print statements instead of differences.")
@click.option("--reverse", is_flag=True, help="Towards the database instead of the schema.")
@json_option
@comparison_options
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
    compared = examinations(invocation, Choice(**options), for_one=as_sql)
    code = max(map(_code, compared))
    if as_json:
        return _print_document(invocation, code, compared)
    if as_sql:
        (one,) = compared
        print_exactly("".join(_script(one, is_backward=reverse)))
        return code
    for each in compared:
        of = f"{labels(each.targets)}: " if len(compared) > 1 else ""
        for finding in each.found.findings:
            if finding.counts:
                print_exactly(of + _block(finding))
    return code


def _dependents(
    compared: Compared, findings: Sequence[Finding], *, is_backward: bool
) -> list[tuple[Key, int]]:
    """Return what uses what the findings change, where it has to go and come back.

    findings: those of the direction; a database that is like the schema is built for the backward
    one.
    """
    from ormkit_gen.drift.dependents import read_dependents, roots_of
    from ormkit_gen.drift.live import read_live
    from ormkit_gen.drift.shadow import read_shadow

    roots = roots_of(findings)
    if not roots:
        return []

    def read(engine: Engine) -> Awaitable[list[tuple[Key, int]]]:
        return read_dependents(engine, roots)

    if is_backward:
        reading = read_shadow(compared.project.read().schemas, compared.shadow, read)
        return asyncio.run(reading)
    return asyncio.run(read_live(compared.url, read))


def _script(compared: Compared, *, is_backward: bool) -> Iterator[str]:
    """Yield the statements in an order in which they can run, below what they are for."""
    from ormkit_gen.drift.dependents import script
    from ormkit_gen.drift.objects import comes_with

    findings: Sequence[Finding] = [
        finding.turned() if is_backward else finding
        for finding in compared.found.findings
        if finding.counts
    ]
    wanted, present = compared.found.wanted, compared.found.found
    if is_backward:
        wanted, present = present, wanted
    dependents = _dependents(compared, findings, is_backward=is_backward)

    def title(finding: Finding) -> str:
        return line_of(finding.turned() if is_backward else finding)

    statements = script(findings, dependents, wanted, present, title)
    in_block = bool(dependents)
    if in_block:
        # A label cannot be used in the transaction that adds it.
        labels_first = [line for line in statements if _adds_label(line[1])]
        statements = [line for line in statements if not _adds_label(line[1])]
        yield from (f"-- {heading}\n{statement.sql}\n" for heading, statement in labels_first)
        yield "BEGIN;\n"
    for heading, group in groupby(statements, key=lambda each: each[0]):
        lines = [line for _, statement in group for line in statement.lines]
        if in_block:
            # What is in the way has to come back if a statement fails.
            lines = [line.replace(" CONCURRENTLY ", " ", 1) for line in lines]
        yield f"-- {heading}\n" + "".join(f"{line}\n" for line in lines)
    if in_block:
        yield "COMMIT;\n"
    for finding in findings:
        if not finding.forward and not comes_with(finding.difference, wanted, present):
            yield f"-- {title(finding)}\n-- no single statement does this\n"


def _adds_label(statement: Statement) -> bool:
    return statement.sql.startswith("ALTER TYPE ") and " ADD VALUE " in statement.sql


def _code(compared: Compared) -> int:
    """Return the exit code: a database of which a part is unknown is not the same."""
    found = compared.found
    return _DIFFERS if found.unknown or any(each.counts for each in found.findings) else 0


def _print_document(invocation: Invocation, code: int, compared: Sequence[Compared]) -> int:
    differences = [
        {**finding_document(finding), "targets": [target.label for target in each.targets]}
        for each in compared
        for finding in each.found.findings
    ]
    problems = [each for one in compared for each in (*one.found.warnings, *one.found.unknown)]
    return print_document(invocation, code, problems, differences=differences)


def _summary(found: Examination) -> str:
    count = sum(finding.counts for finding in found.findings)
    others = len(found.findings) - count
    said = _counted(count, "difference") + " from the schema"
    if found.unknown:
        said += ", as far as that can be told"
    elif not count:
        said = "the database has the schema"
    return said + (f"; {_counted(others, 'unmanaged object')}" if others else "")


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
