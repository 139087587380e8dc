"""Type annotations in generated code, and the imports that they need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from ormkit_gen.ir import Column, Schema
from ormkit_gen.rendering.own_names import IMPORT, IMPORT_OTHER, other, own, with_builtins

#: Modules that are imported under an alias, because a column may be named date or time.
ALIASED = {"datetime": "dt"}
#: A name with its module, as in the table of types.
DOTTED = re.compile(r"\b((?:[a-z_]\w*\.)+)([A-Za-z_]\w*)")


class Imports:
    """Collects the imports of a generated module."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        """Start without imports. Aliases must differ from the attribute names in `taken`."""
        self._taken = taken
        self._names: dict[str, set[str]] = {}
        self._aliases: dict[str, str] = {}

    def add(self, module: str, name: str) -> str:
        """Add an import of the name and return how the module refers to it."""
        if module in ALIASED:
            alias = ALIASED[module] + ("_" if ALIASED[module] in self._taken else "")
            self._aliases[module] = alias
            return f"{alias}.{name}"
        self._names.setdefault(module, set()).add(name)
        return other(name) if module.startswith(".") else own(name)

    def resolve(self, dotted: str) -> str:
        """Return the annotation with each `module.Name` imported and shortened."""
        return with_builtins(
            DOTTED.sub(lambda found: self.add(found[1].rstrip("."), found[2]), dotted)
        )

    def lines(self, runtime: Iterable[str]) -> tuple[str, ...]:
        """Return the import statements with the runtime's names, sorted as isort does."""
        self._names.setdefault("ormkit", set()).update(runtime)
        standard = [f"import {module} as {alias}" for module, alias in self._aliases.items()]
        standard.sort()
        absolute = sorted(name for name in self._names if not name.startswith("."))
        relative = sorted(name for name in self._names if name.startswith("."))
        plain = [name for name in absolute if name.partition(".")[0] in STANDARD]
        own = [name for name in absolute if name not in plain]
        groups = [[*standard, *self._lines(plain)], [*self._lines(own)], [*self._lines(relative)]]
        return tuple(line for group in groups if group for line in ("", *group))[1:]

    def _lines(self, modules: Iterable[str]) -> Iterator[str]:
        """Yield import statements of at most 100 columns, since black splits longer ones."""
        for module in modules:
            line = ""
            names = sorted(self._names[module], key=lambda name: (not name.isupper(), name))
            for name in names:
                if line and len(line) + len(name) + 2 > 100:
                    yield marked(line)
                    line = ""
                line = f"{line}, {name}" if line else f"from {module} import {name}"
            yield marked(line)


def marked(line: str) -> str:
    """Return an import statement with its names marked."""
    if not line:
        return line
    before, _, names = line.partition(" import ")
    mark = IMPORT_OTHER if before.startswith("from .") else IMPORT
    return f"{before} import {mark}{names.replace(', ', f', {mark}')}"


#: The modules of the standard library from which generated code may import.
STANDARD = frozenset({"collections", "decimal", "typing", "uuid"})


def annotation(column: Column, schema: Schema, imports: Imports) -> str:
    """Return the annotation of a column's value, without None."""
    if column.python_type is not None:
        return imports.resolve(column.python_type)
    if not column.type.is_enum:
        return _list_of(imports.resolve(column.type.base.python), column)
    element = imports.add(".enums", column.type.name)
    return _list_of(
        f"{element} | {own('str')}" if schema.enum(column.type.name).is_open else element, column
    )


def taken(column: Column, schema: Schema, imports: Imports) -> str:
    """Return the annotation of the accepted input for a column, without None."""
    if not takes_more(column):
        return annotation(column, schema, imports)
    return _list_of(imports.resolve(column.type.base.taken or ""), column)


def takes_more(column: Column) -> bool:
    """Return whether a column accepts more types than its attribute holds."""
    is_base = column.python_type is None and not column.type.is_enum
    return is_base and column.type.base.taken is not None


def _list_of(element: str, column: Column) -> str:
    for _ in range(column.type.dimensions):
        element = f"{own('list')}[{element}]"
    return element


def class_names(schema: Schema) -> set[str]:
    """Return the names of the models and enums."""
    return {each.name for each in schema.models} | {each.name for each in schema.enums}
