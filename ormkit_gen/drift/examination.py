"""Comparing the schema files of a project with a live database, as fast as they allow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from ormkit.catalog import Catalog, read_catalog
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.drift.drift import Finding, findings, sides_of
from ormkit_gen.drift.left_out import incomplete
from ormkit_gen.drift.live import read_live
from ormkit_gen.drift.places import Places
from ormkit_gen.drift.readings import KnownSchemas, Readings
from ormkit_gen.drift.reprinting import reprinted
from ormkit_gen.drift.rights import Rights
from ormkit_gen.drift.shadow import (
    expect,
    explained,
    objects_of,
    objects_of_others,
    server_version,
)
from ormkit_gen.ir import Schema
from ormkit_gen.project.targets import Target


class Reading(Protocol):
    """What reading the schema files gives."""

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The schemas of the targets."""
        ...

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is odd about them."""
        ...

    @property
    def modules(self) -> tuple[Path, ...]:
        """The modules of the application that were read with them."""
        ...


@dataclass(frozen=True, slots=True)
class Examination:
    """How a database differs from schema files."""

    findings: tuple[Finding, ...]
    #: What is odd about the schema files.
    warnings: tuple[Diagnostic, ...]
    #: What could not be compared, and why; empty if all was.
    unknown: tuple[Diagnostic, ...]
    #: The catalogs that were compared.
    wanted: Catalog
    found: Catalog


@dataclass(frozen=True, slots=True)
class Project:
    """The schema files of a project."""

    root: Path
    targets: Sequence[Target]
    #: Reads them. That is not done where an earlier run has read the same.
    read: Callable[[], Reading]
    #: Reads those of the targets that are not compared: what they describe is managed there.
    read_others: Callable[[], Sequence[Schema]] = tuple
    #: The owners and grants that are compared; None for none.
    rights: Rights | None = None


async def examine(
    project: Project, database: str, shadow: str | None, namespaces: Collection[str] = ()
) -> Examination:
    """Return how a live database differs from the schema files. It is only read.

    namespaces: the names of PostgreSQL's schemas to compare; empty for all.

    Raises:
        Refusal: The database or the shadow server cannot be used, or there is no such schema.
        SchemaError: The schema files have problems.
    """
    with explained():
        server = await server_version(shadow)
    readings = Readings(project.root, project.targets, server)
    # The database answers while a thread reads what is kept.
    read = partial(read_catalog, rights=project.rights is not None)
    live = asyncio.ensure_future(read_live(database, read))
    try:
        known = await asyncio.to_thread(readings.get)
        found = await live
        if known is None:
            # This holds the loop for seconds, in which a connection would have no answer in time.
            known = await _read(project, readings, shadow)
    except BaseException:
        live.cancel()
        await asyncio.wait([live])
        raise
    found = await reprinted(known.expected, found, shadow, lambda: project.read().schemas)
    compared = _compared(known, found, namespaces, project.rights, is_embedded=shadow is None)
    return await _without_others(compared, project, shadow)


async def _without_others(found: Examination, project: Project, shadow: str | None) -> Examination:
    """Leave out the objects that the schema does not name and another target does."""
    if all(each.counts for each in found.findings):
        return found
    objects = await objects_of(project.read_others(), shadow)
    kept = (
        each for each in found.findings if each.counts or each.difference.fact.object not in objects
    )
    return replace(found, findings=tuple(kept))


async def _read(project: Project, readings: Readings, shadow: str | None) -> KnownSchemas:
    reading = project.read()
    expected = await expect(reading.schemas, shadow)
    known = KnownSchemas(expected, Places(reading.schemas), reading.warnings)
    readings.keep(known, objects_of_others(reading.schemas), reading.modules)
    return known


def _compared(
    known: KnownSchemas,
    found: Catalog,
    namespaces: Collection[str],
    rights: Rights | None,
    *,
    is_embedded: bool,
) -> Examination:
    expected = known.expected
    unknown: list[Diagnostic] = []
    if expected.left_out:
        unknown = incomplete(expected.missing, expected.left_out, is_embedded=is_embedded)
    if rights is not None:
        unknown += rights.unknown(expected.beside(found), found)
    return Examination(
        findings(expected, found, known.places, namespaces, rights),
        known.warnings,
        tuple(unknown),
        *sides_of(expected, found, rights),
    )
