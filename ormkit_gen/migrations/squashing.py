"""Put one migration in the place of the first ones of a project: a checkpoint.

New databases begin with it. Those that have the others recognize it by their IDs.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ormkit.migrations.chain import Chain
from ormkit.migrations.files import (
    STATE,
    UP,
    Header,
    Migration,
    Step,
    parse_migration,
    render_steps,
)
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.shadow import shadow_server
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.authoring import state_of
from ormkit_gen.migrations.drafting import draft
from ormkit_gen.migrations.folder import changed_directory, new_id, write_again
from ormkit_gen.migrations.measure import StepMeasure
from ormkit_gen.migrations.prover import prove, rehearsal
from ormkit_gen.migrations.rebasing import after
from ormkit_gen.migrations.state import state_text


@dataclass(frozen=True, slots=True)
class Squashed:
    """A chain that begins with a checkpoint."""

    checkpoint: Migration
    #: The IDs of the migrations that are gone.
    replaced: tuple[str, ...]
    #: The migrations with steps that changed rows, which are left out.
    elided: tuple[str, ...]


async def squash(
    chain: Chain,
    last: Migration,
    shadow: str | None,
    directory: Path,
    *,
    elide: Collection[str] = (),
    version: int | None = None,
) -> Squashed:
    """Write a checkpoint for a migration and all before it, and remove those.

    last: the last one that it replaces.
    elide: the IDs of migrations whose changes of rows a new database does not need.

    Raises:
        Refusal: A migration changes rows in a way that cannot be kept. Nothing is written then.
    """
    place = chain.migrations.index(last) + 1
    replaced, rest = chain.migrations[:place], chain.migrations[place:]
    schema = state_of(last)
    kept, elided = await _changes_of_rows(replaced, shadow, frozenset(elide))
    drafts = (await draft(None, schema, Answers(), shadow, version)).drafts
    steps = tuple(step for each in drafts for step in each.steps)
    if kept:
        proof = await prove(None, (*steps, *kept), schema, shadow)
        steps = proof.steps
    header = Header(
        replaces=tuple(name for each in replaced for name in (*each.header.replaces, each.id)),
        minimum_server=max((each.minimum_server or 0 for each in drafts), default=0) or None,
    )
    texts = {UP: render_steps(steps, header), STATE: state_text(schema)}
    checkpoint = parse_migration(new_id("checkpoint", datetime.now(UTC)), texts)
    with changed_directory(directory) as copy:
        for each in replaced:
            shutil.rmtree(copy / each.id)
        write_again(copy, [(checkpoint, {})])
        parent = checkpoint
        for each in rest:
            parent = after(each, parent)
            (copy / each.id / UP).write_bytes(parent.files[UP].encode())
    return Squashed(checkpoint, tuple(each.id for each in replaced), elided)


async def _changes_of_rows(
    migrations: Sequence[Migration], shadow: str | None, elide: frozenset[str]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Return the steps that write rows which a new database needs too, and what is left out.

    A backfill has nothing to do in a new database, unless a step before it has inserted rows.
    """
    kept: list[Step] = []
    elided: list[str] = []
    with shadow_server(shadow) as server:
        async with rehearsal(server) as database:
            for migration in migrations:
                measures = await database.run(migration.steps)
                for number, (step, measure) in enumerate(
                    zip(migration.steps, measures, strict=True), 1
                ):
                    if not (step.mode == "data" or measure.writes):
                        continue
                    if migration.id in elide:
                        elided.append(migration.id)
                    elif step.mode == "batches" and not kept:
                        continue
                    else:
                        kept.append(_kept(migration, number, step, measure))
    return tuple(kept), tuple(dict.fromkeys(elided))


def _kept(migration: Migration, number: int, step: Step, measure: StepMeasure) -> Step:
    """Return a step as the checkpoint has it. Raise Refusal for one that it cannot have."""
    is_of_rows = all(lock == "RowExclusive" for lock in measure.locks.values())
    if step.mode != "data" and is_of_rows:
        note = f"from step {number} of {migration.id}"
        return replace(step, notes=(*step.notes, note), measured=())
    why = "runs data.py" if step.mode == "data" else "changes tables and rows at once"
    message = f"step {number} of {migration.id} {why}, which no checkpoint can do"
    remedy = (
        f"pass --elide {migration.id} if a new database does not need these rows, or squash up to "
        "the migration before it"
    )
    raise Refusal(problem("rows-of-old", message, remedy))
