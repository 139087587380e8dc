"""Edits of the class of a model: its columns, relationships and table arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from ormkit_gen.pull.python_arguments import argument_splices
from ormkit_gen.pull.python_names import PythonNames
from ormkit_gen.pull.python_source import CallEdit, NotInPlace, Source, Splice
from ormkit_gen.pull.python_text import (
    CALLS,
    OWN_SETTINGS,
    POSITIONAL,
    annotation,
    arguments_text,
    column_text,
    is_implied,
    reference_text,
    relationship_text,
    source,
    table_arguments,
)
from ormkit_gen.schema.columns import OF_FOREIGN_KEYS
from ormkit_gen.schema.document import Document, is_list

_SECTIONS = ("columns", "relationships")
_LENGTH = re.compile(r"(\w+)\((\d+)\)")
#: The argument of a column that is the call of ForeignKey.
_REFERENCE = "ForeignKey()"


class Owner(Protocol):
    """What takes the changes of a class."""

    def attempt(
        self,
        what: str,
        node: ast.stmt,
        change: Callable[[], list[Splice]],
        otherwise: Callable[[], list[Splice]],
    ) -> None:
        """Take the splices of a change, or propose others."""

    def statement(self, text: str, indent: str) -> str:
        """Return a statement, indented."""
        ...

    def propose(self, splices: list[Splice]) -> None:
        """Add changes that somebody has to look at."""


class ClassEdit:
    """Edits of one class."""

    def __init__(
        self,
        owner: Owner,
        source_: Source,
        node: ast.ClassDef,
        name: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        names: PythonNames,
    ) -> None:
        self._owner = owner
        self._source = source_
        self._node = node
        self._name = name
        self._before = before
        self._after = after
        self._names = names
        #: The statements of attributes, by section and name, in this class and in its bases.
        self._statements: dict[tuple[str, str], ast.stmt] = {}
        self._overridden: list[tuple[str, str]] = []
        #: The relationships whose values are lists, of those that are new.
        self.lists: frozenset[str] = frozenset()

    def find(self, document: Document, tree: ast.Module) -> None:
        """Find the statements of the attributes."""
        places = list(_class_statements(tree))
        for section in _SECTIONS:
            for name in self._before.get(section, {}):
                at = document.keys.get(("models", self._name, section, name))
                if at is None:
                    continue
                for each in places:
                    is_named = isinstance(each.target, ast.Name) and each.target.id == name
                    if each.lineno == at.line and is_named:
                        self._statements[section, name] = each

    def inherited(self) -> Iterator[tuple[str, str, ast.stmt]]:
        """Yield the attributes that are in another class of the file."""
        own = set(_statements(self._node.body))
        for (section, name), each in self._statements.items():
            if each not in own:
                yield section, name, each

    def change(self, section: str, name: str) -> tuple[Any, Any]:
        """Return an attribute before and after."""
        return self._before.get(section, {}).get(name), self._after.get(section, {}).get(name)

    def override(self, section: str, name: str, *, is_proposal: bool = False) -> None:
        """Declare an inherited attribute in this class, too."""
        if is_proposal:
            self._owner.propose(self._insertion(section, [self._text(section, name)]))
        else:
            self._overridden.append((section, name))

    def edit(self) -> None:
        """Make the changes."""
        own = set(_statements(self._node.body))
        removed: list[ast.stmt] = []
        for section in _SECTIONS:
            before, after = self._before.get(section, {}), self._after.get(section, {})
            new = [self._text(*each) for each in self._overridden if each[0] == section]
            new += [self._text(section, name) for name in after if name not in before]
            for name in before:
                statement = self._statements.get((section, name))
                if statement is None or statement not in own or before[name] == after.get(name):
                    continue
                if name not in after:
                    removed.append(statement)
                    self._remove(name, statement)
                else:
                    self._change(section, name, statement)
            if new:
                self._attempt(self._node, partial(self._insertion, section, new))
                removed = []
        if removed and len(removed) == len(self._node.body):
            indent = self._source.indent(removed[0])
            end = self._source.after_line(removed[-1].end_lineno or removed[-1].lineno)
            self._attempt(self._node, lambda: [Splice(end, end, f"{indent}pass\n")])
        self._edit_arguments()

    def _attempt(self, node: ast.stmt, change: Callable[[], list[Splice]], what: str = "") -> None:
        label = f"{self._name}.{what}" if what else self._name
        self._owner.attempt(label, node, change, list)

    def _text(self, section: str, name: str) -> str:
        entry = self._after[section][name]
        if section == "columns":
            return column_text(name, entry, self._names)
        is_list = name in self.lists
        return relationship_text(name, entry, is_list=is_list, names=self._names)

    def _remove(self, name: str, statement: ast.stmt) -> None:
        def change() -> list[Splice]:
            body = body_of(self._node, statement)
            # Of a whole block, the last statement to go leaves `pass` behind.
            found = [self._source.without(statement, body)]
            place = body.index(statement)
            if place + 1 < len(body) and _is_docstring(body[place + 1]):
                found.append(self._source.without(body[place + 1]))
            return found

        self._attempt(statement, change, name)

    def _change(self, section: str, name: str, statement: ast.stmt) -> None:
        edit = column_of if section == "columns" else relationship_of
        before, after = self.change(section, name)

        def change() -> list[Splice]:
            return edit(self._source, statement, name, before, after, self._names)

        def otherwise() -> list[Splice]:
            start, end = self._source.start(statement), self._source.end(statement)
            return [Splice(start, end, self._text(section, name))]

        self._owner.attempt(f"{self._name}.{name}", statement, change, otherwise)

    def _insertion(self, section: str, new: list[str]) -> list[Splice]:
        """Return new attributes behind the last one of their kind."""
        text, body = self._source, self._node.body
        last = self._last(section)
        if body[0].lineno == self._node.lineno:
            end = text.end(body[-1])
            return [Splice(end, end, "".join(f"; {each}" for each in new))]
        indent = text.indent(body[0])
        lines = "".join(f"{self._owner.statement(each, indent)}\n" for each in new)
        if last is None:
            last = self._heading()
            if last is not None:
                lines = f"\n{lines}"
        if last is None:
            at = text.line_start(text.first_line(body[0]))
            return [Splice(at, at, lines)]
        if not text.is_alone(last):
            end = text.end(last)
            return [Splice(end, end, "".join(f"; {each}" for each in new))]
        at = text.after_line(last.end_lineno or last.lineno)
        is_open = text.text[at - 1] != "\n"
        return [Splice(at, at, f"\n{lines}" if is_open else lines)]

    def _last(self, section: str) -> ast.stmt | None:
        """Return the statement of the class behind which new ones of a kind go."""
        sections = ("relationships", "columns") if section == "relationships" else ("columns",)
        for each in sections:
            known = {at for (kind, _), at in self._statements.items() if kind == each}
            places = [
                place for place, at in enumerate(self._node.body) if known & set(_statements([at]))
            ]
            if places:
                place = places[-1]
                body = self._node.body
                if place + 1 < len(body) and _is_docstring(body[place + 1]):
                    place += 1
                return body[place]
        return None

    def _heading(self) -> ast.stmt | None:
        """Return the last statement of those that say what the table is."""
        found: ast.stmt | None = None
        for each in self._node.body:
            is_name = isinstance(each, ast.Assign) and ast.unparse(each.targets[0])[:2] == "__"
            if not is_name and not _is_docstring(each):
                break
            found = each
        return found

    def _edit_arguments(self) -> None:
        before, after = _arguments(self._before), _arguments(self._after)
        if before == after:
            return
        statement = next((each for each in self._node.body if _is_arguments(each)), None)
        new = table_arguments(self._after, self._names)
        if statement is None:
            self._attempt(self._node, lambda: self._new_arguments(new))
            return

        def otherwise() -> list[Splice]:
            start, end = self._source.start(statement), self._source.end(statement)
            return [Splice(start, end, arguments_text(new))]

        self._owner.attempt(
            f"{self._name}.__table_args__",
            statement,
            lambda: argument_splices(self._source, statement, before, after, self._names),
            otherwise,
        )

    def _new_arguments(self, new: list[str]) -> list[Splice]:
        text, body = self._source, self._node.body
        if body[0].lineno == self._node.lineno:
            raise NotInPlace("the class is written in one line")
        indent = text.indent(body[0])
        words = self._owner.statement(arguments_text(new), indent)
        last = self._heading()
        line = text.first_line(body[0]) - 1 if last is None else last.end_lineno or last.lineno
        if last is not None and not text.is_alone(last):
            raise NotInPlace("another statement stands in the same line")
        between = "\n" if last is None or _is_docstring(last) else ""
        lines = f"{words}\n{between}" if last is None else f"{between}{words}\n"
        at = text.after_line(line)
        return [Splice(at, at, lines)]


def _arguments(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `__table_args__` says of a model."""
    return {key: each for key, each in model.items() if key in CALLS or key not in OWN_SETTINGS}


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


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a class, with those in conditional blocks."""
    for each in body:
        yield each
        if isinstance(each, ast.If):
            yield from _statements([*each.body, *each.orelse])


def _class_statements(tree: ast.Module) -> Iterator[ast.AnnAssign]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for each in _statements(node.body):
                if isinstance(each, ast.AnnAssign):
                    yield each


def body_of(node: ast.AST, statement: ast.stmt) -> list[ast.stmt]:
    """Return the block that a statement is in."""
    for each in ast.walk(node):
        for block in ("body", "orelse"):
            body: list[ast.stmt] | None = getattr(each, block, None)
            if is_list(body) and statement in body:
                return body
    return []


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_arguments(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return any(isinstance(each, ast.Name) and each.id == "__table_args__" for each in targets)
