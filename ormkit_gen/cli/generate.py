"""`ormkit generate`: write the packages, or show how they differ from their schemas."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from ormkit_gen.cli.invocation import Invocation, config_option, json_option, pass_invocation
from ormkit_gen.cli.messages import diagnostic_document, show_diagnostics, tell_failure
from ormkit_gen.cli.output import print_exactly
from ormkit_gen.cli.progress import ProgressLine
from ormkit_gen.cli.report import diff, drift_lines, summary, target_document
from ormkit_gen.cli.watch import watch, watched_files
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.ir import Schema
from ormkit_gen.output.plan import Plan
from ormkit_gen.output.write import is_interrupted
from ormkit_gen.project.settings import Settings

_DRIFT = 1


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if anything would change.")
@click.option("--diff", "only_diff", is_flag=True, help="Write nothing; show what would change.")
@json_option
@click.option("--force", is_flag=True, help="Overwrite generated files that were edited by hand.")
@click.option("--watch", "is_watching", is_flag=True, help="Run again whenever a schema changes.")
@config_option
@pass_invocation
def generate(
    invocation: Invocation,
    check: bool,
    only_diff: bool,
    as_json: bool,
    force: bool,
    is_watching: bool,
    config: Path | None,
) -> int:
    """Write the Python packages that the schemas describe.

    Files without changes are not touched. Files that you added are kept. If you edited a generated
    file, nothing is written. In a project with migrations, a change without one is reported.

    \b
    Examples:
      ormkit generate             after you changed a schema
      ormkit generate --check     in CI: fail if the code is out of date, or a migration is missing
      ormkit generate --watch     while you edit a schema; Ctrl-C ends it
    """
    if force and (check or only_diff):
        raise click.UsageError("--force writes; --check and --diff do not")
    if is_watching:
        if check or only_diff or as_json or force:
            raise click.UsageError("--watch takes none of --check, --diff, --json and --force")
        watch(partial(_write_once, invocation, config), partial(watched_files, config))
    invocation.wants_json = as_json
    invocation.name = "check" if check else "diff" if only_diff else "generate"
    outcome = _run(invocation, invocation.settings(config), force=force)
    code = _DRIFT if check and (outcome.is_drift or outcome.unmigrated) else 0
    if as_json:
        click.echo(json.dumps(_document(invocation.name, code, outcome), indent=2))
    elif check or only_diff:
        _report_differences(outcome)
    else:
        _report_written(outcome)
    if not as_json:
        show_diagnostics(outcome.unmigrated, invocation.root)
    return code


def _write_once(invocation: Invocation, config: Path | None) -> None:
    """Write the packages, and report what happened; an error is reported, too."""
    invocation.name = "generate"
    try:
        outcome = _run(invocation, invocation.settings(config), force=False)
        _report_written(outcome)
        show_diagnostics(outcome.unmigrated, invocation.root)
    except Exception as error:
        tell_failure(error, invocation)


@dataclass(frozen=True, slots=True)
class _Outcome:
    plans: Sequence[Plan]
    #: Labels of packages that an earlier run has left half-written.
    interrupted: frozenset[str]
    warnings: Sequence[Diagnostic]
    #: What is wrong with the migrations, of a project that has some.
    unmigrated: Sequence[Diagnostic]
    seconds: float

    @property
    def is_drift(self) -> bool:
        return bool(self.interrupted) or any(plan.changes or plan.obstacles for plan in self.plans)


def _run(invocation: Invocation, settings: Settings, *, force: bool) -> _Outcome:
    # Loading the template engine takes longer than `ormkit --help`.
    from ormkit_gen import generation

    started = time.perf_counter()
    if invocation.name == "generate":
        generation.recover_packages(settings.targets)
    reading = generation.read_schemas(settings, settings.targets)
    if not invocation.wants_json:
        show_diagnostics(reading.warnings, invocation.root)
    packages = generation.build_packages(settings.targets, reading.schemas, ProgressLine())
    interrupted: frozenset[str] = frozenset()
    if invocation.name == "generate":
        plans = generation.write_packages(packages, force=force)
    else:
        plans = generation.compare_packages(packages)
        interrupted = frozenset(p.label for p in packages if is_interrupted(p.directory))
    unmigrated = _unmigrated(settings, reading.schemas)
    if invocation.name != "check":
        unmigrated = [replace(each, severity="warning") for each in unmigrated]
    return _Outcome(plans, interrupted, reading.warnings, unmigrated, time.perf_counter() - started)


def _unmigrated(settings: Settings, schemas: Sequence[Schema]) -> Sequence[Diagnostic]:
    """Return what is wrong with the migrations, as far as that needs no server.

    A project without migrations lacks none.
    """
    found: list[Diagnostic] = []
    for target, schema in zip(settings.targets, schemas, strict=True):
        if not (settings.root / (target.migrations or settings.migrations)).is_dir():
            continue
        # Projects without migrations do not need these.
        from ormkit_gen.cli.migrate.chains import project_chain
        from ormkit_gen.migrations.pending import certain_change

        try:
            own = settings.of(target)
            chain = project_chain(own)
            change = certain_change(chain, schema, own.migrations) if len(chain) else None
        except Refusal as error:
            found += [each for each in error.diagnostics if each not in found]
            continue
        if change is not None:
            of_several = f" --target {target.label}" if len(settings.targets) > 1 else ""
            found.append(replace(change, remedy=f"{change.remedy}{of_several}"))
    return found


def _document(command: str, code: int, outcome: _Outcome) -> dict[str, Any]:
    targets = [target_document(plan, plan.label in outcome.interrupted) for plan in outcome.plans]
    if command != "generate":
        for document, plan in zip(targets, outcome.plans, strict=True):
            document["diff"] = diff(plan)
    return {
        "command": command,
        "exit_code": code,
        "targets": targets,
        "diagnostics": [
            diagnostic_document(each) for each in (*outcome.warnings, *outcome.unmigrated)
        ],
        "seconds": round(outcome.seconds, 3),
    }


def _report_differences(outcome: _Outcome) -> None:
    """Print the diff alone to standard output, so that `patch` and pagers can take it."""
    for plan in outcome.plans:
        print_exactly(diff(plan))
        lines = list(drift_lines(plan, plan.label in outcome.interrupted))
        for line in lines or [f"{plan.label} is up to date"]:
            click.echo(line, err=True)
    if outcome.is_drift:
        click.echo("run `ormkit generate` to bring it up to date", err=True)


def _report_written(outcome: _Outcome) -> None:
    for plan in outcome.plans:
        click.echo(summary(plan, outcome.seconds))
        if plan.changes and plan.strangers:
            click.echo(f"kept, not generated: {', '.join(plan.strangers)}")
