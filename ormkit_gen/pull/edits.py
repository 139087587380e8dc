"""Edits of schema files where a database differs from them; all else stays as it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ormkit.catalog import Difference
from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.drift.places import plain
from ormkit_gen.ir import Enum, Model, Position, Relationship, Schema
from ormkit_gen.output.file_changes import Texts
from ormkit_gen.postgres.identifiers import sequence_name
from ormkit_gen.pull.document import SchemaDocument
from ormkit_gen.pull.known_names import PUBLIC, Key
from ormkit_gen.pull.model_edit import ModelEdit, Place, update_entry
from ormkit_gen.pull.model_parts import FactName, ModelParts, Part
from ormkit_gen.pull.naming import free
from ormkit_gen.pull.object_matching import canonical, is_gone, is_touched
from ormkit_gen.pull.project_files import ProjectFiles
from ormkit_gen.pull.python.editor import PythonEditor
from ormkit_gen.pull.python.rewrite import Refused
from ormkit_gen.pull.python.style import Style
from ormkit_gen.pull.sql_files import file_names, sql_text
from ormkit_gen.pull.toml_editor import TomlEditor
from ormkit_gen.pull.toml_layout import Path
from ormkit_gen.pull.toml_text import short_enum
from ormkit_gen.schema.document import Document, is_table
from ormkit_gen.schema.names import member_name
from ormkit_gen.schema.python_reader import read_python
from ormkit_gen.schema.toml_reader import read_toml

Editor = TomlEditor | PythonEditor


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of the files of a target."""

    #: The texts of the files that change; None removes a file.
    texts: Texts
    #: The texts of files in Python with what is not edited in place, and what that is.
    proposed: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: tuple[Refused, ...] = ()


