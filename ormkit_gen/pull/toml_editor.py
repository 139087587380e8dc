"""Edits of a TOML text that leave everything else as it is: comments, order, spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ormkit_gen.pull.model_parts import ModelParts
from ormkit_gen.pull.toml_layout import Block, Entry, Layout, Path
from ormkit_gen.pull.toml_text import assignment, key, model_text, text
from ormkit_gen.schema.document import is_table


class TomlEditor:
    """A text under edit."""

    def __init__(self, content: str) -> None:
        self.text = content
        self._layout: Layout | None = None

    @property
    def layout(self) -> Layout:
        """The layout of the text as it is now."""
        if self._layout is None:
            self._layout = Layout(self.text)
        return self._layout

    def get(self, path: Path) -> Any:
        """Return the value at a path, or None: a table's as a dict."""
        if (owner := self._owner(path)) is not None:
            return _inner(self.layout.value(owner), path[len(owner.path) :])
        blocks = self.layout.below(path)
        if path and isinstance(path[-1], str) and any(each.is_item for each in blocks):
            numbers = {each.path[len(path)] for each in blocks if len(each.path) > len(path)}
            if numbers and all(isinstance(each, int) for each in numbers):
                return [self.get((*path, number)) for number in sorted(numbers, key=int)]
        found: dict[str, Any] = {}
        is_there = bool(blocks)
        for entry in self.layout.entries():
            if len(entry.path) > len(path) and entry.path[: len(path)] == path:
                is_there = True
                _put(found, entry.path[len(path) :], self.layout.value(entry))
        return found if is_there else None

    def table(self, path: Path) -> dict[str, Any]:
        """Return the table at a path; an empty one where there is none."""
        found = self.get(path)
        return found if is_table(found) else {}

    def set(self, path: Path, value: Any) -> None:
        """Set the value at a path. What is there is replaced in its place."""
        owner = self._owner(path)
        if owner is not None and owner.path == path:
            self._replace(owner.value_start, owner.value_end, text(value))
            return
        if owner is not None:
            whole = self.layout.value(owner)
            _put_in(whole, path[len(owner.path) :], value)
            self._replace(owner.value_start, owner.value_end, text(whole))
            return
        if self.get(path) is not None:
            self.delete(path)
        parent = self.layout.block(path[:-1])
        if parent is None:
            parent = self._new_block(path[:-1])
        self._insert(parent.last, assignment(str(path[-1]), value))

    def delete(self, path: Path) -> None:
        """Remove the value or the tables at a path."""
        owner = self._owner(path)
        if owner is not None and owner.path != path:
            whole = self.layout.value(owner)
            _take_out(whole, path[len(owner.path) :])
            self._replace(owner.value_start, owner.value_end, text(whole))
            return
        spans = [
            (entry.start, entry.end)
            for entry in self.layout.entries()
            if entry.path[: len(path)] == path
        ]
        spans += self._spans(self.layout.below(path))
        for start, end in sorted(_outer(spans), reverse=True):
            self._replace(start, end, "")
        parent = self.layout.block(path[:-1])
        if parent is not None and len(path) > 2:
            self._drop_empty(parent)

    def append_item(self, path: Path, entry: Mapping[str, Any]) -> None:
        """Add a table to an array of tables."""
        owner = self._owner(path)
        if owner is not None:
            whole = self.layout.value(owner)
            _inner(whole, path[len(owner.path) :]).append(dict(entry))
            self._replace(owner.value_start, owner.value_end, text(whole))
            return
        lines = "".join(assignment(name, value) for name, value in entry.items())
        place = self._place_behind(self.layout.below(path) or self.layout.below(path[:-1]))
        self._insert(place, f"\n[[{_dotted(path)}]]\n{lines}")

    def set_relationship(self, path: Path, entry: Mapping[str, Any], *, is_list: bool) -> None:
        """Add a relationship. Its foreign key says whether its value is a list."""
        self.set(path, entry)

    def append_model(self, model: ModelParts) -> None:
        """Add the tables of a model at the end."""
        content = model_text(model)
        between = "" if not self.text else "\n" if self.text.endswith("\n") else "\n\n"
        self.text += between + content
        self._layout = None

    def is_spread(self, path: Path) -> bool:
        """Return whether the table at a path has a header, and its entries a line each."""
        return self.layout.block(path) is not None

    def _owner(self, path: Path) -> Entry | None:
        """Return the entry that has the value at a path, or a value that contains it."""
        return next(
            (each for each in self.layout.entries() if each.path == path[: len(each.path)]), None
        )

    def _new_block(self, path: Path) -> Block:
        """Add a table without entries, behind those of the table that it is in."""
        around: list[Block] = []
        for length in range(len(path) - 1, 0, -1):
            around = [
                each for each in self.layout.below(path[:length]) if not _is_in_array(each, length)
            ]
            if around:
                break
        place = self._place_behind(around)
        self._insert(place, f"\n[{_dotted(path)}]\n" if place else f"[{_dotted(path)}]\n")
        block = self.layout.block(path)
        assert block is not None
        return block

    def _place_behind(self, blocks: list[Block]) -> int:
        return max((each.last for each in blocks), default=len(self.text))

    def _drop_empty(self, block: Block) -> None:
        """Remove the header of a table in which nothing is left, not even a comment."""
        if (
            not self.text[block.body : block.end].strip()
            and len(self.layout.below(block.path)) == 1
        ):
            self._replace(block.start, block.end, "")

    def _spans(self, blocks: list[Block]) -> list[tuple[int, int]]:
        """Return where blocks are; what is said between two of them goes with them."""
        starts = {each.start for each in blocks}
        return [
            (each.start, each.end if each.end in starts else self._tail(each)) for each in blocks
        ]

    def _tail(self, block: Block) -> int:
        """Return where a block ends, without the comments before the next header."""
        lines = self.text[block.last : block.end].split("\n")
        kept = len(lines)
        while kept and not lines[kept - 1].strip():
            kept -= 1
        is_next = block.end < len(self.text)
        while is_next and kept and lines[kept - 1].lstrip().startswith("#"):
            kept -= 1
        if kept == len(lines) or not is_next:
            return block.end
        return block.last + len("\n".join(lines[:kept])) + (1 if kept else 0) + _blanks(lines, kept)

    def _insert(self, at: int, content: str) -> None:
        is_open = at > 0 and not self.text[:at].endswith("\n")
        self._replace(at, at, f"\n{content}" if is_open else content)

    def _replace(self, start: int, end: int, content: str) -> None:
        self.text = self.text[:start] + content + self.text[end:]
        self._layout = None


