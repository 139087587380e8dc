"""Hooks and validators: methods of a model that run when its objects are written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import UnknownName, UsageError, ValidationError, did_you_mean
from ..postgres.values import UNSET
from ..sql.expressions import Expression
from .columns import Column

if TYPE_CHECKING:
    from .model import Model

S = TypeVar("S")
V = TypeVar("V")
#: A validator: it returns the value to keep, or None to keep the one that it was given.
Validator = Callable[[S, V], V | None]

#: The methods that run around a write, each with the object as its only argument.
HOOKS = (
    "before_insert",
    "after_insert",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
)
#: The method that checks an object as a whole.
VALIDATE = "validate"
#: The key in `ValidationError.errors` of a message about the object as a whole.
WHOLE = "__all__"
#: Where `validates` keeps the names of the fields on the function.
FIELDS = "__validates__"


@overload
def validates(
    field: Column[Any, Any, V], /, *more: Column[Any, Any, V]
) -> Callable[[Validator[S, V]], Validator[S, V]]: ...
@overload
def validates(field: str, /, *more: str) -> Callable[[Validator[S, V]], Validator[S, V]]: ...
def validates(field: Any, /, *more: Any) -> Callable[[Any], Any]:
    """Make a method of a model's own class the validator of these columns.

    The method takes the value, and raises ValueError with a message if it is not valid. It returns
    the value to keep, or None to keep the given one. It runs when an object is constructed, for
    the columns that the constructor is passed, and before each INSERT or UPDATE of the column.
    """
    names = [each.slot if isinstance(each, Column) else each for each in (field, *more)]
    for name in names:
        if not isinstance(name, str):
            raise UsageError(
                f"validates() takes columns or their names, not {type(name).__name__}: write "
                f'@validates("email")'
            )

    def mark(function: Any) -> Any:
        setattr(function, FIELDS, (*getattr(function, FIELDS, ()), *names))
        return function

    return mark


class Hooks:
    """The hooks and validators of a model; None in place of a hook that it does not have."""

    __slots__ = (*HOOKS, "_validators", "_whole")

    before_insert: Callable[[Any], object] | None
    after_insert: Callable[[Any], object] | None
    before_update: Callable[[Any], object] | None
    after_update: Callable[[Any], object] | None
    before_delete: Callable[[Any], object] | None
    after_delete: Callable[[Any], object] | None

    def __init__(self, model: type[Model]) -> None:
        """Find the hooks and validators of a model; raises UsageError, UnknownName."""
        for name in HOOKS:
            setattr(self, name, method_of(model, name, parameters=1))
        self._whole = method_of(model, VALIDATE, parameters=1)
        self._validators = validators_of(model)

    def __bool__(self) -> bool:
        has_hook = any(getattr(self, name) is not None for name in HOOKS)
        return has_hook or bool(self._validators) or self._whole is not None

    @property
    def validated(self) -> Collection[str]:
        """The columns that have validators."""
        return self._validators

    def before_inserts(self, instances: Iterable[Model]) -> None:
        """Run the hook and the validators of objects that are about to be inserted."""
        for each in instances:
            if self.before_insert is not None:
                self.before_insert(each)
            self.check(each)

    def after_inserts(self, instances: Iterable[Model]) -> None:
        """Run the hook of objects that were inserted."""
        if self.after_insert is not None:
            for each in instances:
                self.after_insert(each)

    def before_updates(self, instances: Iterable[Model]) -> None:
        """Run the hook of objects that are about to be updated."""
        if self.before_update is not None:
            for each in instances:
                self.before_update(each)

    def after_updates(self, instances: Iterable[Model]) -> None:
        """Run the hook of objects that were updated."""
        if self.after_update is not None:
            for each in instances:
                self.after_update(each)

    def before_deletes(self, instances: Iterable[Model]) -> None:
        """Run the hook of objects that are about to be deleted."""
        if self.before_delete is not None:
            for each in instances:
                self.before_delete(each)

    def after_deletes(self, instances: Iterable[Model]) -> None:
        """Run the hook of objects that were deleted."""
        if self.after_delete is not None:
            for each in instances:
                self.after_delete(each)

    def check(self, instance: Any, names: Collection[str] | None = None) -> None:
        """Run the validators of these columns, and then that of the whole object.

        names: None means all columns that have a value.

        Raises ValidationError with the messages of all columns.
        """
        errors = self._errors(instance, names)
        if not errors and self._whole is not None:
            try:
                self._whole(instance)
            except ValueError as error:
                errors = messages(error, WHOLE)
        if errors:
            raise ValidationError(errors, instance)

    def check_columns(self, instance: Any, names: Collection[str]) -> None:
        """Run the validators of these columns only; raises ValidationError."""
        if errors := self._errors(instance, names):
            raise ValidationError(errors, instance)

    def _errors(self, instance: Any, names: Collection[str] | None) -> dict[str, str]:
        errors: dict[str, str] = {}
        for name, validators in self._validators.items():
            value = getattr(instance, name, UNSET)
            is_wanted = names is None or name in names
            if not is_wanted or value is UNSET or isinstance(value, Expression):
                continue
            try:
                for validator in validators:
                    kept = validator(instance, value)
                    value = value if kept is None else kept
            except ValueError as error:
                errors.update(messages(error, name))
            else:
                setattr(instance, name, value)
        return errors


def messages(error: ValueError, name: str) -> dict[str, str]:
    """Return the messages of an error by field; `name` is the field that was checked."""
    if isinstance(error, ValidationError):
        return {name if field == WHOLE else field: text for field, text in error.errors.items()}
    return {name: str(error) or "is not valid"}


def validators_of(model: type[Model]) -> Mapping[str, tuple[Callable[[Any, Any], Any], ...]]:
    """Return the validators of each column, those of base classes first."""
    known = model.__table__.by_name
    names: dict[str, None] = {}
    for each in reversed(model.__mro__):
        names.update(dict.fromkeys(vars(each)))
    found: dict[str, tuple[Callable[[Any, Any], Any], ...]] = {}
    for name in names:
        function: Any = inspect.getattr_static(model, name, None)
        for field in getattr(function, FIELDS, ()):
            if field not in known:
                raise UnknownName(
                    f"{place_of(function)}: {name}() validates {field!r}, which is not a column "
                    f"of {model.__table__.label}: {did_you_mean(field, known)}"
                )
            check_method(model, name, function, parameters=2)
            found[field] = (*found.get(field, ()), function)
    return found


def method_of(model: type[Model], name: str, *, parameters: int) -> Callable[..., object] | None:
    """Return the method of that name; None without one. Raises UsageError for an unusable one."""
    function: Any = inspect.getattr_static(model, name, None)
    table = model.__table__
    if name in table.by_name or name in table.relationships or name in table.computed_attributes:
        function = None
    if function is None:
        return None
    check_method(model, name, function, parameters=parameters)
    return function  # type: ignore[no-any-return]


def check_method(model: type[Model], name: str, function: Any, *, parameters: int) -> None:
    """Raise UsageError for a hook or validator that cannot be called as one.

    parameters: how many arguments it is called with, `self` included.
    """
    label = model.__table__.label
    if not inspect.isfunction(function):
        raise UsageError(
            f"{name} of {label} is not a plain method: a hook or a validator must be a function "
            "with self, without @classmethod, @staticmethod or @property"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{place_of(function)}: {name}() of {label} is async, but hooks and validators are "
            "not: write def, and run async work in tx.after_commit()"
        )
    try:
        inspect.signature(function).bind(*[None] * parameters)
    except TypeError:
        arguments = "self" if parameters == 1 else "self and the value"
        raise UsageError(
            f"{place_of(function)}: {name}() of {label} is called with only {arguments}, but "
            "takes other parameters"
        ) from None


def place_of(function: Any) -> str:
    """Return file and line of a function, for messages."""
    code: Any = getattr(inspect.unwrap(function), "__code__", None)
    return "?" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
