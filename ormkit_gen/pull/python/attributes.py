"""Edits of the statements of columns and relationships: their calls and annotations."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ormkit_gen.pull.python.names import PythonNames
from ormkit_gen.pull.python.source import CallEdit, NotInPlace, Source, Splice
from ormkit_gen.pull.python.text import (
    POSITIONAL,
    annotation,
    column_text,
    is_implied,
    reference_text,
    source,
)
from ormkit_gen.schema.columns import OF_FOREIGN_KEYS

_LENGTH = re.compile(r"(\w+)\((\d+)\)")
#: The argument of a column that is the call of ForeignKey.
_REFERENCE = "ForeignKey()"


def column_of(
    text: Source,
    statement: ast.stmt,
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    """Return what makes the statement of a column say other settings."""
    assert isinstance(statement, ast.AnnAssign)
    value = statement.value
    if value is None:
        whole = column_text(name, after, names)
        call = whole.partition(" = ")[2]
        found = _annotated(text, statement, before, after, names)
        if call:
            end = text.end(statement)
            found.append(Splice(end, end, f" = {call}"))
        return found
    if not isinstance(value, ast.Call) or names.own_name(value.func) != "mapped_column":
        raise NotInPlace(f"{_short(value)} makes the column")
    outer = CallEdit(text, value, _positional(value, names), "mapped_column")
    found = _edit_type(text, statement, outer, before, after, names)
    found += _edit_reference(text, outer, before, after, names)
    others = ("type", "foreign_key", *OF_FOREIGN_KEYS)
    outer.apply(
        {key: each for key, each in before.items() if key not in others},
        {key: each for key, each in after.items() if key not in others},
    )
    return [*found, *outer.splices()]


def relationship_of(
    text: Source,
    statement: ast.stmt,
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    """Return what makes the statement of a relationship say other settings."""
    value = statement.value if isinstance(statement, ast.AnnAssign) else None
    if not isinstance(value, ast.Call) or names.own_name(value.func) != "relationship":
        raise NotInPlace(f"{_short(value)} makes the relationship {name}")
    edit = CallEdit(text, value, POSITIONAL["relationship"], "relationship")
    edit.apply(before, after)
    return edit.splices()


def _short(value: ast.expr | None) -> str:
    words = "no call" if value is None else ast.unparse(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _positional(call: ast.Call, names: PythonNames) -> tuple[str, ...]:
    """Return the settings that the positional arguments of a column are."""
    return tuple(
        (
            _REFERENCE
            if isinstance(each, ast.Call) and names.own_name(each.func) == "ForeignKey"
            else "type"
        )
        for each in call.args
    )


def _edit_reference(
    text: Source,
    outer: CallEdit,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    keys = ("foreign_key", *OF_FOREIGN_KEYS)
    old = {key: before[key] for key in keys if key in before}
    new = {key: after[key] for key in keys if key in after}
    if old == new:
        return []
    reference = outer.find(_REFERENCE)
    if reference is None and not old:
        words = reference_text(after, names)
        type_ = outer.find("type")
        if type_ is None or type_.value is None:
            outer.insert_first(words)
        else:
            type_.new = f"{type_.new or text.segment(type_.value)}, {words}"
        return []
    if reference is None or not isinstance(reference.value, ast.Call):
        outer.apply(old, new)
        return []
    if not new:
        reference.is_gone = True
        for key in old:
            if (argument := outer.find(key)) is not None:
                argument.is_gone = True
        return []
    inner = CallEdit(text, reference.value, POSITIONAL["ForeignKey"], "ForeignKey")
    for each in inner.arguments:
        if each.keyword == "column":
            each.name = "foreign_key"
    at_outer = {key for key in keys if outer.find(key) is not None}
    outer.apply(_only(old, at_outer), _only(new, at_outer))
    at_inner = set(keys) - at_outer
    inner.apply(_only(old, at_inner), _only(new, at_inner))
    return inner.splices()


def _only(settings: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: each for key, each in settings.items() if key in keys}


def _edit_type(
    text: Source,
    statement: ast.AnnAssign,
    outer: CallEdit,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    old, new = str(before["type"]), str(after["type"])
    if old == new:
        return []
    nullable = outer.find("nullable")
    if nullable is not None and (old.endswith("?") != new.endswith("?")):
        nullable.is_gone = True
    if old.rstrip("?") == new.rstrip("?"):
        return _annotated(text, statement, before, after, names)
    length = outer.find("max_length")
    if length is not None:
        one, other = _LENGTH.fullmatch(old.rstrip("?")), _LENGTH.fullmatch(new.rstrip("?"))
        if one and other and one[1] == other[1]:
            length.new = f"max_length={other[2]}"
            return _annotated(text, statement, before, after, names)
        length.is_gone = True
    type_ = outer.find("type")
    if type_ is not None:
        type_.new = source(new.rstrip("?"))
    elif not is_implied(new.rstrip("?"), _words(text, statement, before, after, names), names):
        if (
            outer.is_unpacking
            and outer.find("type") is None
            and any(isinstance(each.value, ast.Starred) for each in outer.arguments)
        ):
            raise NotInPlace("mapped_column() unpacks its arguments")
        outer.insert_first(source(new.rstrip("?")))
    return _annotated(text, statement, before, after, names)


def _words(
    text: Source,
    statement: ast.AnnAssign,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> str:
    """Return what the annotation of a column has within Mapped, after the change."""
    mapped = ast.parse(_annotation(text, statement, before, after, names), mode="eval").body
    if isinstance(mapped, ast.Constant):
        mapped = ast.parse(str(mapped.value), mode="eval").body
    assert isinstance(mapped, ast.Subscript)
    inner = mapped.slice
    if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
        return inner.value
    return ast.unparse(inner)


def _annotated(
    text: Source,
    statement: ast.AnnAssign,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    """Return the change of a column's annotation."""
    new = _annotation(text, statement, before, after, names)
    if new == text.segment(statement.annotation):
        return []
    return [Splice(text.start(statement.annotation), text.end(statement.annotation), new)]