def _blanks(lines: list[str], first: int) -> int:
    """Return how long the blank lines from a line on are."""
    count = 0
    for line in lines[first:-1]:
        if line.strip():
            break
        count += len(line) + 1
    return count


def _is_in_array(block: Block, length: int) -> bool:
    return any(isinstance(each, int) for each in block.path[length:])


def _outer(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans that are in no other."""
    return [
        each
        for each in set(spans)
        if not any(other != each and other[0] <= each[0] and each[1] <= other[1] for other in spans)
    ]


def _dotted(path: Path) -> str:
    return ".".join(key(each) for each in path if isinstance(each, str))


def _inner(value: Any, path: Path) -> Any:
    for each in path:
        try:
            value = value[each]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _put(found: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value in nested tables, whose arrays are left out."""
    *way, last = path
    for each in way:
        if isinstance(each, int):
            return
        found = found.setdefault(each, {})
    found[str(last)] = value


def _put_in(whole: Any, path: Path, value: Any) -> None:
    for each in path[:-1]:
        whole = whole.setdefault(str(each), {}) if is_table(whole) else whole[each]
    whole[path[-1]] = value


def _take_out(whole: Any, path: Path) -> None:
    for each in path[:-1]:
        whole = whole[each]
    del whole[path[-1]]
