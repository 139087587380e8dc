"""The migrations of a project, as its commands read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ormkit_gen.diagnostics.refusal import Refusal, problem

if TYPE_CHECKING:
    from ormkit.migrations.chain import Chain
    from ormkit_gen.project.settings import Settings


def project_chain(settings: Settings) -> Chain:
    """Return the migrations of a project in their order.

    Raises:
        Refusal: They are no single chain, or a file cannot be read.
    """
    # Loading this takes longer than `ormkit --help`.
    from ormkit_gen.migrations import authoring

    return authoring.project_chain(settings.root / settings.migrations)


def named(chain: Chain, names: Iterable[str]) -> list[str]:
    """Return the IDs of migrations that are named by their IDs or their folders.

    Raises:
        Refusal: There is no such migration.
    """
    known = [each.id for each in chain]
    found = [Path(name).name for name in names]
    for each in found:
        if each not in known:
            message = f"there is no migration {each}"
            raise Refusal(problem("unknown-migration", message, "name a folder of the directory"))
    return found
