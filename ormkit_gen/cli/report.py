"""Reports of what `ormkit generate` did or would do, as text and as JSON."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator, Sequence
from typing import Any

from ormkit_gen.output.manifest import MANIFEST_NAME
from ormkit_gen.output.plan import Change, Plan

_KINDS = ("added", "changed", "removed")


def kind_of(change: Change) -> str:
    """Return added, changed or removed."""
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def summary(plan: Plan, seconds: float) -> str:
    """Return the summary line of a write."""
    kinds = [kind_of(change) for change in _telling(plan.changes)]
    removed = kinds.count("removed")
    written = len(kinds) - removed
    unchanged = sum(name != MANIFEST_NAME for name in plan.unchanged)
    parts = [f"{written} file{'' if written == 1 else 's'} written", f"{unchanged} unchanged"]
    if removed:
        parts.append(f"{removed} removed")
    return f"{', '.join(parts)} in {plan.label} ({seconds:.2f} s)"


def drift_lines(plan: Plan, is_interrupted: bool) -> Iterator[str]:
    """Yield a line for each difference between the package and the schema."""
    if is_interrupted:
        yield f"half-written: {plan.label}, by a run that was stopped"
    words = {"added": "missing", "changed": "out of date", "removed": "extra"}
    for change in _telling(plan.changes):
        yield f"{words[kind_of(change)]}: {plan.label}/{change.name}"
    for obstacle in plan.obstacles:
        word = "edited by hand" if obstacle.kind == "edited" else "in the way"
        yield f"{word}: {plan.label}/{obstacle.name}"


def diff(plan: Plan) -> str:
    """Return the unified diff from the files on disk to the generated text."""
    changes = [*_telling(plan.changes), *(obstacle.change for obstacle in plan.obstacles)]
    return "".join(line for change in changes for line in _file_diff(plan.label, change))


def target_document(plan: Plan, is_interrupted: bool) -> dict[str, Any]:
    """Return the JSON report of a target; docs/cli.md describes the keys."""
    return {
        "output": plan.label,
        **{kind: _names(plan, kind) for kind in _KINDS},
        "unchanged": list(plan.unchanged),
        "edited": [item.name for item in plan.obstacles if item.kind == "edited"],
        "in_the_way": [item.name for item in plan.obstacles if item.kind != "edited"],
        "others": list(plan.strangers),
        "interrupted": is_interrupted,
    }


def _names(plan: Plan, kind: str) -> list[str]:
    return [change.name for change in plan.changes if kind_of(change) == kind]


def _telling(changes: Sequence[Change]) -> list[Change]:
    """Return the changes without the manifest, unless it is the only file that changes."""
    others = [change for change in changes if change.name != MANIFEST_NAME]
    return others or list(changes)


def _file_diff(label: str, change: Change) -> Iterator[str]:
    before, after = (_lines(content) for content in (change.before, change.after))
    path = f"{label}/{change.name}"
    lines = difflib.unified_diff(
        before,
        after,
        "/dev/null" if change.before is None else f"a/{path}",
        "/dev/null" if change.after is None else f"b/{path}",
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes | None) -> list[str]:
    # str.splitlines() would also split at characters that may occur inside a string literal.
    return list(io.StringIO((content or b"").decode(errors="replace"), newline="\n"))
