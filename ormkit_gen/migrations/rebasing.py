"""Put the migrations of one branch after those of another one, and prove that it is the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ormkit import MigrationError
from ormkit.catalog import Catalog, compare
from ormkit.migrations.chain import Chain, chained
from ormkit.migrations.files import (
    STATE,
    UP,
    Migration,
    Step,
    parse_migration,
    render_steps,
)
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.shadow import expected_catalog, managed, shadow_server
from ormkit_gen.formatting.parallel import Progress
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.authoring import as_refusal, state_of
from ormkit_gen.migrations.folder import changed_directory, write_again
from ormkit_gen.migrations.frozen import frozen_packages
from ormkit_gen.migrations.measure import StepMeasure
from ormkit_gen.migrations.merging import MergeConflict, merged
from ormkit_gen.migrations.prover import Rehearsal, rehearsal
from ormkit_gen.migrations.state import canonical, state_text

_EMPTY = Schema(models=())
_SHOWN = 5
_REMEDY = (
    "undo one of the two branches with `ormkit migrate down`, delete its folders, and write its "
    "migration again with `ormkit migrate new`"
)


@dataclass(frozen=True, slots=True)
class Fork:
    """Migrations of which two follow the same one."""

    #: What both branches have, the oldest first.
    common: tuple[Migration, ...]
    #: The branch that stays.
    stays: tuple[Migration, ...]
    #: The branch that moves behind the other one.
    moves: tuple[Migration, ...]


@dataclass(frozen=True, slots=True)
class Rebased:
    """A fork that is none any more."""

    chain: Chain
    moved: tuple[Migration, ...]
    #: The tables whose rows both branches change, which no proof covers.
    rows: tuple[str, ...]


def find_fork(migrations: Sequence[Migration], onto: str | None = None) -> Fork | None:
    """Return the first fork of migrations; None if they are one chain, unedited.

    onto: the ID of a migration whose branch stays. Without it, the branch stays that was begun
        first.

    Raises:
        Refusal: A migration is missing, or `onto` is in no branch.
    """
    children: dict[str | None, list[Migration]] = {}
    known = {each.id for each in migrations}
    for each in sorted(migrations, key=lambda each: each.id):
        parent = each.header.parent
        if parent is not None and parent not in known:
            message = f"the migration {each.id} follows {parent}, which is not there"
            remedy = "restore its folder from version control"
            raise Refusal(problem("bad-migrations", message, remedy))
        children.setdefault(parent, []).append(each)
    if onto is not None and onto not in known:
        message = f"there is no migration {onto}"
        raise Refusal(problem("unknown-migration", message, "name the ID of a migration"))
    common: list[Migration] = []
    while following := children.get(common[-1].id if common else None):
        if len(following) > 1:
            branches = [_branch(each, children) for each in following[:2]]
            if onto is not None:
                branches.sort(key=lambda branch: onto not in {each.id for each in branch})
            stays, moves = branches
            return Fork(tuple(common), stays, moves)
        if common and following[0].header.parent_hash != common[-1].hash:
            return Fork(tuple(common), (), _branch(following[0], children))
        common.append(following[0])
    return None


def _branch(first: Migration, children: dict[str | None, list[Migration]]) -> tuple[Migration, ...]:
    found = [first]
    while following := children.get(found[-1].id):
        if len(following) > 1:
            one, other = (each.id for each in following[:2])
            message = f"{one} and {other} both follow {found[-1].id}, which is in a branch itself"
            remedy = f"give --onto {one} or --onto {other}, after moving one of the folders away"
            raise Refusal(problem("nested-branches", message, remedy))
        found.append(following[0])
    return tuple(found)


async def rebase(
    fork: Fork, schema: Schema, shadow: str | None, directory: Path, progress: Progress
) -> Rebased:
    """Write the migrations that move again: with their new parents, states and measures.

    schema: the schema files, which have the changes of both branches.

    Raises:
        Refusal: The branches do not commute, or the steps fail in the new order. Nothing is
            written then.
    """
    try:
        chained((*fork.common, *fork.stays))
    except MigrationError as error:
        raise as_refusal(error) from error
    base = state_of(fork.common[-1]) if fork.common else None
    candidates = _merged_states(fork, base or _EMPTY, canonical(schema))
    states: list[Schema] = []
    with shadow_server(shadow) as server:
        async with rehearsal(server, base) as database:
            stayed = await database.run(_steps(fork.stays))
            measures: list[tuple[StepMeasure, ...]] = []
            found = await database.catalog()
            for migration, possible in zip(fork.moves, candidates, strict=True):
                measures.append(await database.run(migration.steps))
                found = await database.catalog()
                states.append(await _proved(migration, possible, found, server))
        if fork.stays:
            async with rehearsal(server, base) as database:
                await _in_other_order(fork, found, database)
    moved = _rewritten(fork, states, measures, progress)
    with changed_directory(directory) as copy:
        write_again(copy, moved)
    written = tuple(each for each, _ in moved)
    both = _rows(stayed) & _rows(measure for each in measures for measure in each)
    return Rebased(chained((*fork.common, *fork.stays, *written)), written, tuple(sorted(both)))


def _steps(migrations: Sequence[Migration]) -> list[Step]:
    return [step for each in migrations for step in each.steps]


def _merged_states(fork: Fork, base: Schema, wanted: Schema) -> list[list[Schema]]:
    """Return for each migration that moves the schemas to which it may lead, the best first."""
    ours = state_of(fork.stays[-1]) if fork.stays else base
    found: list[list[Schema]] = []
    for each in fork.moves:
        try:
            found.append([merged(base, ours, state_of(each))])
        except MergeConflict as error:
            message = f"both branches change {error}: {fork.stays[-1].id} and {each.id}"
            raise Refusal(problem("no-commuting", message, _REMEDY)) from error
    # The schema files were merged by a person, who knows the order of columns.
    found[-1].insert(0, wanted)
    return found


async def _proved(
    migration: Migration, states: Sequence[Schema], found: Catalog, server: str
) -> Schema:
    """Return the first of the schemas to which the steps lead. Raise Refusal for none."""
    differences = [""]
    for state in states:
        expected = await expected_catalog([state], server)
        differences = [
            f"{each.fact.object}: {each.fact.kind} {each.fact.name}".rstrip(": ")
            for each in compare(expected, managed(found, [state]))
            if each.cause != "unmanaged"
        ]
        if not differences:
            return state
    message = f"{migration.id} leads to another schema in the new order: "
    raise Refusal(problem("no-commuting", message + ", ".join(differences[:_SHOWN]), _REMEDY))


async def _in_other_order(fork: Fork, found: Catalog, database: Rehearsal) -> None:
    """Raise Refusal unless both orders lead to the same."""
    one, other = fork.stays[0].id, fork.moves[0].id
    try:
        await database.run(_steps((*fork.moves, *fork.stays)))
    except Refusal as error:
        (reason,) = error.diagnostics
        message = f"{one} cannot run after {other}: {reason.message}"
        raise Refusal(problem("no-commuting", message, _REMEDY)) from error
    different = [each.fact for each in compare(await database.catalog(), found)]
    if different:
        listed = ", ".join(f"{each.object} {each.kind} {each.name}" for each in different[:_SHOWN])
        message = f"{one} and {other} lead to different schemas in the two orders: {listed}"
        raise Refusal(problem("no-commuting", message, _REMEDY))


def _rows(measures: Iterable[StepMeasure]) -> set[str]:
    """Return the tables whose rows steps change."""
    return {table for measure in measures for table in measure.writes}


def _rewritten(
    fork: Fork,
    states: Sequence[Schema],
    measures: Sequence[Sequence[StepMeasure]],
    progress: Progress,
) -> list[tuple[Migration, dict[str, bytes]]]:
    """Return the migrations that move, as they are to be, with their further files."""
    parent = [*fork.common, *fork.stays][-1] if fork.common or fork.stays else None
    before = state_of(parent) if parent is not None else None
    found: list[tuple[Migration, dict[str, bytes]]] = []
    for migration, state, measured in zip(fork.moves, states, measures, strict=True):
        pairs = zip(migration.steps, measured, strict=True)
        steps = [replace(step, measured=measure.lines) for step, measure in pairs]
        texts = {UP: render_steps(steps, migration.header), STATE: state_text(state)}
        packages = frozen_packages(before, state, (), progress) if migration.has_data else {}
        parent = after(migration, parent, texts)
        found.append((parent, packages))
        before = state
    return found


def after(
    migration: Migration, parent: Migration | None, texts: Mapping[str, str] = MappingProxyType({})
) -> Migration:
    """Return a migration that follows another one.

    texts: its new texts; the others stay.
    """
    found = parse_migration(migration.id, {**migration.files, **texts}, migration.directory)
    header = replace(
        found.header,
        parent=parent.id if parent else None,
        parent_hash=parent.hash if parent else "",
    )
    up = render_steps(found.steps, header)
    return parse_migration(found.id, {**found.files, UP: up}, found.directory)
