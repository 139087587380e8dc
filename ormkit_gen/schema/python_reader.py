"""Reading Python schemas into documents with the structure of TOML.

The file is executed to get its values. Its syntax tree gives the types and places.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum
from pathlib import Path as File
from types import ModuleType
from typing import Any

from ormkit_gen.declarations import (
    ComputedDeclaration,
    Declaration,
    PrimaryKeyConstraint,
    RelationshipDeclaration,
    TableArgument,
)
from ormkit_gen.declarative import ENUM_SETTINGS, NAMED, NamedDeclaration
from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import Position
from ormkit_gen.postgres.types import BASE_TYPES
from ormkit_gen.schema import factories
from ormkit_gen.schema.document import Document, Path, is_list, is_table
from ormkit_gen.schema.names import member_name
from ormkit_gen.schema.python_annotations import (
    BadAnnotation,
    inside_mapped,
    related,
    type_words,
    value_annotation,
    without_aliases,
)
from ormkit_gen.schema.python_checks import check_enum, check_model
from ormkit_gen.schema.python_classes import Attribute, Classes
from ormkit_gen.schema.python_module import execute, parse_source
from ormkit_gen.schema.toml_reader import read_text

#: Where a document has what a class declares.
SECTIONS: dict[type, str] = {
    RelationshipDeclaration: "relationships",
    ComputedDeclaration: "computed",
}


def read_python(file: File, name: str, problems: Problems) -> Document | None:
    """Return the file as a document, or record the problem and return None.

    name: the name of the file in messages.
    """
    text = read_text(file, name, problems)
    tree = parse_source(text, file, name, problems) if text is not None else None
    module = execute(tree, file, name, problems) if tree is not None else None
    if text is None or tree is None or module is None:
        return None
    named = [each for each in NAMED if each.file == str(file)]
    NAMED.clear()
    return _Reader(module, tree, text, name, problems, named).document()


def constant(value: Any) -> Any:
    """Return the constant of a default."""
    if value is list:
        return list[Any]()
    if value is dict:
        return dict[str, Any]()
    if isinstance(value, Enum):
        return value.value
    return [constant(each) for each in value] if is_list(value) else value


class _Reader:
    """Builds the document of one executed file."""

    def __init__(
        self,
        module: ModuleType,
        tree: ast.Module,
        text: str,
        name: str,
        problems: Problems,
        named: Sequence[NamedDeclaration],
    ) -> None:
        self.named = named
        self.problems = problems
        self.name = name
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}
        self.lines = text.split("\n")
        self.imports = without_aliases(tree)
        self.classes = Classes(module, tree)
        self.nodes = self.classes.nodes
        found = self.classes.by_name.items()
        self.enums = {name: each for name, each in found if issubclass(each, Enum)}

    def document(self) -> Document:
        models = {
            name: self._model(name, each)
            for name, each in self.classes.by_name.items()
            if self.classes.is_model(each)
        }
        enums = {name: self._enum(name, each) for name, each in self.enums.items()}
        data: dict[str, Any] = {"models": models, "enums": enums}
        for each in self.named:
            self.keys[each.section, each.name] = Position(self.name, each.line, 1)
            section = data.setdefault(each.section, {})
            if each.name in section:
                self.problems.error(
                    "declared-twice",
                    f"{each.section} has {each.name} twice",
                    "remove or rename one of them",
                    self.keys[each.section, each.name],
                )
            section[each.name] = each.settings
        return Document(self.name, data, self.keys, self.values, is_python=True)

    def _enum(self, name: str, enum: type[Enum]) -> dict[str, Any]:
        node = self.nodes[name]
        self._place(("enums", name), node.lineno, node.col_offset + len("class "), len(name))
        values = [str(member.value) for member in enum]
        check_enum(enum, self.keys["enums", name], self.problems)
        members = [member.name for member in enum]
        settings = dict(ENUM_SETTINGS.pop(enum, {}))
        if members != list(map(member_name, values)):
            settings["members"] = members
        return {"values": values, **settings}

    def _model(self, name: str, class_: type) -> dict[str, Any]:
        node = self.nodes[name]
        path: Path = ("models", name)
        self._place(path, node.lineno, node.col_offset + len("class "), len(name))
        model: dict[str, Any] = {"columns": {}}
        table = vars(class_).get("__tablename__")
        if table is not None:
            model["table"] = table
            self._place_assignment(node, "__tablename__", (*path, "table"))
        if "__methods__" in vars(class_):
            model["methods"] = vars(class_)["__methods__"]
            self._place_assignment(node, "__methods__", (*path, "methods"))
        self._add_mixins(class_, model)
        check_model(self.classes, class_, self.keys[path], self.problems)
        for attribute in self.classes.attributes(class_):
            self._add_attribute(attribute, path, model)
        self._add_table_arguments(class_, node, path, model)
        return model

    def _add_mixins(self, class_: type, model: dict[str, Any]) -> None:
        found = [vars(each).get("__mixin__") for each in class_.__mro__]
        mixins = [each for each in found if isinstance(each, str)]
        if mixins:
            model["mixins"] = mixins

    def _add_attribute(self, attribute: Attribute, path: Path, model: dict[str, Any]) -> None:
        name, node = attribute.name, attribute.node
        declared: object = vars(attribute.owner).get(name)
        section = SECTIONS.get(type(declared), "columns")
        own = (*path, section, name)
        self._place(own, node.target.lineno, node.target.col_offset, len(name))
        self._place_call(node.value, own, "expression" if section == "computed" else "type")
        try:
            if isinstance(declared, RelationshipDeclaration):
                value = self._relationship(node, declared, own)
            else:
                value = self._column(node, declared, own)
        except BadAnnotation as error:
            message, remedy = error.args
            self.problems.error("bad-annotation", message, remedy, self._position(node.annotation))
            value = {"type": "text"}
            section = "columns"
        model.setdefault(section, {})[name] = value

    def _column(self, node: ast.AnnAssign, declared: object, path: Path) -> dict[str, Any]:
        settings = dict(declared.settings) if isinstance(declared, Declaration) else {}
        annotated = inside_mapped(node.annotation)
        if annotated.is_nullable:
            settings.setdefault("nullable", True)
        if "json_type" in settings:
            self._read_json_type(settings, path)
        if "codec" in settings:
            self._read_codec(settings, path)
        if "type" not in settings:
            self.values[(*path, "type")] = self._position(node.annotation)
            self.keys[(*path, "type")] = self._position(node.annotation)
            settings["type"] = type_words(annotated.node, self.enums)
        named = BASE_TYPES.get(str(settings["type"]).rstrip("?").strip().lower())
        is_free = "codec" in settings or (named is not None and named.is_json)
        if is_free and "python_type" not in settings:
            settings["python_type"] = value_annotation(annotated.node, self.imports)
        if settings.get("python_type") is None:
            settings.pop("python_type", None)
        if "default" in settings:
            self._read_default(settings, path)
        return settings

    def _read_json_type(self, settings: dict[str, Any], path: Path) -> None:
        """Replace a class by its place; the type of the column is then jsonb."""
        settings.setdefault("type", "jsonb")
        if isinstance(settings["json_type"], str):
            return
        place = factories.place_of(settings["json_type"])
        if place is None:
            self.problems.error(
                "bad-json-type",
                "generated code cannot import this class from its module",
                'move it into a module of your application, as in json_type="app.types:Settings"',
                self.values.get((*path, "json_type"), self.keys[path]),
            )
            place = "builtins:dict"
        settings["json_type"] = place

    def _read_codec(self, settings: dict[str, Any], path: Path) -> None:
        """Replace a codec by its place."""
        if isinstance(settings["codec"], str):
            return
        place = factories.place_of(settings["codec"])
        if place is None:
            self.problems.error(
                "bad-codec",
                "generated code cannot import this codec from its module",
                'name it, as in codec="app.types:PointCodec"',
                self.values.get((*path, "codec"), self.keys[path]),
            )
            place = "builtins:str"
        settings["codec"] = place

    def _read_default(self, settings: dict[str, Any], path: Path) -> None:
        """Replace a default by its constant, or by the place of the function that makes it."""
        value = settings["default"]
        if not callable(value) or value in (list, dict) or isinstance(value, Enum):
            settings["default"] = constant(value)
            return
        if "default_factory" in settings:
            return
        del settings["default"]
        place = factories.place_of(value)
        at = self.values.get((*path, "default"), self.keys[path])
        if factories.needs_arguments(value):
            self.problems.error(
                "bad-default",
                "a function that makes default values is called without arguments",
                "name one that needs none",
                at,
            )
        elif place is None:
            self.problems.error(
                "bad-default",
                "generated code cannot import this function from its module",
                "write a function without arguments in a module of your application, as in "
                'default_factory="app.defaults:new_token"',
                at,
            )
        if place is None:
            return
        settings["default_factory"] = place
        self.keys[(*path, "default_factory")] = self.keys.get((*path, "default"), self.keys[path])
        self.values[(*path, "default_factory")] = at

    def _relationship(
        self, node: ast.AnnAssign, declared: RelationshipDeclaration, path: Path
    ) -> dict[str, Any]:
        settings = dict(declared.settings)
        target, is_list = related(inside_mapped(node.annotation).node)
        settings.setdefault("target", target)
        is_told = settings.pop("uselist", is_list)
        if is_told is not is_list:
            shape = "a list" if is_list else "one object"
            self.problems.error(
                "conflicting-list",
                f"uselist={is_told!r} contradicts the annotation, which is {shape}",
                f"write {'Mapped[X]' if is_list else 'Mapped[list[X]]'}, or leave uselist out",
                self.values.get((*path, "uselist"), self.keys[path]),
            )
        if "secondary" not in settings:
            settings["many"] = is_list
        for key in ("foreign_key", "foreign_keys"):
            if key in settings:
                columns: Any = settings[key]
                listed: list[Any] = [*columns] if type(columns) in (list, tuple) else [columns]
                named = [self._names_of(each) for each in listed]
                settings[key] = [name for names in named for name in names]
        return settings

    def _names_of(self, column: object) -> list[str]:
        """Return the names of columns that a relationship gives: as objects, or as texts."""
        if isinstance(column, str):
            # Other ORMs evaluate a text: "Post.author_id", or "[Post.author_id]".
            return [each.strip().rpartition(".")[2] for each in column.strip("[]").split(",")]
        for class_ in self.classes.by_name.values():
            for name, value in vars(class_).items():
                if value is column:
                    return [name]
        return [str(column)]

    def _add_table_arguments(
        self, class_: type, node: ast.ClassDef, path: Path, model: dict[str, Any]
    ) -> None:
        # A base may define the schema or constraints of all its models.
        owner = next((each for each in class_.__mro__ if "__table_args__" in vars(each)), class_)
        written: Any = vars(owner).get("__table_args__", ())
        arguments: list[Any] = [*written] if type(written) in (tuple, list) else [written]
        node = self.nodes.get(owner.__name__, node)
        nodes = self._argument_nodes(node)
        for place, each in enumerate(arguments):
            if is_table(each):
                model.update(each)
                continue
            at = self._position(nodes[place] if place < len(nodes) else node)
            if not isinstance(each, TableArgument):
                self.problems.error(
                    "bad-table-argument",
                    f"__table_args__ cannot hold a {type(each).__name__}",
                    "put constraints and indexes there, and a dict with schema or comment",
                    at,
                )
                continue
            if isinstance(each, PrimaryKeyConstraint):
                self.keys[(*path, each.section)] = at
                model[each.section] = each.settings
                continue
            section = model.setdefault(each.section, [])
            self.keys[(*path, each.section, len(section))] = at
            section.append(each.settings)

    def _argument_nodes(self, node: ast.ClassDef) -> list[ast.expr]:
        for each in node.body:
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__table_args__":
                return list(each.value.elts) if isinstance(each.value, ast.Tuple) else [each.value]
        return []

    def _place_call(self, call: ast.expr | None, path: Path, first: str) -> None:
        """Record the places of the arguments of mapped_column() and the like.

        first: the setting that the first argument is.
        """
        if not isinstance(call, ast.Call):
            return
        if call.args:
            self.keys[(*path, first)] = self.values[(*path, first)] = self._position(call.args[0])
        for argument in call.args:
            if isinstance(argument, ast.Call):
                # A ForeignKey(...), whose settings are those of the column.
                self._place_call(argument, path, "foreign_key")
        for keyword in call.keywords:
            key = (*path, keyword.arg or "")
            self._place(key, keyword.lineno, keyword.col_offset, len(keyword.arg or ""))
            self.values[key] = self._position(keyword.value)

    def _place_assignment(self, node: ast.ClassDef, name: str, path: Path) -> None:
        for each in node.body:
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name:
                self.keys[path] = self._position(each.targets[0])
                self.values[path] = self._position(each.value)

    def _place(self, path: Path, line: int, offset: int, width: int) -> None:
        self.keys[path] = Position(self.name, line, self._column_at(line, offset), max(1, width))

    def _position(self, node: ast.expr | ast.stmt) -> Position:
        start = self._column_at(node.lineno, node.col_offset)
        is_one_line = node.end_lineno == node.lineno
        end = self._column_at(node.lineno, node.end_col_offset or 0) if is_one_line else start + 1
        return Position(self.name, node.lineno, start, max(1, end - start))

    def _column_at(self, line: int, offset: int) -> int:
        """Return the column of an offset. The parser counts bytes of UTF-8."""
        return len(self.lines[line - 1].encode()[:offset].decode(errors="ignore")) + 1
