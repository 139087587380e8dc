"""Edits of the class of an enum."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ormkit_gen.pull.python.names import PythonNames
from ormkit_gen.pull.python.source import CallEdit, NotInPlace, Source, Splice
from ormkit_gen.pull.python.text import POSITIONAL, keywords, member_text


def enum_splices(
    source: Source,
    node: ast.ClassDef,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    """Return what makes the class of an enum say other labels or settings."""
    return [
        *_settings(source, node, _rest(before), _rest(after), names),
        *_members(source, node, before, after),
    ]


def _rest(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("values", "members")}


def _settings(
    source: Source,
    node: ast.ClassDef,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    if before == after:
        return []
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and names.own_name(each.func) == "enum_type":
            if not after:
                start = source.line_start(each.lineno)
                return [Splice(start, source.after_line(each.end_lineno or each.lineno), "")]
            edit = CallEdit(source, each, POSITIONAL["enum_type"])
            edit.apply(before, after)
            return edit.splices()
    start = source.line_start(source.first_line(node))
    indent = source.indent(node)
    decorator = f"@{names.own('enum_type')}({', '.join(keywords(after))})"
    return [Splice(start, start, f"{indent}{decorator}\n")]


def _members(
    source: Source, node: ast.ClassDef, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Splice]:
    old = list(zip(before["members"], before["values"], strict=True))
    new = list(zip(after["members"], after["values"], strict=True))
    if old == new:
        return []
    statements = {
        each.targets[0].id: each
        for each in node.body
        if isinstance(each, ast.Assign)
        and len(each.targets) == 1
        and isinstance(each.targets[0], ast.Name)
    }
    if any(
        member not in statements or not source.is_alone(statements[member]) for member, _ in old
    ):
        raise NotInPlace("not every member of the enum is a statement in a line of its own")
    kept = [each for each in old if each in new]
    if kept != [each for each in new if each in old]:
        return [_rearranged(source, node, [statements[member] for member, _ in old], old, new)]
    indent = source.indent(statements[old[0][0]])
    found = [
        source.without(statements[member]) for member, label in old if (member, label) not in new
    ]
    at = source.line_start(statements[kept[0][0] if kept else old[0][0]].lineno)
    for each in new:
        if each in old:
            statement = statements[each[0]]
            at = source.after_line(statement.end_lineno or statement.lineno)
        else:
            found.append(_line(source, at, f"{indent}{member_text(*each)}\n"))
    return found


def _line(source: Source, at: int, text: str) -> Splice:
    """Return the insertion of a line, also behind one that has no ending."""
    is_open = at > 0 and source.text[at - 1] != "\n"
    return Splice(at, at, f"\n{text}" if is_open else text)


def _rearranged(
    source: Source,
    node: ast.ClassDef,
    statements: list[ast.Assign],
    old: list[tuple[str, str]],
    new: list[tuple[str, str]],
) -> Splice:
    """Return the members in another order, each with the comments above it."""
    places = [node.body.index(each) for each in statements]
    if places != list(range(places[0], places[0] + len(places))):
        raise NotInPlace("other statements stand between the members of the enum")
    line = statements[0].lineno
    while source.text[source.line_start(line - 1) :].lstrip(" \t").startswith("#"):
        line -= 1
    start = at = source.line_start(line)
    chunks: dict[tuple[str, str], str] = {}
    for pair, statement in zip(old, statements, strict=True):
        end = source.after_line(statement.end_lineno or statement.lineno)
        chunk = source.text[at:end]
        chunks[pair] = chunk if chunk.endswith("\n") else f"{chunk}\n"
        at = end
    indent = source.indent(statements[0])
    lines = [chunks.get(each, f"{indent}{member_text(*each)}\n") for each in new]
    return Splice(start, at, "".join(lines))
