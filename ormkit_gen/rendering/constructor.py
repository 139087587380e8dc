"""The constructor of a model: its parameters, its statements, and its overloads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product

from ormkit_gen.ir import Column, Model, Relationship, Schema
from ormkit_gen.rendering.annotations import Imports, taken, takes_more
from ormkit_gen.rendering.attribute_types import is_fresh, optional, related_type
from ormkit_gen.rendering.literals import literal, python_string
from ormkit_gen.rendering.own_names import own

#: An assignment of a parameter to the attribute of the same name, as `stores` writes it.
PLAIN_STORE = re.compile(r"(self\.\w+) = (\w+)")
#: Maximum width of a line of assignments: a line without its indentation.
STORE_WIDTH = 92
#: Maximum width of a line of the declaration, without its indentation.
SIGNATURE_WIDTH = 92
#: How many required foreign keys have overloads: their number doubles with each.
MAX_KEYS = 2


class Constructor:
    """Writes the parts of `__init__` and collects their imports."""

    def __init__(self, model: Model, schema: Schema, imports: Imports) -> None:
        self.model = model
        self.schema = schema
        self.imports = imports
        #: Relationships that can fill in foreign-key columns, by column.
        self.filled_by = {name: each.name for each in self.owned for name in each.local}

    def default(self, column: Column) -> str:
        """Return the default constant of a column as source text."""
        constant = column.default
        assert constant is not None
        return literal(constant.value, column.type, self.schema, self.imports)

    def parameters(self) -> tuple[str, ...]:
        """Return the declarations of the parameters of __init__."""
        columns = [self.parameter(each) for each in self.model.columns if not each.is_generated]
        related = [f"{each.name}: {related_type(each)} = {own('UNSET')}" for each in self.owned]
        return (*columns, *related)

    @property
    def owned(self) -> list[Relationship]:
        """The relationships whose foreign key is in this table."""
        return [each for each in self.model.relationships if each.is_owner]

    def body(self) -> tuple[str, ...]:
        """Return the statements of __init__, columns first: a relationship sets some of them."""
        columns = [each for each in self.model.columns if not each.is_generated]
        stored = beside_each_other(line for column in columns for line in self.stores(column))
        related = [
            line
            for name in (each.name for each in self.owned)
            for line in (
                f"if {name} is not {own('UNSET')}:",
                f"    self.__relate__({python_string(name)}, {name})",
            )
        ]
        return (*stored, *related) or ("pass",)

    def signature(self) -> tuple[str, ...]:
        """Return the lines of the declaration that type checkers read in place of __init__.

        They do not read its body then, which takes them longer than the parameters. It is empty for
        a model without a constructor of its own, or with overloads.
        """
        if self.model.is_read_only or self.required_keys():
            return ()
        parameters = self.parameters()
        if not parameters:
            return ("def __init__(self) -> None: ...",)
        lines = ["def __init__(self, *,"]
        *first, last = parameters
        for each in (*(f"{each}," for each in first), f"{last}) -> None: ..."):
            if len(lines[-1]) + len(each) < SIGNATURE_WIDTH:
                lines[-1] += f" {each}"
            else:
                lines.append(f"    {each}")
        return tuple(lines)

    def initial(self, column: Column) -> str | None:
        """Return the constructor's value for a column that is not given, or None if there is none.

        The runtime has the same rule in `Column.initial`.
        """
        if column.factory is not None:
            return f"{own('type')}(self).{column.name}.made()"
        if column.default is not None:
            if column.json_type is not None:
                return f"{own('type')}(self).{column.name}.loaded({self.default(column)})"
            return self.default(column)
        return "None" if column.is_nullable and not column.has_server_value else None

    def is_required(self, column: Column) -> bool:
        """Return whether the constructor requires the column."""
        is_filled = column.has_server_value or column.name in self.filled_by
        return self.initial(column) is None and not is_filled

    def parameter(self, column: Column) -> str:
        """Return the declaration of a column's parameter."""
        declared = self.typed(column)
        if self.is_required(column):
            return declared
        initial = self.initial(column)
        return f"{declared} = {own('UNSET') if initial is None or is_fresh(column) else initial}"

    def typed(self, column: Column) -> str:
        """Return the name of a column's parameter with its type."""
        typed = optional(taken(column, self.schema, self.imports), column.is_nullable)
        if takes_more(column) and column.type.is_array:
            sequence = self.imports.add("collections.abc", "Sequence")
            typed = typed.replace(own("list"), sequence)
        return f"{column.name}: {typed}"

    def stores(self, column: Column) -> tuple[str, ...]:
        """Return the statements that store a column's parameter."""
        name, initial = column.name, self.initial(column)
        given = name
        if takes_more(column):
            # The attribute has the type that a read returns: a timedelta becomes an Interval.
            given = f"{own('Interval')}.{'all_of' if column.type.is_array else 'of'}({name})"
        if is_fresh(column):
            return (f"self.{name} = {initial} if {name} is {own('UNSET')} else {given}",)
        store = f"self.{name} = {given}"
        if initial is None and not self.is_required(column):
            return (f"if {name} is not {own('UNSET')}:", f"    {store}")
        return (store,)

    def required_keys(self) -> list[tuple[Relationship, list[Column]]]:
        """Return the relationships that a new object needs, with the columns that they fill in.

        None for more of them than there are overloads for, and where two fill in the same column.
        """
        found: list[tuple[Relationship, list[Column]]] = []
        for each in self.owned:
            columns = [self.model.column(name) for name in each.local]
            needed = [
                column
                for column in columns
                if self.initial(column) is None
                and not (column.has_server_value or column.is_nullable or column.is_generated)
            ]
            if needed:
                found.append((each, needed))
        if self.model.is_read_only:
            return []
        filled = [name for each in self.owned for name in each.local]
        is_clear = len(set(filled)) == len(filled)
        return found if is_clear and len(found) <= MAX_KEYS else []

    def overloads(self) -> tuple[str, ...]:
        """Return for each overload the parameters of the required keys."""
        keys = self.required_keys()
        if not keys:
            return ()
        self.imports.add("typing", "overload")
        choices = [(self.by_columns(*each), self.by_object(*each)) for each in keys]
        return tuple(map(", ".join, product(*choices)))

    def by_object(self, key: Relationship, columns: list[Column]) -> str:
        """Return the parameters of a key that an object gives."""
        also = [f"{self.typed(each)} = {own('UNSET')}" for each in columns]
        return ", ".join([f"{key.name}: {related_type(key)}", *also])

    def by_columns(self, key: Relationship, columns: list[Column]) -> str:
        """Return the parameters of a key that its columns give."""
        return ", ".join(map(self.typed, columns))

    def given(self) -> tuple[tuple[str, str], ...]:
        """Return the other parameters of the overloads, with their types."""
        keys = self.required_keys()
        if not keys:
            return ()
        named = {key.name for key, _ in keys} | {each.name for _, held in keys for each in held}
        return tuple(self._given(named))

    def _given(self, named: set[str]) -> Iterator[tuple[str, str]]:
        for column in self.model.columns:
            if column.name in named or column.is_generated:
                continue
            typed = self.typed(column).partition(": ")[2]
            is_required = self.is_required(column)
            required = self.imports.add("typing", "Required") if is_required else ""
            yield column.name, f"{required}[{typed}]" if is_required else typed
        for each in self.owned:
            if each.name not in named:
                yield each.name, related_type(each)

    def runtime_names(self) -> list[str]:
        """Return the names of the runtime that the constructor needs."""
        is_built = not self.model.is_read_only
        return (
            ["UNSET"]
            if is_built and any(own("UNSET") in each for each in self.parameters())
            else []
        )


def beside_each_other(lines: Iterable[str]) -> list[str]:
    """Return statements with up to three plain assignments in a line: `self.a, self.b = a, b`.

    CPython makes no tuple for up to three values, and each line costs type checkers time.
    """
    joined: list[str] = []
    group: list[tuple[str, str]] = []

    def written(pairs: list[tuple[str, str]]) -> str:
        return " = ".join(map(", ".join, zip(*pairs, strict=True)))

    for line in (*lines, ""):
        found = PLAIN_STORE.fullmatch(line)
        pair = [(found[1], found[2])] if found else []
        if group and not (pair and len(group) < 3 and len(written(group + pair)) <= STORE_WIDTH):
            joined.append(written(group))
            group = []
        group += pair
        if not found and line:
            joined.append(line)
    return joined
