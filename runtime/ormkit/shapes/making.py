"""Functions that make objects of rows: generated for each shape, unrolled, and cached with it.

What a row holds goes straight into the object: no dict, no loop over fields. An ordinary dataclass
gets its attributes as its own `__init__` would assign them. A class that does more, in
`__post_init__` or a constructor of its own, is called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple, NoReturn

from ..accelerator import accelerator
from ..errors import InvalidValue
from ..models.columns import AnyColumn
from ..postgres.json_documents import JSON_READ_ERRORS, unreadable_reason
from ..postgres.lists import decoded
from ..postgres.values import UNSET, Record, whole_row
from .fields import Field, Shape
from .hints import hint_text
from .plan import Branch, Leaf, Plan

#: Makes objects of rows.
Make = Callable[[Sequence[Any]], list[Any]]

NEW_TUPLE: Any = getattr(tuple, "__new__")  # noqa: B009  its type is not known
objects_with: Any = getattr(accelerator, "objects_with", None)


@dataclass(slots=True)
class Row:
    """How one row is taken apart: a name for each value in it, and the value of each field."""

    targets: list[str] = field(default_factory=list[str])
    values: dict[str, str] = field(default_factory=dict[str, str])


class Writer:
    """Writes the source of the functions of one shape and of those nested in it."""

    def __init__(self) -> None:
        # With Python's builtins: what C code imports on the way takes them from here.
        self.known: dict[str, Any] = {
            "whole_row": whole_row,
            "new": object.__new__,
            "new_tuple": NEW_TUPLE,
            "put": object.__setattr__,
        }
        self._lines: list[str] = []
        self._count = 0

    def name(self, prefix: str, value: object = UNSET) -> str:
        """Return a name that is not taken yet, of a value where one is given."""
        self._count += 1
        name = f"{prefix}{self._count}"
        if value is not UNSET:
            self.known[name] = value
        return name

    def function(self, signature: str, lines: Sequence[str]) -> str:
        """Define a function, and return its name."""
        name = self.name("f")
        self._lines += [f"def {name}({signature}):", *[f"    {line}" for line in lines]]
        return name

    def compiled(self, name: str) -> Any:
        """Return a function that was defined."""
        # The source holds names that were made here, and the literals of names that a class has.
        exec(compile("\n".join(self._lines), "<rows into objects>", "exec"), self.known)
        return self.known[name]

    def row(self, plan: Plan, *, in_record: bool) -> Row:
        """Take the values of a plan apart, in the order in which they are selected."""
        row = Row()
        for leaf in plan.leaves:
            row.targets.append(name := self.name("v"))
            row.values[leaf.field.name] = self.leaf(plan, leaf, name, in_record)
        for branch in plan.ones:
            row.values[branch.field.name] = self.one(branch, row, in_record)
        for branch in plan.many:
            row.targets.append(name := self.name("v"))
            if not in_record:
                row.targets += [self.name("v") for _ in hints_below(branch.plan)]
            row.values[branch.field.name] = self.many(branch, name)
        return row

    def leaf(self, plan: Plan, leaf: Leaf, name: str, in_record: bool) -> str:
        """Return the source of a leaf's value."""
        column, value = leaf.column, name
        if column is not None and in_record and column.is_json:
            value = f"{self.name('d', partial(read_document, column))}({value})"
        if leaf.decode is not None:
            value = f"{self.name('d', leaf.decode)}({value})"
        if leaf.is_checked:
            value = f"{value} if {name} is not None else {self.refusal(plan.shape, leaf.field)}()"
        return value

    def refusal(self, shape: Shape, field: Field) -> str:
        """Return the name of a function that raises the error for a NULL."""
        return self.name("no", partial(refuse_null, shape, field))

    def one(self, branch: Branch, row: Row, in_record: bool) -> str:
        """Return the source of a related object, whose values are among those of its parent."""
        below = self.row(branch.plan, in_record=in_record)
        place = branch.plan.mark_place
        if place is None:
            row.targets.append(mark := self.name("v"))
        else:
            mark = below.targets[place]
        row.targets += below.targets
        return f"{self.made(branch.plan.shape, below.values)} if {mark} is not None else None"

    def many(self, branch: Branch, name: str) -> str:
        """Return the source of the collection of related objects."""
        below = self.row(branch.plan, in_record=True)
        made = f"{self.maker(branch.plan.shape, below)}({name})"
        collect = branch.related.collect
        return made if collect is None else f"{self.name('c', collect)}({made})"

    def maker(self, shape: Shape, row: Row) -> str:
        """Define the function that makes objects of many rows, and return its name."""
        targets = f"({', '.join(row.targets)},)"
        if not is_assigned(shape):
            made = self.made(shape, row.values)
            return self.function("rows", [f"return [{made} for {targets} in map(whole_row, rows)]"])
        values = self.assigned(shape, row.values)
        if objects_with is not None:
            build = partial(objects_with, shape.cls, Record, tuple(values))
            if list(values.values()) == row.targets:
                return self.name("b", build)
            held = f"({', '.join(values.values())},)"
            rows = f"[{held} for {targets} in map(whole_row, rows)]"
            return self.function("rows", [f"return {self.name('b', build)}({rows})"])
        cls = self.name("C", shape.cls)
        return self.function(
            "rows",
            [
                "made = []",
                f"for {targets} in map(whole_row, rows):",
                f"    made.append(o := new({cls}))",
                *[f"    {line}" for line in assignments(shape, values)],
                "return made",
            ],
        )

    def made(self, shape: Shape, values: dict[str, str]) -> str:
        """Return the source of one object with these values."""
        if is_assigned(shape):
            assigned = self.assigned(shape, values)
            names = {each: f"a{place}" for place, each in enumerate(assigned)}
            cls = self.name("C", shape.cls)
            function = self.function(
                ", ".join(names.values()),
                [f"o = new({cls})", *assignments(shape, names), "return o"],
            )
            return f"{function}({', '.join(assigned.values())})"
        if shape.kind in ("typed dict", "pydantic"):
            keys = {each.name: each.key for each in shape.fields}
            items = ", ".join(f"{keys[name]!r}: {value}" for name, value in values.items())
            if shape.kind == "typed dict":
                return f"{{{items}}}"
            validate = shape.cls.__pydantic_validator__.validate_python
            return f"{self.name('p', validate)}({{{items}}})"
        if shape.kind == "named tuple" and is_plain_tuple(shape.cls):
            held = [values.get(each.name) or self.default(each) for each in shape.fields]
            return f"new_tuple({self.name('C', shape.cls)}, ({', '.join(held)},))"
        return f"{self.name('C', shape.cls)}({', '.join(arguments(shape, values))})"

    def assigned(self, shape: Shape, values: dict[str, str]) -> dict[str, str]:
        """Return the source of the value of each attribute, defaults included."""
        return {each.name: values.get(each.name) or self.default(each) for each in shape.fields}

    def default(self, field: Field) -> str:
        """Return the source of the value that a field has where none is given."""
        if field.default_factory is not None:
            return f"{self.name('g', field.default_factory)}()"
        return self.name("k", (field.default,)) + "[0]"


