"""From drafts to folders: the last migration of a project, and the ones that follow it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ormkit import MigrationError
from ormkit.migrations.chain import Chain, read_chain
from ormkit.migrations.files import STATE, Migration, Step
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.formatting.parallel import Progress
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.drafting import EMPTY, Draft
from ormkit_gen.migrations.folder import HAND_WRITTEN, data_text, new_id, texts_of, write_folder
from ormkit_gen.migrations.frozen import frozen_packages
from ormkit_gen.migrations.state import State, StateError, read_state

_CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a migration is to have besides its steps."""

    #: The part of the folder's name that says what it does.
    slug: str
    has_data: bool = False
    #: The models that data.py needs; empty for all.
    models: tuple[str, ...] = ()


def state_of(migration: Migration, like: State | None = None) -> Schema:
    """Return the schema after a migration.

    like: the state of a schema that shares most models with it.

    Raises:
        Refusal: Its state.json cannot be read.
    """
    try:
        return read_state(migration.state, like)
    except StateError as error:
        message = f"{migration.id}/{STATE} cannot be read: {error}"
        remedy = "restore the file from version control"
        raise Refusal(problem("bad-state", message, remedy)) from error


def by_hand(schema: Schema) -> Draft:
    """Return a migration whose steps a person writes."""
    return Draft("expand", (HAND_WRITTEN,), schema, None)


def write_drafts(
    directory: Path,
    head: Migration | None,
    before: Schema | None,
    drafts: tuple[Draft, ...],
    wanted: Wanted,
    progress: Progress,
    after: State | None = None,
) -> tuple[Migration, ...]:
    """Write the folders of migrations, each after the one before it.

    before: the schema after the head.
    after: the state of the schema files, if it is at hand.
    """
    if wanted.has_data:
        first = drafts[0] if drafts else Draft("expand", (), before or EMPTY, None)
        drafts = (replace(first, steps=(*first.steps, Step(mode="data")), down=None), *drafts[1:])
    written: list[Migration] = []
    parent, known = head, before
    for draft in drafts:
        packages: dict[str, bytes] = {}
        data = None
        if any(step.mode == "data" for step in draft.steps):
            packages = frozen_packages(known, draft.schema, wanted.models, progress)
            data = data_text(_first_model(draft.schema, wanted))
        slug = wanted.slug
        if draft.phase == _CONTRACT and len(drafts) > 1:
            slug = f"{slug}-{_CONTRACT}"
        name = new_id(slug, datetime.now(UTC))
        texts = texts_of(draft, parent, data, after)
        parent = write_folder(directory, name, texts, packages)
        written.append(parent)
        known = draft.schema
    return tuple(written)


def _first_model(schema: Schema, wanted: Wanted) -> str:
    names = [each.name for each in schema.models if not each.is_association]
    if not names:
        raise Refusal(
            problem("no-models", "the schema has no model for a data.py", "leave --data out")
        )
    return wanted.models[0] if wanted.models else names[0]


def project_chain(directory: Path) -> Chain:
    """Return the migrations of a project in their order.

    Raises:
        Refusal: They are no single chain, or a file cannot be read.
    """
    try:
        return read_chain(directory)
    except MigrationError as error:
        raise as_refusal(error) from error


def as_refusal(error: MigrationError) -> Refusal:
    """Return the refusal of a command for files that are no chain of migrations."""
    return Refusal(problem("bad-migrations", str(error), "the message says what to do"))
