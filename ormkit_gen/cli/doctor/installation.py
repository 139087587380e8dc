"""Checks of what is installed, and of the project: they need no database."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import ormkit
from ormkit_gen.cli.doctor.finding import Finding, note, ok, problem
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.project.settings import Settings, find_settings, read_settings
from ormkit_gen.version import ormkit_version


def check_installation() -> Iterator[Finding]:
    """Yield what is to be said of the interpreter and of what is installed."""
    yield ok("python", f"{platform.python_implementation()} {platform.python_version()}")
    yield ok("ormkit", ormkit_version())
    try:
        yield ok("asyncpg", version("asyncpg"))
    except PackageNotFoundError:
        yield problem("asyncpg", "is not installed", "run `pip install asyncpg`")
        return
    yield _accelerator()


def _accelerator() -> Finding:
    """Return whether the C extension is in use, and why not."""
    slow = "rows are decoded in Python, which takes longer"
    if os.environ.get("ORMKIT_PURE_PYTHON", "") not in ("", "0"):
        return note("accelerator", f"is switched off: {slow}", "unset ORMKIT_PURE_PYTHON")
    # Loading it is the only way to know whether it was built for this interpreter.
    try:
        module = import_module("ormkit._accelerator")
    except ImportError as error:
        folder = Path(ormkit.__file__).parent
        others = [each.name for each in folder.glob("_accelerator.*.*") if each.suffix != ".pyi"]
        reason = f"was built for another Python ({', '.join(others)})" if others else "is missing"
        if find_spec("ormkit._accelerator") is not None:
            reason = f"cannot be loaded ({error})"
        remedy = "install OrmKit again with this Python: from a wheel, or with a compiler"
        return note("accelerator", f"{reason}: {slow}", remedy)
    use = import_module("ormkit.accelerator")
    if not use.is_current(module):
        other = "was compiled from another version of OrmKit and is not used"
        return problem("accelerator", f"{other}: {slow}", use.REMEDY)
    return ok("accelerator", "is in use")


def check_project(config: Path | None) -> tuple[list[Finding], Settings | None]:
    """Return what is to be said of the settings, the schema and the code, and the settings."""
    try:
        settings = read_settings((config or find_settings(Path.cwd())).resolve())
    except Refusal as refusal:
        return [
            problem("settings", each.message, each.remedy) for each in refusal.diagnostics
        ], None
    found = [ok("settings", str(settings.file))]
    try:
        return [*found, *_check_code(settings), *_check_editor_files(settings)], settings
    except (SchemaError, Refusal) as error:
        first, *more = [each for each in error.diagnostics if each.severity == "error"]
        count = f" (and {len(more)} more)" if more else ""
        at = f"{first.at.file}:{first.at.line}: " if first.at else ""
        found.append(problem("schema", f"{at}{first.message}{count}", first.remedy))
        return found, settings


def _check_code(settings: Settings) -> Iterator[Finding]:
    from ormkit_gen import generation
    from ormkit_gen.cli.progress import ProgressLine

    reading = generation.read_schemas(settings, settings.targets)
    count = sum(len(schema.models) for schema in reading.schemas)
    yield ok("schema", f"{count} models, {len(reading.warnings)} warnings")
    packages = generation.build_packages(settings.targets, reading.schemas, ProgressLine())
    for plan in generation.compare_packages(packages):
        if plan.changes or plan.obstacles:
            yield problem("code", f"{plan.label} is out of date", "run `ormkit generate`")
        else:
            yield ok("code", f"{plan.label} is up to date")


def _check_editor_files(settings: Settings) -> Iterator[Finding]:
    """Yield a note for each file for editors that another version of OrmKit wrote."""
    from ormkit_gen.json_schema.editor_files import NAME, json_text

    directories = {file.parent for target in settings.targets for file in target.schemas}
    for path in sorted(directory / NAME for directory in directories):
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace") != json_text(
            "schema"
        ):
            name = path.relative_to(settings.root).as_posix()
            remedy = f"run `ormkit schema-json --output {name}`"
            yield note("editor", f"{name} is that of another version", remedy)