def make_of_plan(plan: Plan) -> Make:
    """Return the function that makes objects of rows which hold what a plan selects."""
    writer = Writer()
    made: Make = writer.compiled(writer.maker(plan.shape, writer.row(plan, in_record=False)))
    return made


class Place(NamedTuple):
    """Where the value of a field is in a row of raw SQL, and what is done with it."""

    number: int
    decode: Callable[[Any], Any] | None
    refuses_null: bool


def make_of_places(shape: Shape, width: int, places: dict[str, Place]) -> Make:
    """Return the function that makes objects of rows of raw SQL, which have so many values."""
    writer = Writer()
    row = Row([writer.name("v") for _ in range(width)])
    for each in shape.fields:
        if each.name not in places:
            continue
        place = places[each.name]
        name = row.targets[place.number]
        value = name
        if place.decode is not None:
            value = f"{writer.name('d', place.decode)}({name}) if {name} is not None else None"
        if place.refuses_null:
            value = f"({value}) if {name} is not None else {writer.refusal(shape, each)}()"
        row.values[each.name] = value
    made: Make = writer.compiled(writer.maker(shape, row))
    return made


def hints_below(plan: Plan) -> list[str]:
    """Return each type that the driver decodes in records only after seeing it in a column."""
    found: dict[str, None] = {}
    waiting = [plan]
    while waiting:
        each = waiting.pop()
        columns = [leaf.column for leaf in each.leaves] + [each.mark]
        for column in columns:
            if column is not None and needs_hint(column):
                found[column.type] = None
        waiting += [branch.plan for branch in (*each.ones, *each.many)]
    return list(found)


