"""Where public signatures say Any: `python -m tests.typing.untyped` prints each place.

Any within another type, as in `Expression[User, Any, Any]`, says that it does not matter which one.
A parameter or a result that is Any itself is one that a type checker does not look at.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ormkit

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_places() -> list[str]:
    """Return the parameters and results that are Any, such as "Query.sum -> Any", sorted."""
    found: set[str] = set()
    for name in ormkit.__all__:
        held = getattr(ormkit, name)
        if inspect.isclass(held):
            for each in held.__mro__:
                if each.__module__.startswith("ormkit."):
                    found.update(places_of_class(each))
        elif inspect.isfunction(held):
            tree = tree_of(sys.modules[held.__module__])
            found.update(places_of_body(tree.body, "", {held.__name__}))
    return sorted(found)


def places_of_class(cls: type) -> Iterator[str]:
    """Yield the places in the methods of a class that are not private."""
    if cls.__name__.startswith("_"):
        return
    for node in tree_of(sys.modules[cls.__module__]).body:
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            yield from places_of_body(node.body, f"{cls.__name__}.", None)


@cache
def tree_of(module: Any) -> ast.Module:
    file = Path(module.__file__)
    if file.suffix != ".py":
        # What type checkers see of compiled code.
        file = file.with_name(f"{file.name.partition('.')[0]}.pyi")
    return ast.parse(file.read_text(encoding="utf-8"))


def places_of_body(body: list[ast.stmt], owner: str, names: set[str] | None) -> Iterator[str]:
    """Yield the places in functions as type checkers see them: overloads without their body."""
    functions = list(visible(body))
    overloaded = {each.name for each in functions if is_overload(each)}
    for each in functions:
        is_hidden = each.name in overloaded and not is_overload(each)
        is_private = each.name.startswith("_") and not each.name.endswith("__")
        if is_hidden or is_private or (names is not None and each.name not in names):
            continue
        arguments = each.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        given += [more for more in (arguments.vararg, arguments.kwarg) if more is not None]
        for argument in given:
            if is_any(argument.annotation):
                yield f"{owner}{each.name}({argument.arg})"
        if is_any(each.returns):
            yield f"{owner}{each.name} -> Any"


def visible(body: list[ast.stmt]) -> Iterator[Function]:
    """Yield the functions that a type checker sees."""
    for node in body:
        if isinstance(node, Function):
            yield node
        elif isinstance(node, ast.If):
            test = ast.unparse(node.test)
            yield from visible(node.orelse if test == "not TYPE_CHECKING" else node.body)


def is_overload(node: Function) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)


def is_any(annotation: ast.expr | None) -> bool:
    """Return whether an annotation is Any, or a union with it."""
    if isinstance(annotation, ast.BinOp):
        return is_any(annotation.left) or is_any(annotation.right)
    return isinstance(annotation, ast.Name) and annotation.id == "Any"


if __name__ == "__main__":
    print("\n".join(public_places()))
