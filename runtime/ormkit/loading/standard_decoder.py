"""The standard `__decode__` that the generator writes, and the test whether a model has it.

The accelerator replaces the standard method only. A model whose `__decode__` was edited, replaced
or wrapped keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getattr_static
from types import CodeType, FunctionType, MemberDescriptorType, MethodType
from typing import TYPE_CHECKING, Any

from ..models.columns import AnyColumn
from ..models.table import Table
from ..postgres.enum_labels import OpenLabels

if TYPE_CHECKING:
    from ..models.model import Model


SOURCE = """\
def __decode__(cls, rows):
    decoded = []
    for row in rows:
        decoded.append(o := cls.__new__(cls))
        ({targets},) = row
{conversions}    return decoded
"""

#: Attributes of code objects that are equal where two functions do the same, apart from names.
ASPECTS = (
    *("co_code", "co_consts", "co_exceptiontable", "co_varnames", "co_cellvars", "co_freevars"),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
)


def is_standard(method: object) -> bool:
    """Return whether the method is a model's `__decode__` as the generator writes it."""
    function: Any = getattr(method, "__func__", None)
    if not isinstance(method, MethodType) or not isinstance(function, FunctionType):
        return False
    model: Any = method.__self__
    return is_plain(model) and is_same(function, standard_code(model), names_in(model))


def is_plain(model: type[Model]) -> bool:
    """Return whether assigning to an attribute only writes its slot, without any other code."""
    table = getattr(model, "__table__", None)
    return (
        isinstance(table, Table)
        and table.model is model
        and model.__new__ is object.__new__
        and model.__setattr__ is object.__setattr__
        and all(isinstance(each, MemberDescriptorType) for each in slots(model))
    )


def slots(model: type[Model]) -> tuple[Any, ...]:
    """Return the descriptors of the columns' slots, in column order."""
    # A model with methods of its own has them in a base.
    return tuple([getattr_static(model, each.slot, None) for each in model.__table__.columns])


def standard_code(model: type[Model]) -> CodeType:
    """Return the bytecode of the standard `__decode__` of a model."""
    columns = model.__table__.columns
    source = SOURCE.format(
        targets=", ".join(f"o.{column.slot}" for column in columns),
        conversions="".join(
            f"        o.{column.slot} = {conversion(model, column)}\n"
            for column in columns
            if not column.is_plain
        ),
    )
    code = compile(source, "<standard>", "exec", dont_inherit=True)
    return next(each for each in code.co_consts if isinstance(each, CodeType))


def conversions(model: type[Model]) -> tuple[Any, ...]:
    """Return for each column what converts its value: a dict, a callable, or None."""
    return tuple([conversion_of(column) for column in model.__table__.columns])


def conversion_of(column: AnyColumn) -> Any:
    if column.is_plain:
        return None
    if column.labels is None or column.is_array:
        return column.decode
    if not column.is_nullable or isinstance(column.labels, OpenLabels):
        return column.labels
    return {**column.labels, None: None}


def conversion(model: type[Model], column: AnyColumn) -> str:
    """Return the source of the expression that converts the driver's value to the attribute's."""
    value = f"o.{column.slot}"
    if column.labels is None or column.is_array:
        return f"{model.__name__}.{column.slot}.decode({value})"
    member = f"{enum_name(column)}[{value}]"
    return f"{member} if {value} is not None else None" if column.is_nullable else member


def enum_name(column: AnyColumn) -> str:
    """Return a name in place of the generated constant with the enum's members."""
    members: Any = column.labels
    return f"labels_of_{type(next(iter(members.values()))).__name__}"


def names_in(model: type[Model]) -> dict[str, Any]:
    """Return the values of the global names in the standard code."""
    columns = model.__table__.columns
    return {
        **{enum_name(column): column.labels for column in columns if column.labels},
        model.__name__: model,
    }


def is_same(function: FunctionType, standard: CodeType, meant: Mapping[str, Any]) -> bool:
    """Return whether the function equals the standard code and its names have these values."""
    own, known = function.__code__, function.__globals__
    names = list(zip(own.co_names, standard.co_names, strict=False))
    return (
        len(own.co_names) == len(standard.co_names)
        and all(getattr(own, each) == getattr(standard, each) for each in ASPECTS)
        and all(known.get(a) == meant[b] if b in meant else a == b for a, b in names)
    )
