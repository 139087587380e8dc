"""Names of classes, attributes and relationships, from the names in a database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Container, Iterable

from ormkit_gen.pull.inflection import plural, singular
from ormkit_gen.schema.names import (
    RESERVED_CLASSES,
    attribute_name,
    is_attribute,
    is_class_name,
    member_name,
)
from ormkit_gen.schema.naming import module_name, snake_case

#: What ends the name of a column that holds a key of another table.
_KEY_ENDING = re.compile(r"_(id|ids|uuid|guid|pk|fk|key|ref|oid|sk)$")
_KEY_BEGINNING = re.compile(r"^(id|fk)_(?=.)")
_WORD = re.compile(r"[^\W_]+")


def words_of(name: str) -> list[str]:
    """Return the words of a name in lower case: firstName and first_name have the same."""
    text = unicodedata.normalize("NFKC", name)
    return [part for part in snake_case("_".join(_WORD.findall(text))).split("_") if part]


def class_name(table: str) -> str:
    """Return the CapWords singular of a table's name."""
    *words, last = words_of(table) or ["table"]
    name = "".join(map(_capitalised, (*words, singular(last))))
    return name if is_class_name(name) else f"Table{name}"


def enum_name(type_: str) -> str:
    """Return the CapWords of a type's name."""
    name = "".join(map(_capitalised, words_of(type_) or ["enum"]))
    return name if is_class_name(name) else f"Enum{name}"


def attribute(column: str, taken: Container[str]) -> str:
    """Return the attribute of a column: its own name where Python allows that."""
    is_plain = is_attribute(column) and column == column.lower()
    name = column if is_plain else "_".join(words_of(column)) or "column"
    if not is_attribute(name):
        name = f"column_{name}"
    return free(attribute_name(name), taken)


def members(labels: Collection[str]) -> list[str] | None:
    """Return a member for each label of an enum, or None where the labels name them well."""
    found: list[str] = []
    for label in labels:
        found.append(free(member_name(label), found))
    return None if found == [member_name(label) for label in labels] else found


def to_one_name(
    columns: tuple[str, ...], target: str, target_columns: tuple[str, ...], taken: Container[str]
) -> str:
    """Return the name of a relationship to the one row that a foreign key references.

    columns: the attributes of the foreign key.
    target: the class of the referenced table. target_columns: its attributes.
    """
    noun = snake_case(target)
    if len(columns) == 1:
        (column,) = columns
        stem = column.rstrip("_").removesuffix(f"_{target_columns[0].rstrip('_')}")
        stem = _KEY_BEGINNING.sub("", _KEY_ENDING.sub("", stem))
        is_key = stem != column.rstrip("_")
        candidates = [stem] if is_key else []
        candidates += [noun if stem == noun or singular(stem) == noun else f"{stem}_{noun}"]
    else:
        candidates = [noun]
    return first_free([*candidates, f"{noun}_by_{'_and_'.join(columns)}"], taken)


def to_many_name(
    source: str, to_one: str, target: str, taken: Container[str], *, is_alone: bool, is_list: bool
) -> str:
    """Return the name of the other side of a foreign key, in the referenced class.

    source: the class that has the foreign key. to_one: the relationship on its side.
    is_alone: whether it is the only foreign key between the two.
    """
    words = snake_case(source).split("_")
    noun = "_".join((*words[:-1], plural(words[-1]) if is_list else words[-1]))
    if source == target and to_one == "parent":
        return first_free(["children" if is_list else "child"], taken)
    stem = to_one.rstrip("_").removesuffix(f"_{snake_case(target)}")
    return first_free([*([noun] if is_alone else []), f"{stem}_{noun}"], taken)


def many_to_many_name(target: str, link: str, taken: Container[str]) -> str:
    """Return the name of a many-to-many relationship to a class, through a table's class."""
    *words, last = snake_case(target).split("_")
    noun = "_".join((*words, plural(last)))
    return first_free([noun, f"{snake_case(link)}_{noun}"], taken)


def first_free(names: Iterable[str], taken: Container[str]) -> str:
    """Return the first name that is free and allowed, or the last one with a number."""
    name = "related"
    for each in names:
        if not is_attribute(each):
            continue
        name = attribute_name(each)
        if name not in taken:
            return name
    return free(name, taken)


def free(name: str, taken: Container[str]) -> str:
    """Return the name, with a number where it is taken."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name.rstrip('_')}_{number}"
    return found


class ClassNames:
    """The names of classes: each is given once, and so is the module that it is written to."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._modules = {module_name(name) for name in taken}
        self._taken = {*taken, *RESERVED_CLASSES}

    def give(self, *names: str) -> str:
        """Return the first name that is free, or the last one with a number."""
        for name in names:
            if self._take(name):
                return name
        number = 2
        while not self._take(f"{names[-1]}{number}"):
            number += 1
        return f"{names[-1]}{number}"

    def _take(self, name: str) -> bool:
        module = module_name(name)
        if name in self._taken or module in self._modules:
            return False
        self._taken.add(name)
        self._modules.add(module)
        return True


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:]
