"""migrate(): what a service calls at its start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MigrationError, UsageError
from .chain import Chain, read_chain
from .files import ChosenPhase
from .options import Options
from .progress import Report, log
from .runner import Done, Task, apply

if TYPE_CHECKING:
    from ..engine import Engine


async def migrate(
    engine: Engine,
    directory: str | Path = "migrations",
    *,
    to: str | None = None,
    phase: ChosenPhase | None = None,
    resume: bool = False,
    options: Options | None = None,
    progress: Report = log,
) -> Done:
    """Run the migrations that a database lacks, and return their IDs.

    Several processes may call it at once: one runs them, and the others wait for its end. A run
    that was killed is continued at the step, or the batch, at which it was. It takes connections of
    its own, beside those of the engine's pool.

    directory: the folder of the migrations.
    to: the ID of the last one to run; None means all.
    phase: "expand" or "contract" stops at the first migration of the other phase, and "all" at
        none. Without it, the option `phases` decides.
    resume: whether to go on with a migration that has failed, whose cause was mended.
    options: locks, pauses, the role, and the schema that holds the state.
    progress: a function that is called with what happens; the default writes to the logger
        `ormkit.migrations`.

    Raises MigrationError for files that do not fit the database, and for a step that failed.
    """
    given: object = engine
    if not hasattr(given, "pool"):
        raise UsageError(f"migrate() takes an engine, not {type(given).__name__}")
    folder = Path(directory)
    task = Task(chain=_chain(folder), directory=folder, to=to, phase=phase, resumes=resume)
    return await apply(engine, task, options or Options(), progress)


def _chain(directory: Path) -> Chain:
    if not directory.is_dir():
        raise MigrationError(
            f"there is no directory {directory.absolute()}: `ormkit migrate new` makes it; "
            "migrate() takes its path, as from Path(__file__)",
            code="no-directory",
        )
    return read_chain(directory)
