"""Edits of the class of a model: its columns, relationships and table arguments."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from ormkit_gen.pull.python.arguments import argument_splices
from ormkit_gen.pull.python.attributes import column_of, relationship_of
from ormkit_gen.pull.python.names import PythonNames
from ormkit_gen.pull.python.source import NotInPlace, Source, Splice
from ormkit_gen.pull.python.text import (
    CALLS,
    OWN_SETTINGS,
    arguments_text,
    column_text,
    relationship_text,
    table_arguments,
)
from ormkit_gen.schema.document import Document, is_list

_SECTIONS = ("columns", "relationships")


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