class Edits:
    """Brings the files of a target up to a document, where facts differ."""

    def __init__(
        self, files: ProjectFiles, before: Schema, document: SchemaDocument, into: str
    ) -> None:
        self._files = files
        self._before = before
        self._document = document
        self._into = into
        self._editors: dict[str, Editor] = {}
        self._documents: dict[str, Document | None] = {}
        self._models: dict[Key, Model] = {
            (model.schema or PUBLIC, model.table): model
            for model in before.models
            if not model.is_association
        }
        self._paths = dict(self._positions())
        self._style = Style(files.root)

    def changes(self, differences: Iterable[Difference]) -> Changes:
        """Return what becomes of the files that change."""
        touched: defaultdict[str, set[FactName]] = defaultdict(set)
        for each in differences:
            touched[plain(each.fact.object)].add((each.fact.kind, each.fact.name))
        for label in [each for each in touched if each.startswith("sequence ")]:
            for table, column in self._serials(label.removeprefix("sequence ")):
                touched[table].add(("default", column))
        for label, facts in sorted(touched.items()):
            self._edit(label, facts)
        self._add_relationships(touched)
        return self._changes(touched)

    def _changes(self, touched: Mapping[str, set[FactName]]) -> Changes:
        texts: dict[str, str | None] = {}
        proposed: dict[str, str] = {}
        refused: list[Refused] = []
        for name, editor in self._editors.items():
            if isinstance(editor, PythonEditor):
                edited = editor.edited()
                text = edited.text
                refused += edited.refused
                if edited.proposed != text:
                    proposed[name] = edited.proposed
            else:
                text = editor.text
            if name not in self._files.schemas or text != self._files.read(name):
                texts[name] = text
        texts.update(self._sql_files(touched))
        return Changes(texts, proposed, tuple(refused))

    def _serials(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield the columns that have a sequence by the name that `serial` would give it."""
        schema, _, rest = name.partition(".")
        for key, model in self._document.models.items():
            for column in model.attributes if key[0] == schema else ():
                if sequence_name(key[1], column) == rest:
                    yield f"table {schema}.{key[1]}", column

    def _positions(self) -> Iterator[tuple[Position, Path]]:
        for name in self._files.schemas:
            document = self._document_of(name)
            for places in (document.values, document.keys) if document else ():
                yield from ((at, path) for path, at in places.items())

    def _document_of(self, name: str) -> Document | None:
        if name not in self._documents:
            read = read_python if name.endswith(".py") else read_toml
            self._documents[name] = read(self._files.root / name, name, Problems())
        return self._documents[name]

    def _editor(self, name: str) -> Editor:
        if name not in self._editors:
            content = self._files.read(name) if name in self._files.schemas else ""
            self._editors[name] = (
                PythonEditor(content, name, partial(self._files.read_as, name), self._style)
                if name.endswith(".py")
                else TomlEditor(content)
            )
        return self._editors[name]

    def _edit(self, label: str, facts: set[FactName]) -> None:
        kind, _, name = label.partition(" ")
        schema, _, rest = name.partition(".")
        match kind:
            case "table" | "view":
                self._edit_table((schema, rest), facts)
            case "materialized":
                schema, _, rest = name.removeprefix("view ").partition(".")
                self._edit_table((schema, rest), facts)
            case "type":
                self._edit_enum((schema, rest))
            case "domain" | "sequence":
                self._edit_named(f"{kind}s", (schema, rest))
            case "extension" | "schema":
                self._edit_named(f"{kind}s", (PUBLIC, name))
            case _:
                return

    def _edit_named(self, section: str, key: Key) -> None:
        """Bring a domain, sequence, extension or schema up to date."""
        wanted: Mapping[str, Any] = getattr(self._document, section)
        name = next(
            (
                each
                for each, entry in wanted.items()
                if (entry.get("schema", PUBLIC), entry.get("name", each)) == key
                or (section in ("extensions", "schemas") and each == key[1])
            ),
            None,
        )
        for file in self._files.schemas:
            found = self._editor(file).table((section,))
            for each, entry in found.items():
                its: dict[str, Any] = entry if is_table(entry) else {}
                is_it = (its.get("schema", PUBLIC), its.get("name", each)) == key
                if is_it or (section in ("extensions", "schemas") and each == key[1]):
                    if name is None:
                        self._editor(file).delete((section, each))
                    else:
                        self._editor(file).set((section, each), wanted[name])
                    return
        if name is not None:
            self._editor(self._into).set((section, name), wanted[name])

    def _edit_enum(self, key: Key) -> None:
        known = next(
            (each for each in self._before.enums if (each.schema or PUBLIC, each.db_name) == key),
            None,
        )
        name = (
            known.name
            if known
            else next(
                (
                    each
                    for each, entry in self._document.enums.items()
                    if (entry.get("schema", PUBLIC), entry["name"]) == key
                ),
                None,
            )
        )
        if name is None:
            return
        wanted = self._document.enums.get(name)
        is_it = wanted is not None and (wanted.get("schema", PUBLIC), wanted["name"]) == key
        if known is None:
            self._editor(self._into).set(("enums", name), short_enum(name, wanted or {}))
            return
        # Several files may define the same enum.
        for file in self._files.schemas:
            document = self._document_of(file)
            if document is None or name not in document.data.get("enums", {}):
                continue
            if not is_it or wanted is None:
                self._editor(file).delete(("enums", name))
            else:
                _update_enum(self._editor(file), known, wanted)

    def _edit_table(self, key: Key, facts: set[FactName]) -> None:
        known, wanted = self._models.get(key), self._document.models.get(key)
        is_moved = any(kind == "partition" for kind, _ in facts)
        if is_moved or (known is None and wanted is None):
            self._edit_partition(key)
        if known is None and wanted is not None:
            if ("object", "") in facts or is_moved:
                self._editor(self._into).append_model(wanted)
        elif known is not None and known.at is not None:
            place = Place(known.at.file, self._paths[known.at])
            if wanted is None:
                self._editor(place.file).delete(place.path)
                self._drop_relationships_to(known.name)
            else:
                ModelEdit(self._editor(place.file), place, known, wanted, self._paths).apply(facts)
                self._drop_relationships(key, known)

    def _edit_partition(self, key: Key) -> None:
        """Bring the partitions of the table that this one is a part of up to date."""
        for table, wanted in self._document.models.items():
            known = self._models.get(table)
            if known is None or known.at is None:
                continue
            path = (*self._paths[known.at], "partitions")
            editor = self._editor(known.at.file)
            there = editor.table(path)
            if key[1] in there and key[1] not in wanted.partitions:
                editor.delete((*path, key[1]))
            elif key[1] in wanted.partitions:
                editor.set((*path, key[1]), wanted.partitions[key[1]])

    def _add_relationships(self, touched: Mapping[str, set[FactName]]) -> None:
        """Add the relationships of foreign keys that are new to models that files have."""
        for each in self._document.added:
            known = self._models.get(each.model)
            if known is None or known.at is None:
                continue
            if each.name not in self._document.models[each.model].relationships:
                continue
            facts = touched.get(f"table {'.'.join(each.source)}", set())
            if ("object", "") in facts or any(
                ("constraint", name) in facts for name in each.constraints
            ):
                entry = self._document.models[each.model].relationships[each.name]
                path = (*self._paths[known.at], "relationships", each.name)
                is_list = each.name in self._document.models[each.model].lists
                self._editor(known.at.file).set_relationship(path, entry, is_list=is_list)
                if "foreign_key" in entry:
                    self._choose_keys(known.name, entry["target"])

    def _choose_keys(self, name: str, other: str) -> None:
        """Let relationships between two models say which of several foreign keys they use."""
        for model in self._models.values():
            for each in model.relationships:
                is_between = {model.name, each.target} == {name, other} and not each.secondary
                if not is_between or model.at is None:
                    continue
                editor = self._editor(model.at.file)
                path = (*self._paths[model.at], "relationships", each.name)
                there = editor.get(path)
                entry = {"target": there} if isinstance(there, str) else there
                if entry is not None and "foreign_key" not in entry:
                    columns = each.local if each.is_owner else each.remote
                    chosen = columns[0] if len(columns) == 1 else list(columns)
                    update_entry(editor, path, {**entry, "foreign_key": chosen}, ())

    def _drop_relationships(self, key: Key, known: Model) -> None:
        """Remove relationships, on both sides, whose foreign key is gone from this table."""
        wanted = self._document.models[key]
        for gone in known.foreign_keys:
            if any(_is_reference(part, gone.columns, wanted) for part in wanted.parts):
                continue
            for model in self._models.values():
                for each in model.relationships:
                    if _uses(model, each, known, gone.columns):
                        self._delete_relationship(model, each.name)
        self._drop_ambiguous(known, wanted)

    def _drop_ambiguous(self, known: Model, wanted: ModelParts) -> None:
        """Remove many-to-many relationships through a table that has got a third foreign key."""
        targets = [part.entry for part in wanted.parts if _is_foreign_key(part)]
        if len(targets) == len(known.foreign_keys):
            return
        for model in self._models.values():
            for each in model.relationships:
                if each.secondary == known.name and len(targets) > 2:
                    self._delete_relationship(model, each.name)

    def _drop_relationships_to(self, name: str) -> None:
        for model in self._models.values():
            for each in model.relationships:
                if name in (each.target, each.secondary) and model.name != name:
                    self._delete_relationship(model, each.name)

    def _delete_relationship(self, model: Model, name: str) -> None:
        if model.at is not None:
            path = (*self._paths[model.at], "relationships", name)
            if self._editor(model.at.file).get(path) is not None:
                self._editor(model.at.file).delete(path)

    def _sql_files(self, touched: Mapping[str, set[FactName]]) -> Iterator[tuple[str, str | None]]:
        """Yield the files of SQL that change, and None for those whose object is gone."""
        known = {
            canonical(each.label): each.at.file
            for each in self._before.objects
            if each.at is not None
        }
        there = {
            each.label: known[canonical(each.label)]
            for each in self._document.objects
            if canonical(each.label) in known
        }
        names = file_names(
            self._document.objects, there, self._files.sql, self._files.sql_directory
        )
        for each in self._document.objects:
            if each.label not in there or is_touched(each, touched):
                yield names[each.label], sql_text(each)
        wanted = {canonical(each.label) for each in self._document.objects}
        tables = {canonical(f"table {'.'.join(key)}") for key in self._document.tables}
        for item in self._before.objects:
            label = canonical(item.label)
            needs = {canonical(each) for each in item.depends_on or ()}
            lacks = {each for each in needs - tables if each.startswith("table ")}
            if label not in wanted and item.at and (lacks or is_gone(label, touched)):
                yield item.at.file, None


def _update_enum(editor: Editor, known: Enum, wanted: Mapping[str, Any]) -> None:
    path = ("enums", known.name)
    there = editor.get(path)
    if not is_table(there):
        editor.set(path, wanted["values"])
        return
    members = {label: member for member, label in known.members}
    if "members" in there:
        labels: Sequence[str] = wanted["values"]
        found: list[str] = []
        for each in labels:
            taken = [*found, *(members[other] for other in labels if other in members)]
            found.append(members.get(each) or free(member_name(each), taken))
        editor.set((*path, "members"), found)
    if there.get("values") != wanted["values"]:
        editor.set((*path, "values"), wanted["values"])
    comment = wanted.get("comment")
    if comment is not None and comment != there.get("comment"):
        editor.set((*path, "comment"), comment)
    elif comment is None and "comment" in there:
        editor.delete((*path, "comment"))


def _is_foreign_key(part: Part) -> bool:
    return part.array == "foreign_keys" or "foreign_key" in part.entry


def _is_reference(part: Part, columns: tuple[str, ...], model: ModelParts) -> bool:
    if "foreign_key" in part.entry:
        return columns == (part.column,)
    return part.array == "foreign_keys" and tuple(part.entry["columns"]) == columns


def _uses(model: Model, each: Relationship, holder: Model, columns: tuple[str, ...]) -> bool:
    """Return whether a relationship goes over a foreign key of a model with these columns."""
    if each.secondary == holder.name:
        return columns in (each.secondary_local, each.secondary_remote)
    own = each.local if each.is_owner else each.remote
    side = model.name if each.is_owner else each.target
    return side == holder.name and own == columns
