"""Edits of a schema file in Python that leave everything else as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ormkit_gen.pull.model_parts import ARRAYS, ModelParts
from ormkit_gen.pull.python.document import (
    Item,
    canonical,
    of_column,
    of_enum,
    of_model,
    of_relationship,
)
from ormkit_gen.pull.python.rewrite import Refused, Rewrite
from ormkit_gen.pull.python.style import Style
from ormkit_gen.pull.python.text import HEAD, plain
from ormkit_gen.pull.toml_layout import Path
from ormkit_gen.schema.document import Document, is_list, is_table

#: Reads a text as the file, or returns None if that is not possible.
Read = Callable[[str], Document | None]


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a file."""

    #: The text with all edits that are possible in place.
    text: str
    #: The text with those, too, that somebody has to look at.
    proposed: str
    refused: tuple[Refused, ...] = ()


class PythonEditor:
    """A file under edit, with the methods of a `TomlEditor`."""

    def __init__(self, content: str, name: str, read: Read, style: Style) -> None:
        """Take the text of a file; an empty one for a new file."""
        self._content = content
        self._name = name
        self._read = read
        self._style = style
        document = read(content) if content.strip() else None
        self._document = document or Document(name, {})
        self._before = canonical(self._document.data)
        self._data = deepcopy(self._before)
        self._new: dict[str, ModelParts] = {}
        #: The relationships whose values are lists, with their models.
        self._lists = {
            (model, each)
            for model, entry in self._document.data.get("models", {}).items()
            for each, settings in entry.get("relationships", {}).items()
            if settings.get("many", "secondary" in settings)
        }

    def get(self, path: Path) -> Any:
        """Return the value at a path, or None."""
        found: Any = self._data
        for each in path:
            try:
                found = found[each]
            except (KeyError, IndexError, TypeError):
                return None
        return deepcopy(found)

    def table(self, path: Path) -> dict[str, Any]:
        """Return the table at a path; an empty one where there is none."""
        found = self.get(path)
        return found if is_table(found) else {}

    def set(self, path: Path, value: Any) -> None:
        """Set the value at a path."""
        self._parent(path)[path[-1]] = _canonical(path, value)

    def delete(self, path: Path) -> None:
        """Remove the value at a path."""
        parent = self._parent(path)
        del parent[path[-1]]
        if not parent and len(path) == 4:
            del self._parent(path[:-1])[path[2]]

    def append_item(self, path: Path, entry: Mapping[str, Any]) -> None:
        """Add a table to an array of tables."""
        items: list[Any] = self._parent(path).setdefault(path[-1], [])
        items.append(Item(plain(dict(entry))))

    def set_relationship(self, path: Path, entry: Mapping[str, Any], *, is_list: bool) -> None:
        """Add a relationship, whose annotation says whether its value is a list."""
        self.set(path, entry)
        if is_list:
            self._lists.add((str(path[1]), str(path[3])))

    def append_model(self, model: ModelParts) -> None:
        """Add a model."""
        self._data["models"][model.name] = of_model(model.document())
        self._new[model.name] = model

    def is_spread(self, path: Path) -> bool:
        """Return whether the value at a path has a table of its own. A call has not."""
        return False

    def _parent(self, path: Path) -> Any:
        found: Any = self._data
        for each in path[:-1]:
            found = found.setdefault(str(each), {}) if is_table(found) else found[each]
        return found

    def edited(self) -> Edited:
        """Return what becomes of the file."""
        if _without_empty(self._data) == _without_empty(self._before):
            return Edited(self._content, self._content)
        content = self._content if self._content.strip() else HEAD
        rewrite = Rewrite(content, self._document, self._before, self._data, self._style)
        text, proposed, refused = rewrite.texts(self._new, self._lists)
        if encoding := _declared_encoding(content):
            reason = f"the file declares the encoding {encoding}, and schema files are UTF-8"
            return self._refusal(proposed, reason)
        document = self._read(text)
        if document is None:
            return self._refusal(proposed, "without this change the file cannot be read", *refused)
        says = _without_empty(canonical(document.data))
        if not refused and says != _without_empty(self._data):
            reason = "the file makes parts of its models by code of its own"
            return self._refusal(proposed, reason)
        return Edited(text, proposed, refused)

    def _refusal(self, proposed: str, reason: str, *refused: Refused) -> Edited:
        own = Refused(self._name, 1, "", reason)
        return Edited(self._content, proposed, refused or (own,))


def _canonical(path: Path, value: Any) -> Any:
    match path:
        case ("models", _, "columns", _):
            return of_column(value)
        case ("models", _, "relationships", _):
            return of_relationship(value)
        case ("enums", name):
            return of_enum(str(name), value)
        case _:
            return plain(value)


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without sections in which nothing is."""
    found: dict[str, Any] = {}
    for section, entries in data.items():
        if section == "models":
            entries = {name: _plain_model(each) for name, each in entries.items()}
        if entries:
            found[section] = entries
    return found


def _plain_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model whose constraints have no order."""
    found = of_model(model)
    for array in ARRAYS:
        if is_list(found.get(array)):
            found[array] = sorted(map(repr, (sorted(each.items()) for each in found[array])))
    return found


def _declared_encoding(text: str) -> str | None:
    """Return the encoding that a comment in the first two lines names, if it is not UTF-8."""
    for line in text.split("\n")[:2]:
        found = re.match(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", line)
        if found and found[1].lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
            return found[1]
    return None
