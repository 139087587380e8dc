"""Verify the migrations of a project: run all of them on the shadow server, and judge each step.

It needs no database. What it has verified once it remembers by the migration's hash, which covers
all migrations before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ormkit.catalog import Catalog, Difference, compare
from ormkit.migrations.chain import Chain
from ormkit.migrations.files import Migration
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.shadow import expected_catalog, managed, shadow_server
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.authoring import state_of
from ormkit_gen.migrations.measure import StepMeasure
from ormkit_gen.migrations.prover import Rehearsal, rehearsal
from ormkit_gen.migrations.rules import Judged, broken_rules, step_position

#: How many differences of one migration are shown.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """One migration after it ran on the shadow server."""

    migration: Migration
    measures: tuple[StepMeasure, ...]
    problems: tuple[Diagnostic, ...]

    @property
    def is_good(self) -> bool:
        """True if there is no error, though there may be warnings."""
        return all(each.severity == "warning" for each in self.problems)


async def verify(
    chain: Chain,
    shadow: str | None,
    place: str,
    *,
    known: frozenset[str] = frozenset(),
    tell: Callable[[Migration], None] = lambda migration: None,
) -> tuple[Verified, ...]:
    """Run migrations on the shadow server; return what is found of each.

    It stops at the first one whose steps fail, or do not lead to its state.

    place: the directory of the migrations, as messages name it.
    known: the hashes of migrations that need no second look.
    tell: is called before each one.

    Raises:
        Refusal: There is no shadow server, or a state cannot be read.
    """
    migrations = tuple(chain)
    skipped = max((n for n, each in enumerate(migrations, 1) if each.hash in known), default=0)
    before = state_of(migrations[skipped - 1]) if skipped else None
    found: list[Verified] = []
    with shadow_server(shadow) as server:
        async with rehearsal(server, before) as database:
            for migration in migrations[skipped:]:
                tell(migration)
                verifier = _Verifier(migration, before, f"{place}/{migration.id}", server)
                found.append(await verifier.run(database))
                if not verifier.may_go_on:
                    break
                before = verifier.after
    return tuple(found)


class _Verifier:
    def __init__(
        self, migration: Migration, before: Schema | None, place: str, server: str
    ) -> None:
        self._migration, self._before = migration, before
        self._place, self._server = place, server
        self.after = state_of(migration)
        #: Whether the database has the state after the migration.
        self.may_go_on = False

    async def run(self, database: Rehearsal) -> Verified:
        """Run the steps; return what is found."""
        migration = self._migration
        tables = await database.tables()
        try:
            measures = await database.run(migration.steps)
        except Refusal as error:
            return Verified(migration, (), self._placed(error))
        found = await database.catalog()
        differences = await self._differences(found)
        judged = Judged(migration, self._before, self.after, measures, tables)
        problems = (
            *self._of_differences(differences),
            *self._of_measures(measures),
            *broken_rules(judged, self._place),
        )
        self.may_go_on = not differences
        return Verified(migration, measures, problems)

    async def _differences(self, found: Catalog) -> list[Difference]:
        expected = await expected_catalog([self.after], self._server)
        # What a person creates besides the schema is no part of it.
        differences = compare(expected, managed(found, [self.after]))
        return [each for each in differences if each.cause != "unmanaged"]

    def _placed(self, error: Refusal) -> tuple[Diagnostic, ...]:
        at = step_position(self._migration, 1, self._place)
        return tuple(
            problem(each.code, f"{self._migration.id}: {each.message}", each.remedy, at)
            for each in error.diagnostics
        )

    def _of_differences(self, differences: Sequence[Difference]) -> Iterator[Diagnostic]:
        at = step_position(self._migration, 1, self._place)
        for each in differences[:_SHOWN]:
            fact = each.fact
            what = f"{fact.object}: {fact.kind} {fact.name}".rstrip(": ")
            yield problem(
                "other-state",
                f"the steps of {self._migration.id} do not lead to its state.json: {what} "
                f"{_change(each)}",
                "mend the steps; if the schema has changed too, `ormkit migrate rebase` writes "
                "state.json again",
                at,
            )

    def _of_measures(self, measures: Sequence[StepMeasure]) -> Iterator[Diagnostic]:
        steps = self._migration.steps
        for number, (step, measure) in enumerate(zip_longest(steps, measures), 1):
            if step.measured == measure.lines:
                continue
            said = "; ".join(step.measured) or "nothing"
            yield Diagnostic(
                "warning",
                "other-measures",
                f"step {number} is said to do: {said}; measured is: "
                f"{'; '.join(measure.lines) or 'nothing'}",
                "`ormkit migrate check --write` writes what is measured into the last migration, "
                "if no database has it",
                step_position(self._migration, number, self._place),
            )


def _change(difference: Difference) -> str:
    if difference.expected is None:
        return "is there, and not in the state"
    if difference.found is None:
        return "is missing"
    return f"is {difference.found.definition}, not {difference.expected.definition}"
