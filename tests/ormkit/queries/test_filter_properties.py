"""Queries find what the same conditions find in Python, NULL included, over random rows."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ormkit import AsyncSession, Condition, Q, Range, create_engine
from ormkit.sql.lookups import LOOKUPS
from tests.generated import models_of
from tests.lengths import examples

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

SCHEMA = """
[enums]
Level = ["low", "mid", "high"]

[models.Owner]
table = "owners"
[models.Owner.columns]
id = { type = "integer", primary_key = true }
name = "text?"
n = "integer?"
[models.Owner.relationships]
items = { target = "Item", back_populates = "owner" }

[models.Item]
table = "items"
[models.Item.columns]
id = { type = "integer", primary_key = true }
owner_id = { type = "integer?", foreign_key = "owners.id" }
name = "text?"
n = "integer?"
price = "numeric?"
moment = "timestamptz?"
flag = "boolean?"
level = "Level?"
tags = "text[]?"
doc = "jsonb?"
span = "int4range?"
[models.Item.relationships]
owner = { target = "Owner", back_populates = "items" }
"""

Truth = bool | None
LEVELS = ["low", "mid", "high"]
NOON = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)

TEXTS = st.text("ab%_\\'A", max_size=3)
PATTERNS = st.text("ab%_A", max_size=3)
INTEGERS = st.integers(-2, 2)
PRICES = st.sampled_from([Decimal("-1.5"), Decimal(0), Decimal("0.25"), Decimal(2)])
MOMENTS = INTEGERS.map(lambda n: NOON + dt.timedelta(hours=n))
LISTS = st.lists(st.sampled_from("abc"), max_size=3)
SCALARS = st.none() | st.booleans() | INTEGERS | st.sampled_from(["x", "1", "it's"])
DOCS = st.dictionaries(st.sampled_from(["k", "k'", "1"]), SCALARS, max_size=2)
SPANS = st.tuples(INTEGERS, INTEGERS).map(lambda ends: (min(ends), max(ends)))

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS,
    "n": INTEGERS,
    "price": PRICES,
    "moment": MOMENTS,
    "flag": st.booleans(),
    "level": st.sampled_from(LEVELS),
    "tags": LISTS,
    "doc": DOCS,
    "span": SPANS,
}

COMPARED = ("eq", "ne", "in", "notin")
ORDERED = ("gt", "gte", "lt", "lte", "between")
MATCHED = ("contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iexact")
PATTERNED = ("like", "ilike", "regex", "iregex")
OPERATORS: dict[str, tuple[str, ...]] = {
    "name": (*COMPARED, *MATCHED, *PATTERNED, "isnull"),
    "n": (*COMPARED, *ORDERED, "isnull"),
    "price": (*COMPARED, *ORDERED, "isnull"),
    "moment": (*COMPARED, *ORDERED, "isnull"),
    "flag": ("eq", "ne", "isnull"),
    "level": (*COMPARED, *ORDERED, "isnull"),
    "tags": ("eq", "ne", "contains", "contained_by", "overlaps", "len", "isnull"),
    "doc": ("eq", "ne", "contains", "contained_by", "has_key", "has_keys", "has_any_key", "isnull"),
    "span": ("eq", "ne", "contains", "contained_by", "overlaps", "isnull"),
}


def operand(field: str, operator: str) -> st.SearchStrategy[Any]:
    """Return what an operator of a field is compared with."""
    value = VALUES[field]
    if operator == "isnull":
        return st.booleans()
    if operator in ("in", "notin"):
        return st.lists(value, max_size=3)
    if operator == "between":
        return st.tuples(value, value)
    if operator == "len":
        return st.integers(0, 3)
    if operator in PATTERNED:
        return PATTERNS if "like" in operator else st.sampled_from(["^a", "b$", "a.b", "^$", "A"])
    if operator == "has_key":
        return st.sampled_from(["k", "k'", "1", "z"])
    if operator in ("has_keys", "has_any_key"):
        return st.lists(st.sampled_from(["k", "k'", "1"]), max_size=2)
    return value


@dataclass(frozen=True)
class Node:
    """A condition: what it asks, of what, and the conditions below it."""

    kind: str
    field: str = ""
    operator: str = ""
    value: Any = None
    below: tuple[Node, ...] = ()


def leaves(fields: list[str]) -> st.SearchStrategy[Node]:
    pairs = [(field, operator) for field in fields for operator in OPERATORS[field]]
    return st.sampled_from(pairs).flatmap(
        lambda pair: operand(*pair).map(lambda value: Node("leaf", *pair, value))
    )


def trees(leaf: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.recursive(
        leaf,
        lambda below: st.builds(lambda one: Node("not", below=(one,)), below)
        | st.builds(lambda kind, a, b: Node(kind, below=(a, b)), st.sampled_from(["and", "or"]),
                    below, below),
        max_leaves=4,
    )  # fmt: skip


PATHS = st.builds(
    lambda key, operator, value: Node("path", key, operator, value),
    st.sampled_from(["k", "k'", "z"]),
    st.sampled_from(["eq", "ne", "isnull"]),
    SCALARS.filter(lambda value: value is not None),
)
INNER = leaves(["name", "n"])
ANY = trees(INNER).map(lambda below: Node("any", below=(below,)))
HAS = trees(INNER | ANY).map(lambda below: Node("has", below=(below,)))
CONDITIONS = trees(leaves(list(VALUES)) | PATHS | HAS)

ROW = st.fixed_dictionaries({name: st.none() | value for name, value in VALUES.items()})
ITEMS = st.lists(st.tuples(st.none() | st.integers(0, 2), ROW), max_size=6)
OWNERS = st.lists(st.tuples(st.none() | TEXTS, st.none() | INTEGERS), min_size=3, max_size=3)


def test_every_operator_is_drawn() -> None:
    drawn = {operator for operators in OPERATORS.values() for operator in operators}
    # `isnotnull` is `isnull` of the opposite.
    assert drawn == set(LOOKUPS) - {"matches", "isnotnull"}


# What a condition means, in Python


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def both(a: Truth, b: Truth) -> Truth:
    return False if a is False or b is False else None if a is None or b is None else True


def truth_of(node: Node, row: dict[str, Any]) -> Truth:
    """Return whether a row answers the condition, None where SQL would say NULL."""
    if node.kind == "leaf":
        return leaf_truth(node.operator, node.field, row[node.field], node.value)
    if node.kind == "path":
        return path_truth(node, row["doc"])
    if node.kind == "has":
        return row["owner"] is not None and truth_of(node.below[0], row["owner"]) is True
    if node.kind == "any":
        return any(truth_of(node.below[0], item) is True for item in row["items"])
    parts = [truth_of(each, row) for each in node.below]
    if node.kind == "not":
        return negated(parts[0])
    if node.kind == "and":
        return both(*parts)
    return negated(both(*map(negated, parts)))


def path_truth(node: Node, doc: Any) -> Truth:
    is_missing = doc is None or node.field not in doc
    if node.operator == "isnull":
        return (is_missing or doc[node.field] is None) == bool(node.value)
    if is_missing:
        return None
    is_equal = json.dumps(doc[node.field]) == json.dumps(node.value)
    return is_equal if node.operator == "eq" else not is_equal


def leaf_truth(operator: str, field: str, held: Any, value: Any) -> Truth:
    if operator == "isnull":
        return (held is None) == value
    if operator in ("in", "notin"):
        if not value:
            # Without elements there is nothing to compare with: not even NULL makes it unknown.
            return operator == "notin"
        is_in = None if held is None else held in value
        return is_in if operator == "in" else negated(is_in)
    if held is None:
        return None
    if operator in ORDERED:
        return ordered_truth(operator, *(rank(field, each) for each in (held, value)))
    if field == "span":
        return span_truth(operator, held, value)
    return PLAIN[operator](held, value) if field != "doc" else doc_truth(operator, held, value)


def rank(field: str, value: Any) -> Any:
    """Return what stands for a value in comparisons: an enum is ordered by its labels."""
    if field != "level":
        return value
    return tuple(map(LEVELS.index, value)) if isinstance(value, tuple) else LEVELS.index(value)


def rank_of(field: str, row: dict[str, Any]) -> Any:
    """Return what a row is ordered by."""
    return rank(field, row[field])


def ordered_truth(operator: str, held: Any, value: Any) -> bool:
    if operator == "between":
        return bool(value[0] <= held <= value[1])
    return bool(
        {"gt": held > value, "gte": held >= value, "lt": held < value, "lte": held <= value}[
            operator
        ]
    )


def span_truth(operator: str, held: Any, value: Any) -> bool:
    here, there = set(range(*held)), set(range(*value))
    if operator in ("eq", "ne"):
        return (here == there) == (operator == "eq")
    return {"contains": there <= here, "contained_by": here <= there}.get(
        operator, bool(here & there)
    )


def doc_truth(operator: str, held: Any, value: Any) -> bool:
    if operator in ("eq", "ne"):
        return (strict(held) == strict(value)) == (operator == "eq")
    if operator == "contains":
        return strict(value).items() <= strict(held).items()
    if operator == "contained_by":
        return strict(held).items() <= strict(value).items()
    if operator == "has_key":
        return value in held
    return (all if operator == "has_keys" else any)(key in held for key in value)


def strict(doc: dict[str, Any]) -> dict[str, str]:
    """Return a document in which true and 1 differ."""
    return {key: json.dumps(value) for key, value in doc.items()}


def like(pattern: str) -> str:
    """Return the regular expression of a LIKE pattern."""
    return "".join({"%": ".*", "_": "."}.get(each, re.escape(each)) for each in pattern)


PLAIN: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, value: held == value,
    "ne": lambda held, value: held != value,
    "len": lambda held, value: len(held) == value,
    "overlaps": lambda held, value: bool(set(held) & set(value)),
    "contained_by": lambda held, value: set(held) <= set(value),
    "contains": lambda held, value: (
        value in held if isinstance(held, str) else set(value) <= set(held)
    ),
    "icontains": lambda held, value: value.lower() in held.lower(),
    "startswith": lambda held, value: held.startswith(value),
    "istartswith": lambda held, value: held.lower().startswith(value.lower()),
    "endswith": lambda held, value: held.endswith(value),
    "iendswith": lambda held, value: held.lower().endswith(value.lower()),
    "iexact": lambda held, value: held.lower() == value.lower(),
    "like": lambda held, value: re.fullmatch(like(value), held) is not None,
    "ilike": lambda held, value: re.fullmatch(like(value), held, re.IGNORECASE) is not None,
    "regex": lambda held, value: re.search(value, held) is not None,
    "iregex": lambda held, value: re.search(value, held, re.IGNORECASE) is not None,
}


# The same condition for the database


def stored(models: Any, field: str, value: Any) -> Any:
    """Return a drawn value as the model takes it."""
    if value is None:
        return None
    if field == "level":
        return models.Level(value)
    return Range(*value) if field == "span" else value


def given_value(models: Any, node: Node) -> Any:
    value = node.value
    if node.field == "level" and node.operator in ("in", "notin", "between"):
        return type(value)(models.Level(each) for each in value)
    return stored(models, node.field, value) if node.field in VALUES and node.operator in (
        *COMPARED, *ORDERED, "contains", "contained_by", "overlaps") and node.operator not in (
        "in", "notin", "between") else value  # fmt: skip


def expression(models: Any, model: Any, node: Node) -> Condition[Any]:
    """Return the condition in the spelling of columns."""
    if node.kind == "leaf":
        return LOOKUPS[node.operator](getattr(model, node.field), given_value(models, node))
    if node.kind == "path":
        return LOOKUPS[node.operator](models.Item.doc[node.field], path_value(node))
    if node.kind == "has":
        return model.owner.has(expression(models, models.Owner, node.below[0]))  # type: ignore[no-any-return]
    if node.kind == "any":
        return model.items.any(expression(models, models.Item, node.below[0]))  # type: ignore[no-any-return]
    parts = [expression(models, model, each) for each in node.below]
    return combined(node.kind, parts)


def keywords(models: Any, node: Node, path: str = "") -> Condition[Any]:
    """Return the condition in the spelling of Q, with paths over relationships."""
    if node.kind == "leaf":
        name = f"{path}{node.field}__{node.operator}"
        return Q(**{name.removesuffix("__eq"): given_value(models, node)})
    if node.kind == "path":
        return Q(**{f"{path}doc__{node.field}__{node.operator}": path_value(node)})
    if node.kind in ("has", "any"):
        # Several conditions on one related row cannot be told apart in keywords.
        step = "owner" if node.kind == "has" else "items"
        inner = node.below[0]
        if inner.kind == "leaf":
            return keywords(models, inner, f"{path}{step}__")
        model = models.Owner if node.kind == "has" else models.Item
        related = getattr(models.Item if node.kind == "has" else models.Owner, step)
        return Q(related.related([expression(models, model, inner)]))
    return combined(node.kind, [keywords(models, each, path) for each in node.below])


def path_value(node: Node) -> Any:
    return bool(node.value) if node.operator == "isnull" else node.value


def combined(kind: str, parts: list[Condition[Any]]) -> Condition[Any]:
    if kind == "not":
        return ~parts[0]
    return parts[0] & parts[1] if kind == "and" else parts[0] | parts[1]


# The comparison


@pytest.fixture(scope="module")
def models() -> Any:
    return models_of("filters", SCHEMA)


@pytest.fixture
async def items(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def store(session: AsyncSession, models: Any, owners: Any, items: Any) -> list[Any]:
    """Replace all rows, and return them as the conditions in Python see them."""
    await session.query(models.Item).delete()
    await session.query(models.Owner).delete()
    people = [
        {"id": n, "name": name, "n": number, "items": []} for n, (name, number) in enumerate(owners)
    ]
    rows: list[dict[str, Any]] = []
    for number, (owner, values) in enumerate(items):
        row = {"id": number, **values, "owner": None if owner is None else people[owner]}
        rows.append(row)
        if owner is not None:
            people[owner]["items"].append(row)
    await session.insert_all(
        [models.Owner(id=each["id"], name=each["name"], n=each["n"]) for each in people]
    )
    made: list[Any] = []
    for row in rows:
        values = {field: stored(models, field, row[field]) for field in VALUES}
        owner_id = None if row["owner"] is None else row["owner"]["id"]
        made.append(models.Item(id=row["id"], owner_id=owner_id, **values))
    await session.insert_all(made)
    return rows


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(owners=OWNERS, items_given=ITEMS, node=CONDITIONS)
async def test_a_query_finds_what_python_finds(
    items: AsyncSession, models: Any, owners: Any, items_given: Any, node: Node
) -> None:
    rows = await store(items, models, owners, items_given)
    truths = {row["id"]: truth_of(node, row) for row in rows}
    right = [number for number, truth in truths.items() if truth is True]
    others = [number for number, truth in truths.items() if truth is not True]
    wrong = [number for number, truth in truths.items() if truth is False]
    query = items.query(models.Item)
    for condition in (expression(models, models.Item, node), keywords(models, node)):
        found = query.filter(condition)
        assert await found.order_by("id").scalars(models.Item.id) == right
        # exclude() leaves out what is true; ~ is SQL's NOT, of which NULL is NULL.
        assert await query.exclude(condition).order_by("id").scalars(models.Item.id) == others
        assert await query.filter(~condition).order_by("id").scalars(models.Item.id) == wrong
        assert await found.count() == len(right)
        assert await found.exists() is bool(right)
    numbers = [row["n"] for row in rows if row["id"] in right and row["n"] is not None]
    found = query.filter(expression(models, models.Item, node))
    assert await found.sum(models.Item.n) == (sum(numbers) if numbers else None)
    assert await found.min(models.Item.n) == min(numbers, default=None)
    assert await found.max(models.Item.n) == max(numbers, default=None)
    assert await found.update(flag=True) == len(right)
    if node.kind == "leaf" and node.operator not in ("eq",):
        by = {f"{node.field}__{node.operator}": given_value(models, node)}
        assert await query.filter(**by).exclude(flag=False).count() <= len(rows)
    if "flag" not in repr(node):
        assert await found.delete() == len(right)
        left = [number for number in truths if number not in right]
        assert await query.order_by("id").scalars(models.Item.id) == left


def columns_of(field: str) -> st.SearchStrategy[Any]:
    """Return rows in which only this field differs."""
    others = dict.fromkeys(VALUES)
    return (st.none() | VALUES[field]).map(lambda value: (None, {**others, field: value}))


@pytest.mark.parametrize(
    ("field", "operator"), [(name, each) for name in VALUES for each in OPERATORS[name]]
)
async def test_an_operator_finds_what_python_finds(
    items: AsyncSession, models: Any, field: str, operator: str
) -> None:
    drawn: list[Any] = []

    @settings(
        max_examples=examples(8),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(columns_of(field), min_size=6, max_size=9), operand(field, operator))
    def draw(rows: Any, value: Any) -> None:
        drawn.append((rows, value))

    draw()
    for given_rows, value in drawn:
        node = Node("leaf", field, operator, value)
        rows = await store(items, models, [], given_rows)
        right = [row["id"] for row in rows if truth_of(node, row) is True]
        by = {f"{field}__{operator}": given_value(models, node)}
        query = items.query(models.Item).order_by("id")
        assert await query.filter(**by).scalars(models.Item.id) == right, (node, given_rows)
        others = [row["id"] for row in rows if row["id"] not in right]
        assert await query.exclude(**by).scalars(models.Item.id) == others, (node, given_rows)
        both = await query.exclude(id__gte=0, **by).scalars(models.Item.id)
        assert both == others, (node, given_rows)


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["n", "price", "moment", "flag", "level"]),
        st.sampled_from(["", "-"]),
        st.sampled_from(["", "nulls_first", "nulls_last"]),
    ),
    max_size=3,
    unique_by=lambda key: key[0],
)


@settings(
    max_examples=examples(35),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(items_given=ITEMS, keys=ORDERS, cut=st.tuples(st.integers(0, 4), st.integers(0, 4)))
async def test_an_order_is_python_s_with_null_where_it_belongs(
    items: AsyncSession, models: Any, items_given: Any, keys: Any, cut: tuple[int, int]
) -> None:
    rows = await store(items, models, [(None, None)] * 3, items_given)
    order: list[Any] = []
    for field, sign, nulls in keys:
        column = getattr(models.Item, field)
        key = column.desc() if sign else column.asc()
        order.append(getattr(key, nulls)() if nulls else key)
    expected = sorted(rows, key=lambda row: row["id"])
    for field, sign, nulls in reversed(keys):
        is_first = nulls == "nulls_first" or (not nulls and bool(sign))
        known = [row for row in expected if row[field] is not None]
        unknown = [row for row in expected if row[field] is None]
        # sorted() keeps equal rows in their order, also when it is reversed.
        known.sort(key=partial(rank_of, field), reverse=bool(sign))
        expected = unknown + known if is_first else known + unknown
    query = items.query(models.Item).order_by(*order, "id")
    ids = [row["id"] for row in expected]
    assert await query.scalars(models.Item.id) == ids
    limit, offset = cut
    cut_query = query.limit(limit).offset(offset)
    assert await cut_query.scalars(models.Item.id) == ids[offset : offset + limit]
    assert await cut_query.count() == len(ids[offset : offset + limit])
