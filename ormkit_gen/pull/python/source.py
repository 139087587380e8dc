"""A Python text under edit: places of its syntax tree, and what is put in their place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ormkit_gen.pull.python.text import item_source, source
from ormkit_gen.spellings import ALIASES

Node = ast.expr | ast.stmt | ast.keyword


class NotInPlace(Exception):
    """Something cannot be edited where it is. The args are the reason."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Text in place of some other, by offsets."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class Argument:
    """An argument of a call."""

    start: int
    end: int
    #: The setting that it gives; None for one that is unpacked.
    name: str | None
    value: ast.expr | None
    #: Its keyword as it is written; None for a positional one.
    keyword: str | None = None
    new: str | None = field(default=None)
    is_gone: bool = False


class Source:
    """A text, its syntax tree, and offsets of nodes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place. The parser counts bytes of UTF-8."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def start(self, node: Node) -> int:
        """Return where a node begins."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: Node) -> int:
        """Return where a node ends."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def segment(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def line_start(self, line: int) -> int:
        """Return where a line begins."""
        return self._starts[line - 1]

    def after_line(self, line: int) -> int:
        """Return where the next line begins; the end of the text after the last one."""
        return min(self._starts[line], len(self.text))

    def indent(self, node: Node) -> str:
        """Return what stands before a statement in its line."""
        return self.text[self.line_start(node.lineno) : self.start(node)]

    def first_line(self, node: ast.stmt) -> int:
        """Return the line in which a statement begins, with its decorators."""
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        return min([node.lineno, *(each.lineno for each in decorators)])

    def is_alone(self, node: ast.stmt) -> bool:
        """Return whether no other statement is in the lines of this one."""
        last = node.end_lineno or node.lineno
        rest = self.text[self.end(node) : self.after_line(last)].strip()
        return not self.indent(node).strip() and (not rest or rest.startswith("#"))

    def without(self, node: ast.stmt, body: Sequence[ast.stmt] = ()) -> Splice:
        """Return what removes the lines of a statement.

        body: the statements of its block.
        """
        if len(body) == 1:
            return Splice(self.start(node), self.end(node), "pass")
        if self.is_alone(node):
            start = self.line_start(self.first_line(node))
            return Splice(start, self.after_line(node.end_lineno or node.lineno), "")
        for each in body:
            if each.lineno == node.end_lineno and each.col_offset > (node.end_col_offset or 0):
                return Splice(self.start(node), self.start(each), "")
        if any(each.end_lineno == node.lineno for each in body if each is not node):
            return Splice(self.start(node), self.end(node), "")
        raise NotInPlace("another statement stands in the same line")

    def is_blank(self, line: int) -> bool:
        """Return whether there is such a line, and nothing is in it."""
        return 0 < line <= len(self._lines) and not self._lines[line - 1].strip()


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return a text with other texts in their places. Of two at one place, the first is first."""
    found: list[str] = []
    at = 0
    is_removed = False
    for each in sorted(splices, key=lambda each: (each.start, each.end)):
        if each.start < at and not (is_removed and not each.text):
            raise NotInPlace("two changes are at the same place")
        found += [text[at : each.start], each.text]
        at = max(at, each.end)
        is_removed = not each.text
    return "".join([*found, text[at:]])


class ItemEdit:
    """Changes of the items of a call, a tuple or a dict."""

    def __init__(self, text: Source, end: int, arguments: list[Argument]) -> None:
        """Take the items, and where the bracket is that closes them."""
        self._source = text
        self._end = end
        self.arguments = arguments
        self._added: list[str] = []
        self._first: list[str] = []

    def insert_first(self, words: str) -> None:
        """Add an item before all others, behind those added so before."""
        self._first.append(words)

    def add(self, words: str) -> None:
        """Add an item behind all others."""
        self._added.append(words)

    def splices(self) -> list[Splice]:
        """Return the changes of the text."""
        kept = [each for each in self.arguments if not each.is_gone]
        if not kept and self.arguments:
            return self._all_replaced()
        if not self.arguments:
            words = ", ".join([*self._first, *self._added])
            return [Splice(self._end, self._end, words)] if words else []
        found = [Splice(each.start, each.end, each.new) for each in kept if each.new is not None]
        found += self._removals(kept)
        if self._first:
            found.append(self._insertion_before(self.arguments[0]))
        if self._added:
            found += self._insertions_after(kept[-1])
        return found

    def _all_replaced(self) -> list[Splice]:
        """Return the new items in place of all others."""
        new = [*self._first, *self._added]
        first, last = self.arguments[0], self.arguments[-1]
        lines = [self._lines_of(each) for each in self.arguments]
        if all(lines) and lines[0]:
            indent = self._source.text[lines[0][0] : first.start]
            words = "".join(f"{indent}{each},\n" for each in new)
            found = [Splice(*each, "") for each in lines if each]
            return [Splice(found[0].start, found[0].end, words), *found[1:]]
        return [Splice(first.start, self._past_comma(last.end), ", ".join(new))]

    def _past_comma(self, at: int) -> int:
        rest = self._source.text[at:]
        return (
            at + len(rest) - len(rest.lstrip().removeprefix(","))
            if rest.lstrip()[:1] == ","
            else at
        )

    def _removals(self, kept: list[Argument]) -> list[Splice]:
        found: list[Splice] = []
        arguments = self.arguments
        for place, each in enumerate(arguments):
            if not each.is_gone:
                continue
            if (lines := self._lines_of(each)) is not None:
                found.append(Splice(*lines, ""))
            elif any(not other.is_gone for other in arguments[:place]):
                start = arguments[place - 1].end
                if self._is_removed_with_lines(arguments[place - 1]):
                    start = each.start
                found.append(Splice(start, each.end, ""))
            else:
                found.append(Splice(each.start, arguments[place + 1].start, ""))
        return found

    def _is_removed_with_lines(self, each: Argument) -> bool:
        return each.is_gone and self._lines_of(each) is not None

    def _lines_of(self, each: Argument) -> tuple[int, int] | None:
        """Return where the lines of an argument are, if no other one is in them."""
        text = self._source.text
        start = text.rfind("\n", 0, each.start) + 1
        end = text.find("\n", each.end) + 1
        if not end or text[start : each.start].strip():
            return None
        rest = text[each.end : end].strip().removeprefix(",").strip()
        return (start, end) if not rest or rest.startswith("#") else None

    def _insertion_before(self, each: Argument) -> Splice:
        lines = self._lines_of(each)
        text = self._source.text
        between = f",\n{text[lines[0] : each.start]}" if lines else ", "
        return Splice(each.start, each.start, "".join(f"{one}{between}" for one in self._first))

    def _insertions_after(self, last: Argument) -> list[Splice]:
        lines = self._lines_of(last)
        text = self._source.text
        if lines is None:
            return [Splice(last.end, last.end, "".join(f", {each}" for each in self._added))]
        start = text.rfind("\n", 0, last.start) + 1
        indent = text[start : last.start]
        new = "".join(f"{indent}{each},\n" for each in self._added)
        has_comma = text[last.end :].lstrip()[:1] == ","
        comma = [] if has_comma else [Splice(last.end, last.end, ",")]
        return [*comma, Splice(lines[1], lines[1], new)]


