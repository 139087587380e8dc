"""Writing the folder of a migration, as a whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import string
import unicodedata
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ormkit.migrations.files import (
    DATA,
    DOWN,
    STATE,
    UP,
    Header,
    Migration,
    Step,
    parse_migration,
    render_steps,
)
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.filesystem.exchange import exchange
from ormkit_gen.migrations.drafting import Draft
from ormkit_gen.migrations.state import State, state_text

_LETTERS = string.ascii_lowercase + string.digits
#: The folder's name says what the migration does, and is no essay.
_MAX_SLUG = 60
#: What a migration with steps by hand begins with.
HAND_WRITTEN = Step(
    sql="SELECT 1;",
    notes=("write the statements here, and more steps below: `ormkit migrate check` proves them",),
)
_DATA_TEXT = '''\
"""What this migration changes in rows."""

from __future__ import annotations

from ormkit import AsyncSession
from ormkit.migrations import Backfill

from .after import {model}


async def migrate(session: AsyncSession, backfill: Backfill) -> None:
    """Change rows. Each call of `backfill` works in batches, and goes on where it was killed."""
    await backfill({model}, set={{}}, where=None)
'''


def slug_of(name: str) -> str:
    """Return the part of a folder's name that says what the migration does.

    Raises:
        Refusal: Nothing of the name can be in it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_MAX_SLUG].strip("-")
    if not slug:
        message = f"{name!r} is no name of a migration"
        remedy = "use letters and digits, as in: ormkit migrate new add-age"
        raise Refusal(problem("bad-name", message, remedy))
    return slug


def new_id(slug: str, now: datetime) -> str:
    """Return the name of a folder; two people never get the same."""
    ending = "".join(secrets.choice(_LETTERS) for _ in range(4))
    return f"{now:%Y%m%d-%H%M}-{slug}-{ending}"


def texts_of(
    draft: Draft,
    parent: Migration | None,
    data: str | None = None,
    known: State | None = None,
) -> dict[str, str]:
    """Return the texts of a migration's files by their names.

    known: a state whose text is at hand.
    """
    header = Header(
        parent=parent.id if parent else None,
        parent_hash=parent.hash if parent else "",
        phase=draft.phase,
        minimum_server=draft.minimum_server,
    )
    state = known.text_of(draft.schema) if known else state_text(draft.schema)
    texts = {UP: render_steps(draft.steps, header), STATE: state}
    if draft.down is not None:
        texts[DOWN] = render_steps(draft.down)
    if data is not None:
        texts[DATA] = data
    return texts


def data_text(model: str) -> str:
    """Return a data.py to begin with."""
    return _DATA_TEXT.format(model=model)


def write_folder(
    directory: Path, name: str, texts: Mapping[str, str], packages: Mapping[str, bytes]
) -> Migration:
    """Write the folder of a migration. A process that is killed leaves none.

    packages: further files by their paths within the folder.
    """
    unfinished = directory / f".{name}.tmp"
    try:
        _write(unfinished, texts, packages)
        os.rename(unfinished, directory / name)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return parse_migration(name, dict(texts), directory / name)


@contextmanager
def changed_directory(directory: Path) -> Generator[Path]:
    """Yield a copy of the directory of migrations, which takes its place at the end of the block.

    A process that is killed leaves the directory as it was, or as it is to be.
    """
    copy = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.tmp")
    try:
        shutil.copytree(directory, copy, symlinks=True)
        yield copy
        if not exchange(copy, directory):
            before = copy.with_suffix(".old")
            os.rename(directory, before)
            os.rename(copy, directory)
            shutil.rmtree(before)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def write_again(directory: Path, changed: Iterable[tuple[Migration, Mapping[str, bytes]]]) -> None:
    """Write the folders of migrations anew, each with its further files."""
    for migration, packages in changed:
        _write(directory / migration.id, migration.files, packages)


def _write(folder: Path, texts: Mapping[str, str], packages: Mapping[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path, content in packages.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    for path, text in texts.items():
        (folder / path).write_bytes(text.encode())
