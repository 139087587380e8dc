"""Drafts of migrations: planned, proved on the shadow server, and not written yet."""

from __future__ import annotations

from asyncio import Task, create_task, gather
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from ormkit.catalog import Catalog, compare
from ormkit.migrations.files import Phase, Step
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.shadow import expected_catalog, managed, shadow_server
from ormkit_gen.ir import Column, Schema
from ormkit_gen.migrations.answers import REASONS, Answers
from ormkit_gen.migrations.attaching import attached, detached
from ormkit_gen.migrations.measure import StepMeasure
from ormkit_gen.migrations.narrowing import Narrowing, narrowing
from ormkit_gen.migrations.pairing import Pairing, pair
from ormkit_gen.migrations.phases import between
from ormkit_gen.migrations.planner import plan
from ormkit_gen.migrations.prover import Proof, Rehearsal, concluded, rehearsal
from ormkit_gen.migrations.regrouping import regrouped
from ormkit_gen.migrations.renaming import Renaming, rename
from ormkit_gen.migrations.situation import Situation
from ormkit_gen.migrations.state import canonical
from ormkit_gen.migrations.trial import Trial
from ormkit_gen.postgres.identifiers import quote_identifier

EMPTY = Schema(models=())
#: Schemas, each with the catalog that it leads to.
Known = Sequence[tuple[Schema, Catalog]]


@dataclass(frozen=True, slots=True)
class Draft:
    """One migration before it is written."""

    phase: Phase
    steps: tuple[Step, ...]
    #: The schema after it.
    schema: Schema
    minimum_server: int | None
    #: The steps back; None where data would be lost.
    down: tuple[Step, ...] | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """The migrations of one change, in their order; none where nothing changes."""

    drafts: tuple[Draft, ...]
    warnings: tuple[Diagnostic, ...]


async def draft(
    old: Schema | None,
    new: Schema,
    answers: Answers,
    shadow: str | None,
    version: int | None = None,
    *,
    with_way_back: bool = False,
) -> Drafts:
    """Return what leads from one schema to the next.

    old: that of the last migration; None for a project without one.
    shadow: the URL of a shadow server; None for the embedded one.
    version: the major version of PostgreSQL that is to run it; None for that of the shadow server.
    with_way_back: whether the first one is to have the steps back, if these lose nothing.

    Raises:
        Refusal: A question has no answer, something is not online, or the plan proves wrong.
    """
    before = old or EMPTY
    pairing = pair(before, new, answers) if old is not None else Pairing()
    if pairing.problems:
        raise Refusal(*pairing.problems)
    renaming = rename(before, new, pairing)
    part = narrowing(before, new)
    there, renamed, wanted = part.part(before), _part(renaming, part), part.part(new)
    found: list[Draft] = []
    if _differ(there, renamed, wanted):
        with shadow_server(shadow) as server:
            async with (
                _ahead(wanted, server, part) as ahead,
                rehearsal(server, there) as database,
            ):
                known: list[tuple[Schema, Catalog]] = []
                if with_way_back:
                    known = [(there, managed(await database.catalog(), [there]))]
                author = _Author(answers, server, version, database, known, ahead)
                author.aliases = _aliases(before, renaming)
                async for each in author.drafts(there, renamed, wanted):
                    is_last = each.schema == wanted
                    whole = new if is_last else part.whole(each.schema, new)
                    found.append(replace(each, schema=whole))
                if with_way_back and old is not None and found and found[0].phase == "expand":
                    names = renaming.names.inverted()
                    down = await author.way_back(found[0].schema, old, names, len(found) == 1)
                    found[0] = replace(found[0], down=down)
    answers.refuse_unused()
    return Drafts(tuple(found), tuple(pairing.warnings))


@asynccontextmanager
async def _ahead(
    schema: Schema, server: str, part: Narrowing
) -> AsyncGenerator[tuple[Schema, Task[Catalog]] | None]:
    """Yield the schema with the task that reads its catalog, while the old one is built.

    None where a schema may name roles: two databases that create the same role wait for each other.
    """
    if part.names is None:
        yield None
        return
    task = create_task(expected_catalog([schema], server))
    try:
        yield schema, task
    finally:
        task.cancel()
        await gather(task, return_exceptions=True)


def _differ(old: Schema, renaming: Renaming, new: Schema) -> bool:
    return bool(renaming.steps) or canonical(old) != canonical(new)