class CallEdit(ItemEdit):
    """Changes of the arguments of a call."""

    def __init__(
        self, source_: Source, call: ast.Call, positional: Sequence[str], what: str = ""
    ) -> None:
        super().__init__(source_, source_.end(call) - 1, [])
        self._call = call
        self._spread = next((each[1:] for each in positional if each.startswith("*")), None)
        self._what = what or ast.unparse(call.func)
        self._order = [each for each in positional if not each.startswith("*")]
        self.arguments = [*self._positional(), *self._keywords()]
        self.arguments.sort(key=lambda each: each.start)

    def _positional(self) -> list[Argument]:
        found: list[Argument] = []
        for place, each in enumerate(self._call.args):
            is_named = place < len(self._order) and not isinstance(each, ast.Starred)
            name = self._order[place] if is_named else self._spread
            found.append(Argument(self._source.start(each), self._source.end(each), name, each))
        return found

    def _keywords(self) -> list[Argument]:
        found: list[Argument] = []
        for each in self._call.keywords:
            name = ALIASES.get(each.arg, each.arg) if each.arg else None
            start = self._source.start(each)
            if each.arg is None and self._source.text.startswith("**", start - 2):
                start -= 2
            found.append(
                Argument(start, self._source.end(each), name, each.value, each.arg or "**")
            )
        return found

    def find(self, name: str) -> Argument | None:
        """Return the argument that gives a setting."""
        return next((each for each in self.arguments if each.name == name), None)

    @property
    def is_unpacking(self) -> bool:
        """Whether some arguments come from elsewhere."""
        return any(
            each.keyword == "**" or isinstance(each.value, ast.Starred) for each in self.arguments
        )

    def apply(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Change settings from old values to new ones."""
        for name in (*old, *(each for each in new if each not in old)):
            if old.get(name) == new.get(name) and (name in old) == (name in new):
                continue
            if name == self._spread:
                self._set_spread(new.get(name, ()))
            elif name not in new:
                self.remove(name)
            else:
                self.set(name, new[name], is_new=name not in old)

    def set(self, name: str, value: Any, *, is_new: bool) -> None:
        """Give a setting another value, where it is or as a new keyword."""
        argument = self.find(name)
        if argument is not None:
            argument.is_gone = False
            words = source(value)
            # An identity may be more than a flag, which autoincrement is.
            keyword = name if argument.keyword == "autoincrement" else argument.keyword
            argument.new = words if keyword is None else f"{keyword}={words}"
        elif not is_new and self.is_unpacking:
            raise NotInPlace(f"{self._what}() unpacks arguments, and one of them is {name}")
        else:
            self._added.append(f"{name}={source(value)}")

    def remove(self, name: str) -> None:
        """Take a setting away."""
        argument = self.find(name)
        if argument is None:
            raise NotInPlace(f"{self._what}() is not given {name} as an argument")
        argument.is_gone = True

    def _set_spread(self, values: Iterable[Any]) -> None:
        own = [
            each for each in self.arguments if each.keyword is None and each.name == self._spread
        ]
        if self.is_unpacking or not own:
            raise NotInPlace(f"{self._what}() unpacks its arguments")
        own[0].new = ", ".join(map(item_source, values))
        own[0].end = own[-1].end
        for each in own[1:]:
            self.arguments.remove(each)


def item_edit(
    text: Source, end: int, arguments: list[Argument], first: list[str], added: list[str]
) -> ItemEdit:
    """Return the changes of items with some new ones before and behind them."""
    edit = ItemEdit(text, end, arguments)
    for each in first:
        edit.insert_first(each)
    for each in added:
        edit.add(each)
    return edit
