"""The classes of a Python schema, and what each one declares or inherits."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

from ormkit_gen.declarations import Declaration
from ormkit_gen.declarative import DeclarativeBase
from ormkit_gen.schema.python_module import NAME
from ormkit_gen.spellings import CLASS_ATTRIBUTES

#: Modules whose classes declare nothing that the reader looks for.
OWN_MODULES = frozenset({"builtins", "ormkit_gen.declarative", "typing", "abc"})
#: What a method or a property is in the body of a class.
METHODS = (FunctionType, property, classmethod, staticmethod, cached_property)
#: Those that Python calls for the class itself.
HOOKS_OF_CLASSES = frozenset(
    {"__init_subclass__", "__class_getitem__", "__annotate__", "__annotate_func__"}
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An annotated attribute, and the class that declares it."""

    owner: type
    name: str
    node: ast.AnnAssign


class Classes:
    """The classes that one file defines, with their syntax trees."""

    def __init__(self, module: ModuleType, tree: ast.Module) -> None:
        self.nodes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        found = [each for each in vars(module).values() if isinstance(each, type)]
        self.by_name: Mapping[str, type] = {
            each.__name__: each
            for each in found
            if each.__module__ == NAME and each.__name__ in self.nodes
        }
        names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        #: Names of classes that a later class of the file redefines.
        self.repeated = {name for name in names if names.count(name) > 1}

    def is_model(self, class_: type) -> bool:
        """Return whether the class represents a table, and is not a base of other classes."""
        if not issubclass(class_, DeclarativeBase) or vars(class_).get("__abstract__", False):
            return False
        if DeclarativeBase in class_.__bases__:
            return False
        return "__tablename__" in vars(class_) or any(True for _ in self.attributes(class_))

    def attributes(self, class_: type) -> Iterator[Attribute]:
        """Yield the annotated attributes of a class in written order, those of its bases first."""
        for owner in _lineage(class_):
            for name, node in self.own_attributes(owner).items():
                if owner is self._winner(class_, name):
                    yield Attribute(owner, name, node)

    def _winner(self, class_: type, name: str) -> type | None:
        """Return the class in which Python would find the attribute."""
        return next((each for each in class_.__mro__ if name in self.own_attributes(each)), None)

    def own_attributes(self, class_: type) -> dict[str, ast.AnnAssign]:
        """Return the annotated attributes in the body of a class of this file."""
        node = self.nodes.get(class_.__name__) if class_.__module__ == NAME else None
        annotated = vars(class_).get("__annotations__", {})
        return {
            each.target.id: each
            for each in _statements(node.body if node else [])
            if isinstance(each, ast.AnnAssign)
            and isinstance(each.target, ast.Name)
            and each.target.id in annotated
            and "ClassVar" not in ast.unparse(each.annotation)
        }

    def bare(self, class_: type) -> Iterator[str]:
        """Yield the names that a class declares without an annotation."""
        for each in class_.__mro__:
            if each.__module__ == NAME:
                annotated = self.own_attributes(each)
                for name, value in vars(each).items():
                    if isinstance(value, Declaration) and name not in annotated:
                        yield name

    def others(self, class_: type) -> Iterator[str]:
        """Yield the names of attributes that another ORM reads, and OrmKit does not."""
        for name in self._unread(class_):
            if name in CLASS_ATTRIBUTES:
                yield name

    def functions(self, class_: type) -> Iterator[str]:
        """Yield the names of methods and properties, which generated models do not have."""
        for name, value in self._unread(class_).items():
            if isinstance(value, METHODS) and name not in HOOKS_OF_CLASSES:
                yield name

    def _unread(self, class_: type) -> dict[str, object]:
        """Return what the classes of this file hold beside declarations."""
        held: dict[str, object] = {}
        for each in class_.__mro__:
            if each.__module__ == NAME:
                annotated = self.own_attributes(each)
                held |= {name: value for name, value in vars(each).items() if name not in annotated}
        return {name: each for name, each in held.items() if not isinstance(each, Declaration)}

    def strangers(self, class_: type) -> Iterator[type]:
        """Yield the bases in other files that declare columns or relationships."""
        for each in class_.__mro__:
            if each.__module__ not in OWN_MODULES | {NAME}:
                annotations: Mapping[str, Any] = vars(each).get("__annotations__", {})
                if any("Mapped" in str(annotation) for annotation in annotations.values()):
                    yield each


def _lineage(class_: type) -> list[type]:
    """Return the class and its bases, bases first, each once."""
    found: dict[type, None] = {}
    for base in class_.__bases__:
        found.update(dict.fromkeys(_lineage(base)))
    return [*found, class_]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, including those in conditional blocks."""
    for each in body:
        yield each
        if isinstance(each, ast.If):
            yield from _statements([*each.body, *each.orelse])
