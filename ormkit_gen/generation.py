"""From settings to packages: read, render, format, compare, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Diagnostic, SchemaError
from ormkit_gen.formatting.parallel import Progress
from ormkit_gen.ir import Schema
from ormkit_gen.output.package import Draft, Package, finish
from ormkit_gen.output.plan import Plan, make_plan
from ormkit_gen.output.write import recover, refuse_obstacles, write
from ormkit_gen.project.settings import Settings
from ormkit_gen.project.targets import Target
from ormkit_gen.rendering.fingerprint import fingerprint
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load


@dataclass(frozen=True, slots=True)
class Reading:
    """The schemas of the targets, in their order, and the warnings about them."""

    schemas: tuple[Schema, ...]
    warnings: tuple[Diagnostic, ...]
    #: The modules of the application in which the schemas name classes and functions.
    modules: tuple[Path, ...] = ()


def recover_packages(targets: Sequence[Target]) -> None:
    """Complete the writes of killed processes, even if the schemas cannot be read now."""
    for target in targets:
        recover(target.output, target.label)


def read_schemas(settings: Settings, targets: Sequence[Target]) -> Reading:
    """Read the schemas of all targets. Raise SchemaError with the problems of all of them."""
    schemas: list[Schema] = []
    # Targets may share files. A problem in such a file is reported once.
    warnings: dict[Diagnostic, None] = {}
    problems: dict[Diagnostic, None] = {}
    modules: set[Path] = set()
    for target in targets:
        try:
            roots = target.import_roots(settings.root)
            loaded = load(target.schemas, settings.root, roots, target.sql)
        except SchemaError as error:
            problems.update(dict.fromkeys(error.diagnostics))
        else:
            schemas.append(loaded.schema)
            warnings.update(dict.fromkeys(loaded.warnings))
            modules.update(loaded.modules)
    if problems:
        raise SchemaError(tuple(problems))
    return Reading(tuple(schemas), tuple(warnings), tuple(sorted(modules)))


def build_packages(
    targets: Sequence[Target], schemas: Sequence[Schema], progress: Progress
) -> list[Package]:
    """Render and format the package of each target. Write nothing."""
    drafts = [
        Draft(
            target.output,
            target.label,
            schema.sources,
            render(schema, target.dto),
            fingerprint(schema),
        )
        for target, schema in zip(targets, schemas, strict=True)
    ]
    return finish(drafts, progress)


def compare_packages(packages: Sequence[Package]) -> list[Plan]:
    """Return what writing the packages would change."""
    return [make_plan(package) for package in packages]


def write_packages(packages: Sequence[Package], *, force: bool = False) -> list[Plan]:
    """Write the changes of all packages, unless there is an obstacle for one of them.

    Raises:
        WriteError: There is an obstacle, or the operating system reported an error.
    """
    plans = [make_plan(package, force=force) for package in packages]
    refuse_obstacles(plans)
    return [
        write(package, force=force) if plan.changes else plan
        for package, plan in zip(packages, plans, strict=True)
    ]
