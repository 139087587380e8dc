"""Edits of one model in a TOML file, where facts of its table differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ormkit.catalog import COLUMN_PARTS
from ormkit_gen.ir import Model, Position
from ormkit_gen.pull.model_parts import ARRAYS, FactName, ModelParts, Part
from ormkit_gen.pull.schema_editor import SchemaEditor
from ormkit_gen.pull.toml_layout import Path
from ormkit_gen.pull.toml_text import short
from ormkit_gen.schema.columns import OF_FOREIGN_KEYS
from ormkit_gen.schema.document import is_table
from ormkit_gen.spellings import ALIASES

#: The settings of a column by the kinds of the facts that they make.
_TYPE = ("type", "nullable", "collation")
_SOURCE = ("default", "server_default", "identity", "generated", "virtual")
_COLUMN_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "column": _TYPE,
    "not null": _TYPE,
    **dict.fromkeys(("default", "identity", "generated", "virtual"), _SOURCE),
    "column storage": ("storage",),
    "compression": ("compression",),
    "statistics target": ("statistics",),
    "comment": ("comment",),
}
_SERIALS = ("serial", "bigserial", "smallserial")
_TABLE_SETTINGS = (
    *("comment", "unlogged", "storage", "partition_by", "inherits", "row_level_security"),
    *("replica_identity",),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is."""

    file: str
    path: Path

    def of(self, *keys: str | int) -> Path:
        return (*self.path, *keys)


