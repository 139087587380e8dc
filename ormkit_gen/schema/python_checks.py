"""Checks for declarations in a Python schema that would otherwise be ignored silently."""

from __future__ import annotations

from enum import Enum

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.ir import Position
from ormkit_gen.schema.python_classes import Classes
from ormkit_gen.spellings import CLASS_ATTRIBUTES


def check_model(classes: Classes, model: type, at: Position, problems: Problems) -> None:
    """Record declarations of a model that would be lost."""
    name = model.__name__
    if name in classes.repeated:
        problems.error(
            "duplicate-model",
            f"there are two classes {name}, and only the last one would be used",
            "rename one of them",
            at,
        )
    for base in model.__mro__[1:]:
        if classes.is_model(base):
            problems.error(
                "model-inheritance",
                f"{name} derives from {base.__name__}, which has its own table",
                "put the shared columns into a class with __abstract__ = True, or link them by a "
                "foreign key",
                at,
            )
    for stranger in classes.strangers(model):
        problems.error(
            "distant-mixin",
            f"{name} derives from {stranger.__name__} of another file, whose columns are not read",
            f"define {stranger.__name__} in this file",
            at,
        )
    for bare in classes.bare(model):
        problems.error(
            "bad-annotation",
            f"{name}.{bare} has no annotation",
            f"write {bare}: Mapped[...] = ...",
            at,
        )
    for other in classes.others(model):
        problems.error(
            "unknown-key",
            f"{name}.{other} is not read",
            f"write {CLASS_ATTRIBUTES[other]}",
            at,
        )
    if functions := list(classes.functions(model)):
        problems.warning(
            "unread-method",
            f"{name} has methods that the generated model does not have: {', '.join(functions)}",
            'move them to a class in the application, and write __methods__ = "module:Class"',
            at,
        )


def check_enum(enum: type[Enum], at: Position, problems: Problems) -> None:
    """Record members whose values are not labels."""
    for member in enum:
        if not isinstance(member.value, str):
            problems.error(
                "bad-enum-value",
                f"{enum.__name__}.{member.name} is {member.value!r}, but a label must be a string",
                f'write {member.name} = "{member.name.lower()}"',
                at,
            )
