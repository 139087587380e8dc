"""The setting `default_factory`: a function that makes the value of each new object.

The module of the function is parsed and never executed: it may import the package that is still to
be generated.
"""

from __future__ import annotations

import ast
import inspect
import keyword
from collections.abc import Callable
from typing import Any

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.draft import SchemaDraft
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.method_classes import Function, Sources, bound_names, statements
from ormkit_gen.schema.python_module import NAME

AS_IN = 'as in default_factory = "uuid:uuid4"'
#: What returns a time in UTC that does not say so.
NAIVE = "datetime:datetime.utcnow"


def read_factory(fields: Fields, type_: ColumnType) -> str | None:
    """Return the place of the function, or record that the setting is none."""
    place = fields.text("default_factory")
    if place is None:
        return None
    if not is_function_place(place):
        _wrong(
            fields,
            f"default_factory of {fields.what} cannot be {place!r}",
            f"write the module and the function, {AS_IN}",
        )
        return None
    if place == NAIVE and type_.name == "timestamptz" and type_.is_scalar:
        _wrong(
            fields,
            f"{fields.what} needs a time zone, and datetime.utcnow gives none",
            "write datetime.now: for a timestamptz it is called with a zone",
        )
    return place


def is_function_place(text: str) -> bool:
    """Return whether the text names a function in a module, or one of a class there."""
    module, colon, path = text.partition(":")
    parts = [*module.split("."), *path.split(".")]
    return bool(colon) and all(
        each.isidentifier() and not keyword.iskeyword(each) for each in parts
    )


def place_of(function: Callable[..., Any]) -> str | None:
    """Return the place from which generated code can import a function; None if it cannot."""
    owner = getattr(function, "__self__", None)
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if isinstance(owner, type):
        module, name = owner.__module__, f"{owner.__qualname__}.{function.__name__}"
    elif owner is not None and module is None:
        # A method of an object that its module exports by itself, such as random.random.
        module, name = type(owner).__module__, function.__name__
    place = f"{module}:{name}"
    return place if module != NAME and is_function_place(place) else None


def needs_arguments(function: Callable[..., Any]) -> bool:
    """Return whether a function is known to need arguments."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # a function in C that does not tell
        return False
    return False


def check_places(draft: SchemaDraft, sources: Sources) -> None:
    """Record functions and classes that do not exist, and functions that need arguments."""
    for model in draft.models.values():
        columns: Any = model.fields.data.get("columns", {})
        for column in model.columns:
            if column.factory or column.json_type or column.codec:
                name = column.name if column.name in columns else column.db_name
                path = (*model.fields.path, "columns", name)
                what = f"{model.name}.{column.name}"
                document = model.fields.document
                fields = Fields(document, path, columns.get(name), draft.problems, what)
                for key, place in (
                    ("default_factory", column.factory),
                    ("json_type", column.json_type),
                    ("codec", column.codec),
                ):
                    if place is not None:
                        _check_place(fields, key, place, sources)


def _check_place(fields: Fields, key: str, place: str, sources: Sources) -> None:
    module, _, path = place.partition(":")
    file = sources.find(module)
    if file is None:
        _wrong(
            fields,
            f"there is no module {module} with the {key} of {fields.what}",
            "create it, or correct the name",
            key,
        )
        return
    try:
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.suffix == ".py" else None
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        tree = None
    if tree is not None:
        _check_name(fields, key, tree, module, path)


def _check_name(fields: Fields, key: str, tree: ast.Module, module: str, path: str) -> None:
    name, _, rest = path.partition(".")
    known: list[str] = []
    for node in statements(tree.body):
        names = bound_names(node)
        if name in names or "*" in names:
            if isinstance(node, Function) and not rest and (reason := _reason_against(node)):
                _wrong(
                    fields,
                    f"{name}() of {module} cannot be the {key} of {fields.what}: {reason}",
                    "name a function that needs no argument and is not async",
                    key,
                )
            return
        known += names
    _wrong(
        fields,
        f"{module} has no {name}, which is the {key} of {fields.what}",
        did_you_mean(name, known) if known else "write it there",
        key,
    )


def _reason_against(node: Function) -> str | None:
    """Return why a function cannot be called for a value; None if it can."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "it is async"
    arguments = node.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    is_required = required > 0 or any(each is None for each in arguments.kw_defaults)
    return "it has an argument without a default" if is_required else None


def _wrong(fields: Fields, message: str, remedy: str, key: str = "default_factory") -> None:
    fields.problems.error(f"bad-{key.replace('_', '-')}", message, remedy, fields.value_at(key))