class ModelEdit:
    """Edits of one model."""

    def __init__(
        self,
        editor: SchemaEditor,
        place: Place,
        known: Model,
        wanted: ModelParts,
        paths: Mapping[Position, Path],
    ) -> None:
        self._editor = editor
        self._place = place
        self._known = known
        self._wanted = wanted
        self._paths = paths
        self._deleted: list[Path] = []
        self._appended: list[tuple[Path, dict[str, Any]]] = []

    def apply(self, facts: set[FactName]) -> None:
        """Make the changes that these facts ask for."""
        columns: defaultdict[str, set[str]] = defaultdict(set)
        seen: list[Part] = []
        for kind, name in sorted(facts):
            part = name.partition(" ")
            if kind in COLUMN_PARTS or kind == "column":
                columns[name].add(kind)
            elif kind == "comment" and part[0] == "column":
                columns[part[2]].add(kind)
            elif kind in ("constraint", "index", "unfinished") or part[0] in (
                "constraint",
                "index",
            ):
                self._edit_part((kind, name), seen)
        if any(kind == "inherits" for kind, _ in facts):
            # No fact is about a column that a table inherits.
            for name in self._wanted.attributes:
                columns[name] |= {"column", "not null"}
        for name, kinds in columns.items():
            self._edit_column(name, kinds)
        if any(
            kind in ("object", "storage", "row security", "replica identity", "inherits")
            or (kind, name) == ("comment", "")
            for kind, name in facts
        ):
            self._edit_settings()
        for path in sorted(self._deleted, key=_backwards):
            if self._editor.get(path) is not None:
                self._editor.delete(path)
        for path, entry in self._appended:
            self._editor.append_item(path, entry)

    def _edit_settings(self) -> None:
        for name in _TABLE_SETTINGS:
            path, value = self._place.of(name), self._wanted.settings.get(name)
            there = self._editor.get(path)
            if value is None and there is not None:
                self._editor.delete(path)
            elif value is not None and value != there:
                self._editor.set(path, value)

    def _edit_column(self, name: str, kinds: set[str]) -> None:
        attribute = self._wanted.attributes.get(name)
        known = next((each for each in self._known.columns if each.db_name == name), None)
        if attribute is None:
            if known is not None and known.at is not None:
                self._deleted.append(self._path_at(known.at))
            return
        if known is None or known.at is None:
            path = self._place.of("columns", attribute)
            self._editor.set(path, short(self._wanted.entry(attribute)))
            return
        wanted = self._wanted.columns[attribute]
        groups = {setting for kind in kinds for setting in _COLUMN_SETTINGS.get(kind, ())}
        if "column" in kinds:
            # The type says how long its texts may be.
            groups.add("max_length")
        path = self._path_at(known.at)
        there = self._editor.get(path)
        type_ = there if isinstance(there, str) else there.get("type", "")
        default = there.get("default") if is_table(there) else None
        if "column" in kinds and default is not None and default != wanted.get("default"):
            # A constant is one of the type.
            groups |= {"default", "server_default"}
        if "default" in kinds and (wanted["type"] in _SERIALS or type_.strip("?") in _SERIALS):
            groups |= set(_TYPE)
        new = {key: value for key, value in wanted.items() if key in groups}
        is_serial = new.get("type") in _SERIALS or type_.strip("?") in _SERIALS
        if "column" not in kinds and "type" in new and not is_serial:
            new["type"] = f"{type_.rstrip('? ')}{'?' if wanted['type'].endswith('?') else ''}"
        update_entry(self._editor, path, new, groups - set(new))

    def _edit_part(self, fact: FactName, seen: list[Part]) -> None:
        key = self._wanted.settings.get("primary_key")
        name = fact[1].partition(" ")[2] if fact[0] == "comment" else fact[1]
        wanted = next((part for part in self._wanted.parts if fact in part.facts), None)
        path = self._path_of(name)
        if wanted is None and path is None:
            self._edit_key(key)
            return
        if wanted is not None and wanted in seen:
            return
        if wanted is not None:
            seen.append(wanted)
        if path is not None and wanted is not None and _section(path) == wanted.array:
            self._update_item(path[:4], wanted.entry)
            return
        if path is not None:
            self._remove(path, name)
        if wanted is not None and wanted.column is not None:
            # A column that is new comes with it.
            if any(each.name == wanted.column for each in self._known.columns):
                update_entry(self._editor, self._column_path(wanted.column), wanted.entry, ())
        elif wanted is not None and wanted.array is not None:
            self._appended.append((self._place.of(wanted.array), wanted.entry))

    def _edit_key(self, key: Any) -> None:
        """Write the primary key anew, at its columns or at the model."""
        wanted = {name for name, entry in self._wanted.columns.items() if entry.get("primary_key")}
        for column in self._known.columns:
            if column.at is None or column.name not in self._wanted.columns:
                continue
            path = self._path_at(column.at)
            there = self._editor.get(path)
            identity = there.get("identity") if is_table(there) else None
            if column.name in wanted:
                said = self._wanted.columns[column.name]
                new: dict[str, Any] = {
                    name: said[name] for name in ("primary_key", "identity") if name in said
                }
                update_entry(self._editor, path, new if identity is None else {**new, **there}, ())
            else:
                gone = ("primary_key", "identity") if identity is False else ("primary_key",)
                update_entry(self._editor, path, {}, gone)
        had_key = any(column.is_primary_key for column in self._known.columns)
        if had_key != bool(wanted or key is not None):
            self._edit_row_key()
        path = self._place.of("primary_key")
        if key is not None:
            self._editor.set(path, key)
        elif self._editor.get(path) is not None:
            self._editor.delete(path)

    def _edit_row_key(self) -> None:
        """Write what tells rows apart where there is no primary key."""
        for name in ("key", "read_only"):
            path, value = self._place.of(name), self._wanted.settings.get(name)
            if value is not None:
                self._editor.set(path, value)
            elif self._editor.get(path) is not None:
                self._editor.delete(path)

    def _path_of(self, name: str) -> Path | None:
        """Return where the files describe a constraint or an index."""
        known = self._known
        for group in (known.uniques, known.checks, known.excludes, known.indexes):
            for each in group:
                if each.name == name and each.at is not None and each.at in self._paths:
                    return self._said_at(each.at)
        for key in known.foreign_keys:
            if key.name == name and key.at is not None and key.at in self._paths:
                return self._said_at(key.at)
        return None

    def _said_at(self, at: Position) -> Path | None:
        """Return the path of a place, unless it is that of a mixin or of the whole model."""
        path = self._path_at(at)
        return path if _section(path) in ("columns", *ARRAYS) else None

    def _column_path(self, attribute: str) -> Path:
        known = next((each for each in self._known.columns if each.name == attribute), None)
        at = known.at if known else None
        return self._path_at(at) if at is not None else self._place.of("columns", attribute)

    def _path_at(self, at: Position) -> Path:
        """Return the path of a place, which several models may inherit in a Python file."""
        return (*self._place.path, *self._paths[at][2:])

    def _remove(self, path: Path, name: str) -> None:
        if _section(path) in ARRAYS:
            self._deleted.append(path[:4])
            return
        said = path[4] if len(path) > 4 else ""
        is_index = any(each.name == name for each in self._known.indexes)
        if said in ("foreign_key", "foreign_keys"):
            update_entry(self._editor, path[:4], {}, ("foreign_key", *OF_FOREIGN_KEYS))
        else:
            update_entry(self._editor, path[:4], {}, ("index",) if is_index else ("unique",))

    def _update_item(self, path: Path, entry: Mapping[str, Any]) -> None:
        there = self._editor.table(path)
        for name in there:
            if name not in entry and name != "name":
                self._editor.delete((*path, name))
        for name, value in entry.items():
            if there.get(name) != value:
                self._editor.set((*path, name), value)


def update_entry(
    editor: SchemaEditor, path: Path, new: Mapping[str, Any], removed: Iterable[str]
) -> None:
    """Change keys of a column, which may be a text with its type alone, or a table."""
    there = editor.get(path)
    if there is None:
        editor.set(path, short(dict(new)))
        return
    removed = {*removed, *(other for other, name in ALIASES.items() if {name} & {*removed, *new})}
    entry = {} if isinstance(there, str) else dict(there)
    if isinstance(there, str) and "target" not in new:
        entry = {"type": there}
    if editor.is_spread(path):
        for name in removed & set(entry):
            editor.delete((*path, name))
        for name, value in new.items():
            if entry.get(name) != value:
                editor.set((*path, name), value)
        return
    merged = {name: value for name, value in entry.items() if name not in removed} | dict(new)
    if merged != entry:
        editor.set(path, short(merged))


def _section(path: Path) -> str | None:
    return str(path[2]) if len(path) > 2 else None


def _backwards(path: Path) -> tuple[Any, ...]:
    """Order the items of an array from the last on, since removing one renumbers the next."""
    return tuple((1, -each, "") if isinstance(each, int) else (0, 0, each) for each in path)
