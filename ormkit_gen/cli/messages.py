"""Reports of diagnostics and failures, as text or as JSON."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ormkit_gen.cli.invocation import Invocation
from ormkit_gen.cli.secrets import masked
from ormkit_gen.diagnostics.diagnostic import Diagnostic, SchemaError, format_diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.formatting.formatter import BrokenCode

ERROR = 2


def show_diagnostics(diagnostics: Iterable[Diagnostic], root: Path) -> None:
    """Print diagnostics to standard error, each with its line of the schema."""
    for diagnostic in diagnostics:
        text = format_diagnostic(diagnostic, _source_lines(diagnostic, root))
        # The line may be the one in which the settings have a URL.
        click.echo(masked(text), err=True)


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic for JSON; its place is null if it has none."""
    at = diagnostic.at
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": masked(diagnostic.message),
        "remedy": masked(diagnostic.remedy),
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
    }


def print_document(
    invocation: Invocation, code: int, diagnostics: Iterable[Diagnostic] = (), **found: Any
) -> int:
    """Print the JSON document of a command, and return its exit code.

    found: what the command has to say besides what every document says.
    """
    document = {
        "command": invocation.name,
        "exit_code": code,
        "diagnostics": [diagnostic_document(each) for each in diagnostics],
        **found,
    }
    click.echo(json.dumps(document, indent=2))
    return code


def tell_failure(error: Exception, invocation: Invocation) -> None:
    """Report why the command failed. An error of an unexpected type is reported as a bug."""
    diagnostics = _diagnostics(error)
    if invocation.wants_traceback:
        click.echo(masked("".join(traceback.format_exception(error))), err=True)
    if invocation.wants_json:
        print_document(invocation, ERROR, diagnostics, targets=[])
    else:
        show_diagnostics(diagnostics, invocation.root)


def _diagnostics(error: Exception) -> tuple[Diagnostic, ...]:
    if isinstance(error, (Refusal, SchemaError)):
        return tuple(error.diagnostics)
    if isinstance(error, OSError):
        return (problem("system-error", str(error), "fix this and run the command again"),)
    if isinstance(error, BrokenCode):
        message = f"the text generated for {error.name} is not Python: {error.reason}"
    else:
        message = f"{type(error).__name__}: {error}"
    remedy = "this is a bug in ormkit; please report it with the output of `ormkit --debug ...`"
    return (problem("bug", message, remedy),)


def _source_lines(diagnostic: Diagnostic, root: Path) -> list[str]:
    if diagnostic.at is None:
        return []
    try:
        text = (root / diagnostic.at.file).read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return []
    # str.splitlines() would also split at characters that may occur inside a line of a schema.
    return text.split("\n")
