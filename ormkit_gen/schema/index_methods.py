"""The abilities of each index access method, to reject what PostgreSQL would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ormkit_gen.ir import IndexElement
from ormkit_gen.schema.fields import Fields


@dataclass(frozen=True, slots=True)
class Method:
    """An index access method."""

    has_many_keys: bool = False
    has_order: bool = False
    can_be_unique: bool = False
    can_include: bool = False


METHODS = {
    "btree": Method(has_many_keys=True, has_order=True, can_be_unique=True, can_include=True),
    "hash": Method(),
    "gist": Method(has_many_keys=True, can_include=True),
    "spgist": Method(can_include=True),
    "gin": Method(has_many_keys=True),
    "brin": Method(has_many_keys=True),
    "hnsw": Method(),
    "ivfflat": Method(),
}
EXCLUDE_METHODS = ("gist", "spgist", "btree", "hash")
#: PostgreSQL's own limit, INDEX_MAX_KEYS.
MAX_KEYS = 32


def check_method(
    fields: Fields,
    name: str,
    elements: Sequence[IndexElement],
    key: str,
    *,
    is_unique: bool = False,
    has_include: bool = False,
) -> None:
    """Record features of an index or exclusion constraint that its method does not support.

    key: the setting that contains the elements.
    """
    if name not in METHODS:
        return
    method = METHODS[name]
    wishes = (
        (is_unique and not method.can_be_unique, "unique", "be unique"),
        (has_include and not method.can_include, "include", "include other columns"),
        (len(elements) > 1 and not method.has_many_keys, key, "have more than one key"),
        (
            any(each.is_descending or each.nulls for each in elements) and not method.has_order,
            key,
            "be descending, or order nulls",
        ),
    )
    for is_refused, setting, wish in wishes:
        if is_refused:
            fields.problems.error(
                "index-method",
                f"a {name} index cannot {wish}",
                f"remove that, or use a method other than {name}",
                fields.key_at(setting),
            )


def check_key_count(fields: Fields, count: int, key: str) -> None:
    """Record more columns than PostgreSQL allows in an index or key."""
    if count > MAX_KEYS:
        fields.problems.error(
            "too-many-keys",
            f"{fields.what} has {count} columns",
            f"PostgreSQL allows at most {MAX_KEYS}",
            fields.value_at(key),
        )
