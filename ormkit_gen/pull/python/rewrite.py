"""From the document of a Python file, before and after a pull, to the file's new text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ormkit_gen.pull.model_parts import ModelParts
from ormkit_gen.pull.python.attributes import column_of, relationship_of
from ormkit_gen.pull.python.classes import ClassEdit, body_of
from ormkit_gen.pull.python.enums import enum_splices
from ormkit_gen.pull.python.names import PythonNames, with_imports, without_unused
from ormkit_gen.pull.python.source import CallEdit, NotInPlace, Source, Splice, spliced
from ormkit_gen.pull.python.style import Style
from ormkit_gen.pull.python.text import FUNCTIONS, POSITIONAL, enum_text, model_text, named_text
from ormkit_gen.schema.document import Document


@dataclass(frozen=True, slots=True)
class Refused:
    """What is not edited in place, and why."""

    file: str
    line: int
    what: str
    reason: str

    def __str__(self) -> str:
        what = f"{self.what}: " if self.what else ""
        return f"{self.file}:{self.line}: {what}{self.reason}"


class Rewrite:
    """Finds the changes of a text that make it say another document."""

    def __init__(
        self,
        content: str,
        document: Document,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        style: Style,
    ) -> None:
        self._content = content
        self._source = Source(content)
        self._document = document
        self._before = before
        self._after = after
        self._style = style
        self._is_clean = style.is_followed_by(content)
        tree = self._source.tree
        self._nodes = {each.name: each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)}
        self._names = PythonNames(tree)
        self._names.classes = {*before["enums"], *after["enums"]}
        self._unit = _unit(self._source, tree)
        self._splices: list[Splice] = []
        self._proposals: list[Splice] = []
        self._refused: list[Refused] = []

    def texts(
        self, new: Mapping[str, ModelParts], lists: Collection[tuple[str, str]]
    ) -> tuple[str, str, tuple[Refused, ...]]:
        """Return the text with the changes in place, that with all changes, and the rest.

        new: the models that are new. lists: the relationships whose values are lists.
        """
        self._edit_named()
        self._edit_enums()
        self._edit_models(new, lists)
        text = self._finished(self._splices)
        proposed = self._finished([*self._splices, *self._proposals]) if self._proposals else text
        return text, proposed, tuple(self._refused)

    def _finished(self, splices: list[Splice]) -> str:
        try:
            text = spliced(self._content, splices)
            ast.parse(text)
        except (NotInPlace, SyntaxError) as error:
            reason = f"several changes do not fit together ({error.args[0]})"
            self._refused.append(Refused(self._document.file, 1, "", reason))
            return self._content
        text = with_imports(text, self._names.needed, self._style.width)
        text = without_unused(self._content, text)
        return self._style.formatted(text) if self._is_clean else text

    def attempt(
        self,
        what: str,
        node: ast.stmt,
        change: Callable[[], list[Splice]],
        otherwise: Callable[[], list[Splice]],
    ) -> None:
        """Take the splices of a change, or propose others where it is not possible in place."""
        try:
            self._splices += change()
        except NotInPlace as error:
            reason = str(error.args[0])
            self._refused.append(Refused(self._document.file, node.lineno, what, reason))
            self._proposals += otherwise()

    def statement(self, text: str, indent: str) -> str:
        """Return a statement of a class, indented, without a line ending."""
        if self._is_clean or not text.isascii():
            return f"{indent}{text}"
        return self._style.statement(text, indent)

    def _edit_named(self) -> None:
        source = self._source
        places: list[ast.stmt] = []
        for section in FUNCTIONS:
            before, after = self._before.get(section, {}), self._after.get(section, {})
            for name, entry in before.items():
                node = self._statement_at(self._document.keys[section, name].line)
                places.append(node)
                if name not in after:
                    self.attempt(name, node, partial(self._without_call, node), list)
                elif after[name] != entry:
                    words = named_text(section, name, after[name], self._names).rstrip("\n")
                    change = partial(self._named_call, node, entry, after[name])
                    other = [Splice(source.start(node), source.end(node), words)]
                    self.attempt(name, node, change, partial(list[Splice], other))
        new = [
            named_text(section, name, entry, self._names)
            for section in FUNCTIONS
            for name, entry in self._after.get(section, {}).items()
            if name not in self._before.get(section, {})
        ]
        if new:
            text = "".join(self._style.top_level(each, self._unit) for each in new)
            self._insert_top_level(text, places, is_class=False)

    def _without_call(self, node: ast.stmt) -> list[Splice]:
        return [*self._named_call(node, {}, {}), self._source.without(node)]

    def _named_call(
        self, node: ast.stmt, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> list[Splice]:
        call = node.value if isinstance(node, ast.Expr) else None
        function = self._names.own_name(call.func) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or function not in FUNCTIONS.values():
            raise NotInPlace("it is declared by code of the file, and not by a statement")
        edit = CallEdit(self._source, call, POSITIONAL[str(function)])
        edit.apply(before, after)
        return edit.splices()

    def _statement_at(self, line: int) -> ast.stmt:
        for each in self._source.tree.body:
            if each.lineno <= line <= (each.end_lineno or each.lineno):
                return each
        return self._source.tree.body[0]

    def _edit_enums(self) -> None:
        before, after = self._before["enums"], self._after["enums"]
        for name, entry in before.items():
            node = self._nodes[name]
            if name not in after:
                self.attempt(name, node, partial(self._without_class, node), list)
            elif after[name] != entry:
                words = enum_text(name, after[name], self._names)
                change = partial(enum_splices, self._source, node, entry, after[name], self._names)
                self.attempt(
                    name, node, change, partial(list[Splice], [self._instead(node, words)])
                )
        added = [
            enum_text(name, entry, self._names)
            for name, entry in after.items()
            if name not in before
        ]
        if added:
            text = "\n\n".join(self._style.top_level(each, self._unit) for each in added)
            places = [self._nodes[name] for name in before if self._nodes[name].col_offset == 0]
            self._insert_top_level(text, list(places), is_class=True)

    def _insert_top_level(self, text: str, others: list[ast.stmt], *, is_class: bool) -> None:
        """Insert declarations behind others of their kind, or else before the first class."""
        source, body = self._source, self._source.tree.body
        ends = [each.end_lineno or each.lineno for each in others]
        first = next((each for each in body if isinstance(each, ast.ClassDef)), None)
        if ends:
            at = source.after_line(max(ends))
            text = f"\n\n{text}" if is_class else text
        elif first is not None:
            line = source.first_line(first)
            while line > 1 and source.text[source.line_start(line - 1) :].startswith("#"):
                line -= 1
            at = source.line_start(line)
            text = f"{text}\n\n"
        else:
            at = len(source.text)
            text = f"\n\n{text}" if is_class else f"\n{text}"
        if at and source.text[at - 1] != "\n":
            text = f"\n{text}"
        self._splices.append(Splice(at, at, text))

    def _without_class(self, node: ast.ClassDef) -> list[Splice]:
        """Return what removes a class, with the blank lines that set it apart."""
        source = self._source
        if node not in source.tree.body:
            raise NotInPlace("the class is not at the top level of the file")
        removed = source.without(node)
        last = node.end_lineno or node.lineno
        start, end = removed.start, removed.end
        while source.is_blank(last + 1) and end < len(source.text):
            last += 1
            end = source.after_line(last)
        if end == len(source.text):
            line = source.first_line(node)
            while source.is_blank(line - 1):
                line -= 1
            start = source.line_start(line)
        return [Splice(start, end, "")]

    def _instead(self, node: ast.ClassDef, text: str) -> Splice:
        """Return what puts another class in place of one."""
        source = self._source
        start = source.line_start(source.first_line(node))
        formatted = self._style.top_level(text, self._unit)
        return Splice(start, source.after_line(node.end_lineno or node.lineno), formatted)

    def _edit_models(
        self, added: Mapping[str, ModelParts], lists: Collection[tuple[str, str]]
    ) -> None:
        before, after = self._before["models"], self._after["models"]
        for name in before:
            node = self._nodes[name]
            if name not in after:
                self.attempt(name, node, partial(self._without_class, node), list)
        classes = {
            name: ClassEdit(
                self, self._source, self._nodes[name], name, before[name], after[name], self._names
            )
            for name in before
            if name in after
        }
        for name, each in classes.items():
            each.lists = frozenset(attribute for model, attribute in lists if model == name)
            each.find(self._document, self._source.tree)
        self._edit_inherited(classes)
        for each in classes.values():
            each.edit()
        base = self._base() if added else ""
        new = [model_text(each, base, self._names) for each in added.values()]
        if new:
            end = len(self._source.text)
            text = "\n\n".join(self._style.top_level(each, self._unit) for each in new)
            between = "" if self._content.endswith("\n") else "\n"
            blanks = len(self._content) - len(self._content.rstrip("\n"))
            between += "\n" * max(0, 3 - max(blanks, 1))
            self._splices.append(Splice(end, end, f"{between}{text}"))

    def _edit_inherited(self, classes: Mapping[str, ClassEdit]) -> None:
        """Edit what models inherit: in the base if it changes for all, else in the models."""
        heirs: dict[ast.stmt, list[tuple[ClassEdit, str, str]]] = {}
        for each in classes.values():
            for section, name, statement in each.inherited():
                heirs.setdefault(statement, []).append((each, section, name))
        for statement, places in heirs.items():
            section, name = places[0][1:]
            changes = [each.change(section, name) for each, _, _ in places]
            if all(old == new for old, new in changes):
                continue
            old, new = changes[0]
            if all(each == (old, new) for each in changes):
                if new is None:
                    removal = partial(self._without_all, statement)
                    self.attempt(name, statement, removal, list)
                else:
                    edit = column_of if section == "columns" else relationship_of
                    change = partial(edit, self._source, statement, name, old, new, self._names)
                    self.attempt(name, statement, change, list)
                continue
            if all(after is not None for _, after in changes):
                for each, _, _ in places:
                    if each.change(section, name)[0] != each.change(section, name)[1]:
                        each.override(section, name)
                continue
            self.attempt(
                name,
                statement,
                _refuse("models inherit it, and not all of them lose it"),
                partial(self._without_all, statement),
            )
            for each, _, _ in places:
                if each.change(section, name)[1] is not None:
                    each.override(section, name, is_proposal=True)

    def _without_all(self, statement: ast.stmt) -> list[Splice]:
        return [self._source.without(statement, body_of(self._source.tree, statement))]

    def propose(self, splices: list[Splice]) -> None:
        """Add changes that somebody has to look at."""
        self._proposals += splices

    def _base(self) -> str:
        """Return the base class of new models: that of the others, if it adds nothing to them."""
        counts: dict[str, int] = {}
        for name in self._before["models"]:
            for base in self._nodes[name].bases:
                if self._is_plain(base):
                    words = ast.unparse(base)
                    counts[words] = counts.get(words, 0) + 1
        return max(counts, key=lambda each: counts[each]) if counts else self._names.own("Base")

    def _is_plain(self, base: ast.expr, depth: int = 0) -> bool:
        own = self._names.own_name(base)
        if own is not None or depth > 20:
            return own == "Base" or (own == "DeclarativeBase" and depth > 0)
        node = self._nodes.get(ast.unparse(base))
        if node is None or not node.bases:
            return False
        adds = any(
            isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation)
            for each in node.body
        )
        adds = adds or any(
            isinstance(each, ast.Assign) and _is_settings(each) for each in node.body
        )
        return not adds and all(self._is_plain(each, depth + 1) for each in node.bases)


def _is_settings(node: ast.Assign) -> bool:
    return ast.unparse(node.targets[0]) in ("__table_args__", "__methods__", "__mixin__")


def _refuse(reason: str) -> Callable[[], list[Splice]]:
    def refuse() -> list[Splice]:
        raise NotInPlace(reason)

    return refuse


def _unit(source: Source, tree: ast.Module) -> str:
    """Return by what the bodies of classes are indented."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.body[0].lineno > node.lineno:
            return source.indent(node.body[0])
    return "    "