def _part(renaming: Renaming, part: Narrowing) -> Renaming:
    """Return what renames do to the part of a schema that is built."""
    return replace(renaming, schema=part.renamed(renaming.names.models).part(renaming.schema))


def _aliases(old: Schema, renaming: Renaming) -> dict[str, str]:
    """Return the names that something has now, each with the one that it had and that flags say."""
    found: dict[str, str] = {}
    for was in old.models:
        now = renaming.schema.model(renaming.names.models[was.name])
        if now.table != was.table:
            found[now.table] = was.table
        for before, after in zip(was.columns, now.columns, strict=True):
            if after.db_name != before.db_name:
                for table in (now.table, was.table):
                    found[f"{table}.{after.db_name}"] = f"{table}.{before.db_name}"
    return found


class _Author:
    """Plans migrations, and runs them one after the other on the same database."""

    def __init__(
        self,
        answers: Answers,
        server: str,
        version: int | None,
        database: Rehearsal,
        known: Known = (),
        ahead: tuple[Schema, Task[Catalog]] | None = None,
    ) -> None:
        self._answers, self._server, self._version = answers, server, version
        self._database, self._trial = database, Trial(database.engine)
        self._known, self._ahead = known, ahead
        #: The names of now, each with the one before that flags say.
        self.aliases: dict[str, str] = {}

    async def drafts(self, old: Schema, renaming: Renaming, new: Schema) -> AsyncGenerator[Draft]:
        """Yield the migrations of both phases, those that have steps."""
        middle = between(renaming.schema, new)
        middle = await _with_defaults(renaming.schema, middle, self._trial)
        first = await self.draft(old, renaming, middle, "expand")
        if first is not None:
            yield first
        if middle != new:
            second = await self.draft(middle, Renaming(middle, (), Pairing()), new, "contract")
            if second is not None:
                yield second

    async def draft(
        self, old: Schema, renaming: Renaming, new: Schema, phase: Phase
    ) -> Draft | None:
        """Return the migration from one schema to another; None where nothing has to run.

        The database has the first one, and the other one afterwards.
        """
        if not _differ(old, renaming, new):
            return None
        database = self._database
        wanted = await self._wanted(new)
        tables = await database.tables()
        measures = await database.run(renaming.steps)
        moves, moved = await self._moves(renaming.schema, new, len(renaming.steps) + 1)
        measures += moved
        now = Situation(
            wanted=wanted,
            present=managed(await database.catalog(), [renaming.schema, new]),
            schema=new,
            answers=self._answers,
            trial=self._trial,
            version=self._version or await self._trial.version(),
            aliases=self.aliases,
        )
        planned = await plan(now)
        before = (*renaming.steps, *moves)
        steps = (*before, *planned.steps)
        measures += await database.run(planned.steps, len(before) + 1)
        found = managed(await database.catalog(), [new])
        proof = concluded(steps, measures, tables, compare(wanted, found))
        _refuse_differences(proof)
        if not steps:
            return None
        return Draft(phase, self._consented(proof, now.reasons), new, planned.minimum_server)

    async def _moves(
        self, old: Schema, new: Schema, number: int
    ) -> tuple[tuple[Step, ...], tuple[StepMeasure, ...]]:
        """Run the steps that make tables partitions, or partitions tables, and return them.

        Rows are looked at before anything has changed.

        number: that of the first step.
        """
        run = self._database.run
        moved: list[Step] = []
        async for step, after in regrouped(old, new, self._answers, self._trial):
            moved.append(step)
            old = after
        out = (*moved, *detached(old, new))
        measured = await run(out, number)
        found = [each async for each in attached(old, new, self._trial)]
        checks = tuple(each for each in found if each.mode == "check")
        others = tuple(each for each in found if each.mode != "check")
        looked = await run(checks, number)
        joined = await run(others, number + len(checks) + len(out))
        return (*checks, *out, *others), (*looked, *measured, *joined)

    async def _wanted(self, schema: Schema) -> Catalog:
        for known, catalog in self._known:
            if known == schema:
                return catalog
        if self._ahead is not None and self._ahead[0] == schema:
            return await self._ahead[1]
        return await expected_catalog([schema], self._server)

    async def way_back(
        self, schema: Schema, old: Schema, names: Pairing, is_there: bool
    ) -> tuple[Step, ...] | None:
        """Return the steps from a schema back to the old one; None if they would lose something.

        is_there: whether the database has the schema.
        """
        renaming = rename(schema, old, names)
        part = narrowing(schema, old)
        there, renamed, back = part.part(schema), _part(renaming, part), part.part(old)
        async with AsyncExitStack() as stack:
            database = self._database
            if not is_there:
                database = await stack.enter_async_context(rehearsal(self._server, there))
            author = _Author(Answers(), self._server, self._version, database, self._known)
            try:
                draft = await author.draft(there, renamed, back, "expand")
            except Refusal:
                return None
        return None if draft is None else draft.steps

    def _consented(self, proof: Proof, reasons: Mapping[str, str]) -> tuple[Step, ...]:
        """Return the steps with what was agreed to. Raise Refusal for what was not.

        reasons: why a table has no other plan.
        """
        problems: list[Diagnostic] = []
        steps: list[Step] = []
        for step, measure in zip(proof.steps, proof.measures, strict=True):
            notes = list(step.notes)
            if any(each.startswith("consent: ") for each in notes):
                steps.append(step)
                continue
            for table in measure.blocking(proof.tables):
                reason = _reason(step, measure, table)
                short = table.replace('"', "").removeprefix("public.")
                flag = self._answers.consents_to(reason, short, table)
                flag = flag or self._answers.consents_to("no-rows", short, table)
                if flag is None:
                    problems.append(_hazard(reason, short, step, reasons.get(table, "")))
                else:
                    notes.append(f"consent: {flag}: {REASONS[flag.partition(':')[0]]}")
            steps.append(replace(step, notes=tuple(dict.fromkeys(notes))))
        if problems:
            raise Refusal(*dict.fromkeys(problems))
        return tuple(steps)


