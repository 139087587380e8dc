"""Partitions that are split, merged or cut otherwise: rows go from those of before to the new ones.

PostgreSQL moves no rows between partitions. One transaction does it, for which somebody agrees.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from ormkit.migrations.files import Step
from ormkit_gen.ddl.tables import create_partitions
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.ir import Model, Partition, Schema
from ormkit_gen.migrations.answers import REASONS, Answers
from ormkit_gen.migrations.attaching import detaching, names_of, tables
from ormkit_gen.migrations.situation import REPLACED, ending
from ormkit_gen.migrations.trial import Trial
from ormkit_gen.postgres.identifiers import qualified, quote_identifier

_PUBLIC = "public"
_DEFAULT = "DEFAULT"
#: From this version on, foreign keys of partitioned tables may be NOT VALID.
_KEYS_NOT_VALID = 18


@dataclass(frozen=True, slots=True)
class _Group:
    """The partitions of one table that change places, and the columns that their rows have."""

    model: Model
    #: The table or the partition above them, as SQL.
    parent: str
    gone: tuple[Partition, ...]
    fresh: tuple[Partition, ...]
    #: Whether the default partition may have rows of new ones. It keeps its others.
    is_of_default: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which flags may call the table."""
        table, schema = self.model.table, self.model.schema
        return (f"{schema}.{table}" if schema else table, f"{_PUBLIC}.{table}", self.model.name)


async def regrouped(
    old: Schema, new: Schema, answers: Answers, database: Trial
) -> AsyncGenerator[tuple[Step, Schema]]:
    """Yield the steps that move rows between partitions, each with the schema after it.

    old: the schema before, with the names of the new one. The database has it.

    Raises:
        Refusal: New partitions take the rows of others, and no flag says what becomes of these.
    """
    problems: list[Diagnostic] = []
    for group in _groups(old, new):
        if group.is_of_default:
            if flag := answers.consents_to("rewrite", *group.names):
                old = _after(old, group)
                async for step in _steps(group, flag, database):
                    yield step, old
            continue
        if await database.works(*_creates(group)):
            continue
        # What is to be lost makes room, and is dropped in the next phase.
        kept = [each for each in group.gone if not answers.may_drop(*_names(each))]
        flag = answers.consents_to("rewrite", *group.names)
        if kept and flag is None:
            problems.append(_overlap(group))
            continue
        old = _after(old, group)
        if not kept:
            for each in group.gone:
                yield detaching(group.parent, _sql(each), has_default=True), old
            continue
        async for step in _steps(group, str(flag), database):
            yield step, old
    if problems:
        raise Refusal(*problems)


def _groups(old: Schema, new: Schema) -> list[_Group]:
    found: list[_Group] = []
    before = {each.name: each for each in old.models}
    apart = (tables(old), tables(new))
    for model in new.models:
        was = before.get(model.name)
        if was is not None and model.is_managed:
            parent = qualified(model.schema or _PUBLIC, model.table)
            found += _below(was, parent, was.partitions, model.partitions, apart)
    return found


def _below(
    model: Model,
    parent: str,
    olds: Sequence[Partition],
    news: Sequence[Partition],
    apart: tuple[set[str], set[str]],
) -> list[_Group]:
    """Return the groups below a table.

    apart: tables that are no partitions, before and after.
    """
    bounds = [{_sql(each): each.bound for each in side} for side in (olds, news)]
    gone = [each for each in olds if bounds[1].get(_sql(each)) != each.bound]
    fresh = [each for each in news if bounds[0].get(_sql(each)) != each.bound]
    gone = [each for each in gone if _sql(each) not in apart[1]]
    fresh = [each for each in fresh if _sql(each) not in apart[0]]
    default = [each for each in news if each.bound == _DEFAULT and each in olds]
    if fresh and default and not gone:
        return [_Group(model, parent, tuple(default), (*fresh, *default), is_of_default=True)]
    if gone and fresh:
        return [_Group(model, parent, tuple(gone), tuple(fresh))]
    before = {_sql(each): each for each in olds}
    found: list[_Group] = []
    for each in news:
        was = before.get(_sql(each))
        if was is not None and each.partition_by is not None:
            found += _below(model, _sql(each), was.partitions, each.partitions, apart)
    return found