def _annotation(
    text: Source,
    statement: ast.AnnAssign,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> str:
    old, new = str(before["type"]), str(after["type"])
    is_nullable = new.endswith("?")
    scalar, other = annotation(old.rstrip("?"), names), annotation(new.rstrip("?"), names)

    def change(inner: str) -> str:
        if scalar == other:
            return nullable(inner, is_nullable)
        return f"{other} | None" if is_nullable else other

    return _in_mapped(text.segment(statement.annotation), change)


def _in_mapped(words: str, change: Callable[[str], str]) -> str:
    """Return an annotation with a change of what is in Mapped[...]."""
    node = ast.parse(words, mode="eval").body
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return f'"{_in_mapped(node.value, change)}"'
    if not isinstance(node, ast.Subscript) or "\n" in words:
        raise NotInPlace(f"{ast.unparse(node)} is no annotation Mapped[...]")
    data = words.encode()
    start, end = node.slice.col_offset, node.slice.end_col_offset or 0
    inner = change(data[start:end].decode())
    return f"{data[:start].decode()}{inner}{data[end:].decode()}"


def nullable(words: str, is_nullable: bool) -> str:
    """Return an annotation that allows None, or does not."""
    node = ast.parse(words, mode="eval").body
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return f'"{nullable(node.value, is_nullable)}"'
    parts = list(_parts(node))
    rest = [each for each in parts if not _is_none(each)]
    if is_nullable:
        return words if len(rest) < len(parts) or _is_optional(node) else f"{words} | None"
    if isinstance(node, ast.Subscript) and _is_optional(node):
        return ast.unparse(node.slice)
    if len(rest) == len(parts):
        return words
    return " | ".join(map(ast.unparse, rest))


def _is_optional(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Optional")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _parts(node.left)
        yield from _parts(node.right)
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Union"):
        yield from node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    else:
        yield node
