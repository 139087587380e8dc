"""Models with methods of their own: a class of the application becomes a base of the model.

The setting `methods` of a schema names the class, which derives from the base that the generator
writes: `class UserMethods(UserBase)`. The generated package imports the class once all its models
exist, so that the module of the class can import the package. Where that module is imported first,
the class does not exist yet; the model takes it at the moment when it is created.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property, wraps
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .hooks import Hooks, place_of
from .table import Table

if TYPE_CHECKING:
    from .model import Model

#: What importlib calls the mark of a module whose import has not ended.
INITIALIZING = "_initializing"
#: Models whose class with methods was still being imported when their package was.
_pending: dict[type[Model], None] = {}
#: Attributes of generated classes that the application's class must not replace.
RESERVED = frozenset(
    {"__decode__", "__given__", "__methods__", "__query__", "__relate__", "__table__", "__typed__"}
)


def derives_from_base(bases: tuple[type, ...]) -> bool:
    """Return whether a class derives from the base of a model, and not from the model itself."""
    for base in bases:
        table = getattr(base, "__table__", None)
        if isinstance(table, Table):
            return not issubclass(base, table.model)
    return False


def take_methods(methods: type[Any]) -> None:
    """Attach a class that was just created, if it is the one that its model waits for."""
    model = methods.__table__.model
    if getattr(model, "__methods__", "") == f"{methods.__module__}:{methods.__qualname__}":
        attach(model, methods)


def import_methods(model: type[Model]) -> None:
    """Import the class with the model's methods and attach it.

    Raises UsageError where there is none. While its module is being imported, the class is awaited.
    """
    place: str = model.__methods__
    name, _, attribute = place.partition(":")
    said = f"the schema names {place} as the methods of {model.__table__.label}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if not error.name or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise UsageError(
            f"{said}, and there is no module {error.name}: create it, or correct the setting "
            f"methods"
        ) from None
    methods = getattr(module, attribute, None)
    if methods is None:
        if is_being_imported(module):
            await_methods(model)
            return
        raise UsageError(f"{said}, and {module.__file__} has no {attribute}: {class_advice(model)}")
    if not is_attached(model, methods):
        attach(model, methods)


def attach_pending() -> None:
    """Attach the classes that were awaited, once their modules are imported."""
    for model in tuple(_pending):
        import_methods(model)


def is_being_imported(module: ModuleType) -> bool:
    """Return whether the import of a module has begun and not ended."""
    return bool(getattr(module.__spec__, INITIALIZING, False))


def await_methods(model: Any) -> None:
    """Attach the class at the first use of the model, unless that happens before."""
    _pending[model] = None

    def construct(self: Any, *args: Any, **given: Any) -> None:
        settle(model)
        self.__init__(*args, **given)

    def query(cls: Any, source: Any) -> Any:
        settle(model)
        return cls.__query__(source)

    model.__init__, model.__query__ = construct, classmethod(query)


def settle(model: Any) -> None:
    """Attach the awaited class; the model can be used without it while its module is imported."""
    stop_waiting(model)
    import_methods(model)
    if model in _pending:
        # Code at the top of the module of the class uses the model.
        stop_waiting(model)
        _pending[model] = None


def stop_waiting(model: Any) -> None:
    """Remove what `await_methods` has set."""
    if _pending.pop(model, model) is None:
        for name in ("__init__", "__query__"):
            if name in vars(model):
                delattr(model, name)


def is_attached(model: type[Model], methods: object) -> bool:
    """Return whether the class is the base of the model."""
    return model.__bases__ == (methods,)


def base_of(model: type[Any]) -> type[Model]:
    """Return the generated class that holds the model's columns."""
    return next(each for each in model.__mro__ if "__table__" in vars(each))


def attach(model: Any, methods: Any) -> None:
    """Make the class a base of the model; raises UsageError for one that cannot be."""
    stop_waiting(model)
    table: Table = model.__table__
    base = base_of(model)
    if not (isinstance(methods, type) and issubclass(methods, base)):
        raise UsageError(
            f"{class_place(methods)}{model.__methods__} does not derive from {base.__name__}: "
            f"{class_advice(model)}"
        )
    own = [each for each in methods.__mro__ if not issubclass(base, each)]
    for each in own:
        check_names(table, each)
    try:
        model.__bases__ = (methods,)
    except TypeError:
        raise UsageError(slots_advice(own, table)) from None
    if "__init__" in vars(model):
        del model.__init__
    hooks = Hooks(model)
    table.hooks = hooks if hooks else None
    if hooks.validated:
        model.__init__ = validating(model.__init__, hooks)


def class_advice(model: type[Model]) -> str:
    """Return how to write the class with a model's methods."""
    base, name = base_of(model).__name__, model.__methods__.partition(":")[2]
    package = model.__module__.rpartition(".")[0]
    return f"write `class {name}({base}):`, with {base} from {package}"


def check_names(table: Table, methods: type[Any]) -> None:
    """Raise UsageError for attributes that would hide a column, or what models need."""
    for name, value in vars(methods).items():
        if (what := kind_of_attribute(table, name)) is not None:
            raise UsageError(
                f"{member_place(methods, value)}{methods.__name__}.{name} would hide the {what} "
                f"{table.label}.{name}: rename it"
            )
        if name in RESERVED:
            raise UsageError(
                f"{member_place(methods, value)}{methods.__name__} defines {name}, which is "
                f"generated: rename it"
            )
        if isinstance(value, cached_property):
            raise UsageError(
                f"{member_place(methods, value.func)}{methods.__name__}.{name} is a "
                f"cached_property, and objects have no dict to cache in: make it a property, or a "
                f"column"
            )


def kind_of_attribute(table: Table, name: str) -> str | None:
    """Return what the table has by this name; None for nothing."""
    if name in table.by_name:
        return "column"
    if name in table.relationships:
        return "relationship"
    return "computed attribute" if name in table.computed_attributes else None


def slots_advice(own: list[type[Any]], table: Table) -> str:
    """Return the message for a class that would change the layout of objects."""
    for each in own:
        if vars(each).get("__slots__"):
            return (
                f"{class_place(each)}{each.__name__} has slots of its own: objects of "
                f"{table.label} hold columns only; write `__slots__ = ()`"
            )
    for each in reversed(own):
        if "__dict__" in vars(each):
            return (
                f"{class_place(each)}{each.__name__} has no `__slots__ = ()`, and objects of "
                f"{table.label} have no dict: write `__slots__ = ()` in it"
            )
    return f"{own[0].__name__} cannot be a base of {table.label}: its layout differs"


def validating(construct: Callable[..., None], hooks: Hooks) -> Callable[..., None]:
    """Wrap a constructor: it then runs the validators of the columns that it was passed."""

    @wraps(construct)
    def validated(self: Any, *args: Any, **given: Any) -> None:
        construct(self, *args, **given)
        hooks.check_columns(self, given)

    return validated


def member_place(methods: type[Any], value: Any) -> str:
    """Return file and line of an attribute, or of its class."""
    function: Any = getattr(value, "fget", None) or getattr(value, "__func__", value)
    if inspect.isfunction(function):
        return f"{place_of(function)}: "
    return class_place(methods)


def class_place(methods: Any) -> str:
    """Return file and line of a class; empty where they are not known."""
    try:
        return f"{inspect.getsourcefile(methods)}:{inspect.findsource(methods)[1] + 1}: "
    except (OSError, TypeError):
        return ""
