"""Stored forms: what a column of a type holds for a value, as PostgreSQL gives it back.

A value is brought into this form before it is sent, so that PostgreSQL has nothing left to change,
and the object can hold afterwards what its row holds. What would lose something is refused: a
numeric with more digits than its scale, a text beyond its length. Types whose text only PostgreSQL
can bring into its form are read back instead; see `BaseType.is_rewritten`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from operator import is_
from typing import Any

from ..errors import InvalidValue
from .forms import Convert, StoredForm, is_container, is_list
from .truncation import MAX_DIMENSIONS
from .type_words import Type


def form_of(known: Type, labels: Mapping[Any, Any] | None = None) -> StoredForm:
    """Return the stored form of a type.

    labels: the members of an enum by their labels.
    """
    if labels is None:
        return form_without_labels(known)
    members: Mapping[Any, Any] = labels
    first: object = next(iter(members.values()), None)
    element = StoredForm(lambda value: members.get(value, value), type(first))
    return in_dimensions(element, known)


@cache
def form_without_labels(known: Type) -> StoredForm:
    """Return the converter of a type that is not an enum; all its columns share it."""
    return in_dimensions(known.base.form(known.modifiers), known)


def in_dimensions(element: StoredForm, known: Type) -> StoredForm:
    """Return the converter of an array type; the element's converter where it is not an array."""
    if not known.dimensions:
        return element
    if known.base.holds_lists:
        # A list may be one value of these types: only the type tells the number of dimensions.
        form = element
        for _ in range(known.dimensions):
            form = StoredForm(partial(list_form, form))
        return form
    return StoredForm(partial(array_form, element, known.base.family == "range", MAX_DIMENSIONS))


def list_form(element: StoredForm, value: Any) -> Any:
    """Return the list with each of its elements in the stored form."""
    if not is_container(value):
        return value
    return kept_where_same(value, [stored_element(element.of, *each) for each in enumerate(value)])


def array_form(element: StoredForm, has_tuples: bool, depth: int, value: Any) -> Any:
    """Return the array as nested lists, with each element in its stored form.

    has_tuples: True where a tuple is one element, as for ranges.
    """
    if not depth or not is_container(value):
        return value
    if is_list(value) and element.keeps_all(value):
        return value
    deeper = partial(array_form, element, has_tuples, depth - 1)

    def stored(each: Any) -> Any:
        is_deeper = is_container(each) and not (has_tuples and isinstance(each, tuple))
        return deeper(each) if is_deeper else element.of(each)

    found = [stored_element(stored, *each) for each in enumerate(value)]
    # PostgreSQL has one empty array, which has no dimensions.
    return [] if found and all(each == [] for each in found) else kept_where_same(value, found)


def stored_element(of: Convert, place: int, value: Any) -> Any:
    """Return the stored form of an element; an InvalidValue names its number, from 1."""
    try:
        return None if value is None else of(value)
    except InvalidValue as error:
        raise InvalidValue(f"element {place + 1}: {error}") from None


def kept_where_same(value: Any, found: list[Any]) -> Any:
    """Return the caller's own list where no element changed; otherwise the new one."""
    return value if is_list(value) and all(map(is_, value, found)) else found
