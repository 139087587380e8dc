"""What a step of a migration must not do: rules that judge by what was measured on the shadow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ormkit.migrations.files import UP, Migration, Step
from ormkit_gen.diagnostics.diagnostic import Diagnostic, Severity
from ormkit_gen.ir import Model, Position, Schema
from ormkit_gen.migrations.measure import BLOCKS_READERS, StepMeasure
from ormkit_gen.migrations.pairing import partitions_of
from ormkit_gen.postgres.identifiers import qualified

#: Every rule, and what a step that breaks it does.
RULES = {
    "blocking-scan": "a table is read while other clients wait for it",
    "blocking-rewrite": "a table is written anew while other clients wait for it",
    "blocking-index": "an index is built while other clients wait to write the table",
    "many-locks": "several tables are locked at once, while other clients wait for all of them",
    "unbatched-rows": "the rows of a whole table are changed in one transaction",
    "drop-not-retired": "programs of before the migration still use what is dropped",
    "rename": "programs of before the migration still use the old name",
    "reason": "a rule is allowed without a reason",
    "unknown-rule": "a rule is allowed that does not exist",
}
#: Those that do not make a check fail.
_WARNINGS = frozenset(("rename",))
_REMEDIES = {
    "blocking-scan": "add the constraint NOT VALID, and validate it in a step of its own",
    "blocking-rewrite": "add a new column, fill it in batches, and swap the names",
    "blocking-index": "build it with CREATE INDEX CONCURRENTLY, in a step `no transaction`",
    "many-locks": "give each table a step of its own",
    "unbatched-rows": "make it a step `batches of 5000 over TABLE (KEY)`",
    "drop-not-retired": "set `retired = true` in a migration before this one",
    "rename": "add the new name, copy the values, and retire the old one, if programs may not stop",
    "reason": "write `-- allow: RULE because REASON`",
    "unknown-rule": f"the rules are {', '.join(sorted(RULES))}",
}
_NAME = r'(?:"(?:[^"]|"")+"|\w+)'
#: A table or column that gets another name: the table, quoted or not, the column and the new name.
_RENAMES = re.compile(
    rf'\bALTER TABLE (?:ONLY )?(?:{_NAME}\.)?(?:("(?:[^"]|"")+")|(\w+)) '
    rf"RENAME (?:COLUMN ({_NAME}) )?TO ({_NAME})",
    re.IGNORECASE,
)
_ALLOWED = re.compile(r"([\w-]+)(?: because (.+))?")
#: What `ormkit migrate new` writes where somebody has agreed to a hazard.
_CONSENT = re.compile(r"consent: [\w-]+:")


@dataclass(frozen=True, slots=True)
class Judged:
    """A migration, and what is known about it."""

    migration: Migration
    #: The schema before it; None for the first one.
    before: Schema | None
    after: Schema
    measures: Sequence[StepMeasure]
    #: The tables that were there before it.
    tables: frozenset[str]


def broken_rules(judged: Judged, place: str) -> Iterator[Diagnostic]:
    """Yield what the steps of a migration do against the rules.

    place: the migration's folder, as messages name it.
    """
    steps = judged.migration.steps
    roots = _roots(judged.after)
    for number, (step, measure) in enumerate(zip(steps, judged.measures, strict=True), 1):
        at = step_position(judged.migration, number, place)
        allowed = {each for each, _ in _allowed(step)}
        yield from _of_allowances(step, at)
        for rule, what in _of_step(step, measure, judged.tables, roots):
            if rule not in allowed:
                yield _broken(rule, what, at)
    first = step_position(judged.migration, 1, place)
    allowed = {each for step in steps for each, _ in _allowed(step)}
    for rule, what in _of_schemas(judged):
        if rule not in allowed:
            yield _broken(rule, what, first)


def step_position(migration: Migration, number: int, place: str) -> Position:
    """Return where a step stands in up.sql."""
    lines = migration.files[UP].split("\n")
    beginning = re.compile(rf"-- ormkit: *step {number}\b")
    line = next((n for n, each in enumerate(lines, 1) if beginning.match(each)), 1)
    return Position(f"{place}/{UP}", line, 1, width=len(lines[line - 1]) or 1)


def _broken(rule: str, what: str, at: Position) -> Diagnostic:
    severity: Severity = "warning" if rule in _WARNINGS else "error"
    return Diagnostic(severity, rule, f"{what}: {RULES[rule]}", _REMEDIES[rule], at)


def _allowed(step: Step) -> Iterator[tuple[str, str]]:
    """Yield each rule that a step may break, and the reason."""
    for each in step.allowed:
        found = _ALLOWED.fullmatch(each)
        yield (found[1], found[2] or "") if found else (each, "")


def _of_allowances(step: Step, at: Position) -> Iterator[Diagnostic]:
    for rule, reason in _allowed(step):
        if rule not in RULES:
            yield _broken("unknown-rule", rule, at)
        elif not reason:
            yield _broken("reason", rule, at)


def _roots(schema: Schema) -> dict[str, str]:
    """Return the partitioned table of each partition: a lock on one takes the others along."""
    return {
        qualified(part.schema or "public", part.name): qualified(
            model.schema or "public", model.table
        )
        for model in schema.models
        for part in partitions_of(model)
    }


def _of_step(
    step: Step, measure: StepMeasure, tables: frozenset[str], roots: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    if not any(_CONSENT.match(each) for each in step.notes):
        for table in measure.blocking(tables):
            yield _hazard(measure, table), table
    held = [name for name, lock in measure.locks.items() if lock in BLOCKS_READERS]
    locked = sorted({roots.get(each, each) for each in tables.intersection(held)})
    is_divisible = step.mode == "transaction" and len(_statements(step)) > 1
    if len(locked) > 1 and is_divisible and not _is_rename(step):
        yield "many-locks", ", ".join(locked)
    if step.mode == "transaction":
        for table in sorted(tables.intersection(measure.scans)):
            if measure.locks.get(table) == "RowExclusive":
                yield "unbatched-rows", table


def _hazard(measure: StepMeasure, table: str) -> str:
    if table in measure.rewrites:
        return "blocking-rewrite"
    builds_only = table in measure.builds and measure.locks[table] == "Share"
    return "blocking-index" if builds_only else "blocking-scan"


def _is_rename(step: Step) -> bool:
    """Return whether a step only gives names, which takes no time at all."""
    return all(" RENAME " in each for each in _statements(step))


def _statements(step: Step) -> list[str]:
    return [each.strip() for each in step.sql.split(";") if each.strip()]


def _of_schemas(judged: Judged) -> Iterator[tuple[str, str]]:
    if judged.before is None:
        return
    renamed = _renamed(judged.migration.steps)
    after = {model.name: model for model in judged.after.models}
    tables = {(model.schema, model.table) for model in judged.after.models}
    tables |= {
        (part.schema, part.name) for model in judged.after.models for part in partitions_of(model)
    }
    for model in judged.before.models:
        if not model.is_managed or model.view is not None:
            continue
        now = after.get(model.name)
        if now is None:
            what = f"the table {model.table}"
            if model.table in renamed:
                yield "rename", f"{what} becomes {renamed[model.table]}"
            elif (model.schema, model.table) not in tables and not _is_retired(model):
                yield "drop-not-retired", what
            continue
        if now.table != model.table:
            yield "rename", f"the table {model.table} becomes {now.table}"
        yield from _of_columns(model, now, renamed)


def _of_columns(
    before: Model, after: Model, renamed: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    columns = {each.name: each for each in after.columns}
    names = {each.db_name for each in after.columns}
    for column in before.columns:
        now = columns.get(column.name)
        what = f"the column {before.table}.{column.db_name}"
        if now is not None and now.db_name != column.db_name:
            yield "rename", f"{what} becomes {now.db_name}"
        elif now is None and renamed.get(column.db_name) in names:
            yield "rename", f"{what} becomes {renamed[column.db_name]}"
        elif now is None and column.db_name not in names and not column.is_retired:
            yield "drop-not-retired", what


def _renamed(steps: Iterable[Step]) -> dict[str, str]:
    """Return the new names of tables and columns by their old ones, as the steps give them.

    Where the name in Python changes as well, the two schemas do not say that it is the same thing.
    """
    found: dict[str, str] = {}
    for step in steps:
        for quoted, plain, column, new in _RENAMES.findall(step.sql):
            old = _unquoted(column) or _unquoted(quoted) or plain
            found[old] = _unquoted(new)
    return found


def _unquoted(name: str) -> str:
    return name.strip('"').replace('""', '"')


def _is_retired(model: Model) -> bool:
    """Return whether no program uses a table any more: all but its key is retired."""
    others = [each for each in model.columns if each.name not in model.primary_key]
    return bool(others) and all(each.is_retired for each in others)