def needs_hint(column: AnyColumn) -> bool:
    """Return whether the driver decodes the type in a record only after seeing it in a column."""
    known = column.known.base.in_records
    return known == "type once met" or (known == "type" and column.is_array)


def read_document(column: AnyColumn, value: Any) -> Any:
    """Return the value of a JSON column that came as text."""
    try:
        return decoded(value, column.known.base.read_document)
    except JSON_READ_ERRORS as error:
        raise column.unread(unreadable_reason(error)) from None


def refuse_null(shape: Shape, field: Field) -> NoReturn:
    """Raise the error for a NULL that a field cannot hold."""
    raise InvalidValue(
        f"{shape.name}.{field.name} is {hint_text(field.hint)}, and a row has NULL for it: declare "
        f"it as {hint_text(field.hint)} | None"
    )


def arguments(shape: Shape, values: dict[str, str]) -> Iterator[str]:
    """Yield the arguments of a call of the class: by position until a field is left out."""
    is_by_position = True
    for each in shape.fields:
        value = values.get(each.name)
        is_by_position = is_by_position and value is not None and not each.is_keyword_only
        if value is not None:
            yield value if is_by_position else f"{each.key}={value}"


def assignments(shape: Shape, values: dict[str, str]) -> Iterator[str]:
    """Yield the lines that assign to the attributes of `o`."""
    for name, value in values.items():
        is_frozen = shape.kind == "dataclass" and shape.cls.__dataclass_params__.frozen
        yield f"put(o, {name!r}, {value})" if is_frozen else f"o.{name} = {value}"


def is_assigned(shape: Shape) -> bool:
    """Return whether to assign to the attributes does all that making an object does."""
    return shape.kind == "model" or (shape.kind == "dataclass" and is_plain_dataclass(shape.cls))


def is_plain_tuple(cls: Any) -> bool:
    """Return whether a NamedTuple has no constructor of its own."""
    owner = next(each for each in cls.__mro__ if "__new__" in vars(each))
    return "_fields" in vars(owner)


def is_plain_dataclass(cls: Any) -> bool:
    """Return whether the constructor is the one that @dataclass writes, and runs nothing else."""
    params = cls.__dataclass_params__
    fields = dataclasses.fields(cls)
    if hasattr(cls, "__post_init__") or cls.__new__ is not object.__new__:
        return False
    if type(cls).__call__ is not type.__call__ or not isinstance(cls.__init__, FunctionType):
        return False
    if not params.frozen and cls.__setattr__ is not object.__setattr__:
        return False
    if not all(each.init for each in fields):
        return False
    return is_same_code(cls.__init__, twin_of(cls, fields, params.frozen).__init__)


def twin_of(cls: Any, fields: Sequence[dataclasses.Field[Any]], is_frozen: bool) -> Any:
    """Return a dataclass with the same fields, whose constructor is the standard one."""
    missing = dataclasses.MISSING
    copies: list[tuple[str, Any, Any]] = []
    for each in fields:
        options: dict[str, Any] = {"kw_only": each.kw_only}
        if each.default is not missing:
            options["default"] = each.default
        if each.default_factory is not missing:
            options["default_factory"] = each.default_factory
        copies.append((each.name, object, dataclasses.field(**options)))
    return dataclasses.make_dataclass(cls.__name__, copies, frozen=is_frozen)


def is_same_code(one: Any, other: Any) -> bool:
    """Return whether two functions have the same code."""
    aspects = ("co_code", "co_consts", "co_names", "co_varnames", "co_argcount")
    return all(getattr(one.__code__, each) == getattr(other.__code__, each) for each in aspects)
