"""Types from the annotations of a Python schema, read from the syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ormkit_gen.postgres.types import BASE_TYPES

#: PostgreSQL's type for a Python one, by the last part of its name.
TYPES = {each: type_.name for type_ in BASE_TYPES.values() for each in type_.annotations}


class BadAnnotation(Exception):
    """The annotation has no column type. The args are the message and the remedy."""


@dataclass(frozen=True, slots=True)
class Annotated:
    """The content of Mapped[...]."""

    node: ast.expr
    is_nullable: bool


def inside_mapped(annotation: ast.expr) -> Annotated:
    """Return the content of an annotation. Raises BadAnnotation."""
    node = _unquoted(annotation)
    if not (isinstance(node, ast.Subscript) and _last_name(node.value) == "Mapped"):
        raise BadAnnotation(
            f"the annotation {ast.unparse(annotation)} is not Mapped[...]",
            "write Mapped[int], or remove mapped_column() if this is not a column",
        )
    return _without_none(_unquoted(node.slice))


def _without_none(node: ast.expr) -> Annotated:
    if isinstance(node, ast.Subscript) and _last_name(node.value) == "Optional":
        return Annotated(_unquoted(node.slice), True)
    parts = _union(node)
    rest = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    if len(rest) != 1:
        raise BadAnnotation(
            f"a column holds one type, not {ast.unparse(node)}",
            'give the PostgreSQL type, as in mapped_column("jsonb")',
        )
    return Annotated(_unquoted(rest[0]), len(rest) < len(parts))


def _union(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_union(node.left), *_union(node.right)]
    if isinstance(node, ast.Subscript) and _last_name(node.value) == "Union":
        return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [node]


def type_words(node: ast.expr, enums: Collection[str]) -> str:
    """Return the PostgreSQL type of an annotation. Raises BadAnnotation."""
    if isinstance(node, ast.Subscript):
        name = _last_name(node.value)
        if name in ("list", "List"):
            return f"{type_words(_unquoted(node.slice), enums)}[]"
        if name in ("dict", "Dict", "Mapping"):
            return TYPES["dict"]
    name = _last_name(node)
    if name in enums:
        return name
    if name not in TYPES:
        raise BadAnnotation(
            f"there is no column type for {ast.unparse(node)}",
            'give the PostgreSQL type, as in mapped_column("jsonb")',
        )
    return TYPES[name]


def value_annotation(node: ast.expr, names: Mapping[str, str]) -> str | None:
    """Return the annotation of a JSON value with full names, if it is more specific than the type.

    names: the imported names with their origins. Raises BadAnnotation for other names, which
    generated code could not import.
    """
    node = ast.parse(ast.unparse(node), mode="eval").body
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            if each.id not in names and not hasattr(builtins, each.id):
                raise BadAnnotation(
                    f"generated code cannot import {each.id} from a schema",
                    f"move it into your application, as in python_type={f'app.types.{each.id}'!r}",
                )
            each.id = names.get(each.id, each.id)
    text = ast.unparse(node)
    return None if text in ("typing.Any", "dict", "object") else text


def without_aliases(tree: ast.Module) -> dict[str, str]:
    """Write what annotations import under another name by its own, as in `Decimal as D`.

    Return the names that annotations then use, with their origins.
    """
    names = dict(imports(tree))
    own: dict[str, str] = {}
    for alias, origin in names.items():
        _, dot, last = origin.rpartition(".")
        if dot and last != alias and names.get(last, origin) == origin:
            own[alias] = last
    for node in ast.walk(tree):
        if own and isinstance(node, ast.AnnAssign):
            node.annotation = _Renaming(own).visit(node.annotation)
    return names | {last: names[alias] for alias, last in own.items()}


class _Renaming(ast.NodeTransformer):
    """Renames in an annotation, and in the forward references within it."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        try:
            inner = _unquoted(node)
        except BadAnnotation:
            return node
        visited: ast.expr = node if inner is node else self.visit(inner)
        return visited


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that import statements bind, with their full names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                top = each.name.partition(".")[0]
                yield each.asname or top, each.name if each.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"


def related(node: ast.expr) -> tuple[str, bool]:
    """Return the model that a relationship's annotation names, and whether it is a list."""
    if isinstance(node, ast.Subscript) and _last_name(node.value) in ("list", "List", "Sequence"):
        return related(_unquoted(node.slice))[0], True
    name = _last_name(node)
    if not name:
        raise BadAnnotation(
            f"{ast.unparse(node)} does not name a model",
            'write Mapped["Post"] or Mapped[list["Post"]]',
        )
    return name, False


def _unquoted(node: ast.expr) -> ast.expr:
    """Return the annotation inside a quoted forward reference."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            inner = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            raise BadAnnotation(
                f"{node.value!r} is not an annotation", 'write the name of a class, as in "Post"'
            ) from None
        return ast.copy_location(_unquoted(inner), node)
    return node


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