def _reason(step: Step, measure: StepMeasure, table: str) -> str:
    if table in measure.rewrites:
        return "rewrite"
    if "EXCLUDE" in step.sql:
        return "exclude"
    return "index" if measure.builds.get(table) and table not in measure.scans else "scan"


def _hazard(reason: str, table: str, step: Step, why: str) -> Diagnostic:
    """Return that a step keeps others waiting, and why no other one does the same."""
    own = table.rpartition(".")[2]
    first = next((line for line in step.sql.splitlines() if own in line), "")
    return problem(
        "not-online",
        f"{table}: {REASONS[reason]}"
        + (f": {first.strip()}" if first else "")
        + "".join(f" ({each})" for each in (why, *step.notes) if each),
        f"pass --consent {reason}:{table} if the table is small, or if programs may wait",
    )


def _refuse_differences(proof: Proof) -> None:
    """Raise Refusal where the steps do not lead to the schema: nothing is written then."""
    if not proof.differences:
        return
    raise Refusal(
        *(
            problem(
                "not-planned",
                f"no plan changes {each.fact.object}: {each.fact.kind} {each.fact.name}".rstrip(),
                "write the steps by hand: ormkit migrate new NAME --empty",
            )
            for each in proof.differences
        )
    )


async def _with_defaults(old: Schema, new: Schema, trial: Trial) -> Schema:
    """Return the schema between the phases, in which old programs can still insert rows.

    They do not know a new column that is NOT NULL. Until the second phase its backfill is its
    default; where that cannot be a default, the column may be NULL.
    """
    known = {each.name: {column.name for column in each.columns} for each in old.models}
    found = {
        (model.name, column.name): column
        for model in new.models
        if model.name in known and model.view is None
        for column in model.columns
        if column.name not in known[model.name] and _is_required(column)
    }
    if not found:
        return new
    changed = {each: await _optional(column, trial) for each, column in found.items()}
    models = (
        replace(
            model,
            columns=tuple(changed.get((model.name, each.name), each) for each in model.columns),
        )
        for model in new.models
    )
    return replace(new, models=tuple(models))


def _is_required(column: Column) -> bool:
    is_given = column.is_nullable or column.has_server_value or column.default is not None
    return column.backfill is not None and not is_given and not column.is_primary_key


async def _optional(column: Column, trial: Trial) -> Column:
    name = quote_identifier("ormkit_probe")
    probe = f"CREATE TEMPORARY TABLE {name} (value text DEFAULT ({column.backfill})::text);"
    if await trial.works(probe):
        return replace(column, server_default=column.backfill)
    return replace(column, is_nullable=True)