def _overlap(group: _Group) -> Diagnostic:
    gone, fresh = (", ".join(each.name for each in side) for side in (group.gone, group.fresh))
    name = group.names[0]
    return problem(
        "partition-overlap",
        f"partitions of {name} take the rows of others: {gone} before, {fresh} now; PostgreSQL "
        "moves no rows between partitions",
        f"pass --consent rewrite:{name}: one transaction moves the rows, and nobody reads or "
        f"writes {name} meanwhile",
    )


async def _steps(group: _Group, flag: str, database: Trial) -> AsyncGenerator[Step]:
    """Yield the transaction that moves the rows, and what validates foreign keys to them."""
    parent = group.parent
    columns = ", ".join(
        quote_identifier(each.db_name) for each in group.model.columns if each.generated is None
    )
    old = {each.name: quote_identifier(ending(each.name, REPLACED)) for each in group.gone}
    triggers = await database.triggers(parent)
    keys = await database.references(parent)
    sql = [f"ALTER TABLE {table} DROP CONSTRAINT {name};" for table, name, *_ in keys]
    for each in group.gone:
        sql.append(f"ALTER TABLE {parent} DETACH PARTITION {_sql(each)};")
        sql.append(f"ALTER TABLE {_sql(each)} RENAME TO {old[each.name]};")
    sql += _creates(group)
    sql += (f"ALTER TABLE {parent} DISABLE TRIGGER {name};" for name, _ in triggers)
    for each in group.gone:
        there = f"{quote_identifier(each.schema or _PUBLIC)}.{old[each.name]}"
        sql.append(
            f"INSERT INTO {parent} ({columns}) OVERRIDING SYSTEM VALUE\n"
            f"SELECT {columns} FROM {there};"
        )
        sql.append(f"DROP TABLE {there};")
    sql += (f"ALTER TABLE {parent} {enable} TRIGGER {name};" for name, enable in triggers)
    not_valid = " NOT VALID"
    is_early = await database.version() < _KEYS_NOT_VALID
    for table, name, text, is_partitioned in keys:
        is_whole = text.endswith(not_valid) or (is_early and is_partitioned)
        words = text if is_whole else f"{text}{not_valid}"
        sql.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {words};")
    yield Step(
        sql="\n".join(sql),
        notes=(f"consent: {flag}: {REASONS['rewrite']}",),
        allowed=("many-locks because rows go from some partitions to others",),
    )
    for table, name, text, is_partitioned in keys:
        if not (text.endswith(not_valid) or (is_early and is_partitioned)):
            yield Step(sql=f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};")


def _creates(group: _Group) -> list[str]:
    """Return the statements that create the new partitions, and those below them."""
    lines = create_partitions(group.parent, tuple(map(_qualified, group.fresh)))
    return [f"{each.replace(' IF NOT EXISTS', '', 1).rstrip(';')};" for each in lines]


def _qualified(part: Partition) -> Partition:
    below = tuple(map(_qualified, part.partitions))
    return replace(part, schema=part.schema or _PUBLIC, partitions=below)


def _after(schema: Schema, group: _Group) -> Schema:
    """Return the schema in which the partitions are as they are to be."""
    names = names_of([replace(group.model, partitions=group.gone)])

    def within(parent: str, parts: tuple[Partition, ...]) -> tuple[Partition, ...]:
        kept = tuple(
            replace(each, partitions=within(_sql(each), each.partitions))
            for each in parts
            if _sql(each) not in names
        )
        return (*kept, *group.fresh) if parent == group.parent else kept

    def changed(model: Model) -> Model:
        if model.name != group.model.name:
            return model
        return replace(
            model,
            partitions=within(qualified(model.schema or _PUBLIC, model.table), model.partitions),
        )

    return replace(schema, models=tuple(map(changed, schema.models)))


def _sql(part: Partition) -> str:
    return qualified(part.schema or _PUBLIC, part.name)


def _names(part: Partition) -> tuple[str, ...]:
    return (part.name, f"{part.schema or _PUBLIC}.{part.name}")
