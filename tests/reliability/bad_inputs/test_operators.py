"""Wrong operands of every operator, and of what reads a query."""

from __future__ import annotations

from typing import Any

import pytest

from examples.blog.db import User
from ormkit import (
    DataError,
    InvalidValue,
    MultipleFound,
    NotFound,
    UnknownName,
    UsageError,
    session_context,
)
from tests.reliability.bad_inputs.cases import Case, Lab, check_refused, numbered, refused


async def within(context: Any) -> None:
    """Enter the context, and leave it."""
    async with context:
        pass


OPERANDS = [
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: lab.users.filter(age="x").explain(),
        lambda lab: lab.users.filter(age="x").one_or_none(),
        lambda lab: lab.users.filter(age="x").one(),
        lambda lab: lab.users.filter(age="x").first(),
        lambda lab: lab.users.filter(age="x").exists(),
        lambda lab: lab.users.filter(age__eq="x"),
        lambda lab: lab.users.filter(age__ne="x"),
        lambda lab: lab.users.filter(age__gte="x"),
        lambda lab: lab.users.filter(age__lt="x"),
        lambda lab: lab.users.filter(age__lte="x"),
        lambda lab: lab.users.filter(User.age.is_distinct_from("x")),
        lambda lab: lab.users.sum(User.age + "x"),
    ),
    *refused(
        MultipleFound,
        "more than one User matches the query",
        lambda lab: lab.users.one(),
        lambda lab: lab.users.one_or_none(),
    ),
    *refused(
        NotFound,
        "no User matches the query",
        lambda lab: lab.users.filter(id=-1).one(),
    ),
    *refused(
        UsageError,
        "for_share: nowait and skip_locked exclude each other",
        lambda lab: lab.users.for_share(nowait=True, skip_locked=True),
    ),
    *refused(
        UsageError,
        "of='posts': only tables that the query joins can be locked: add",
        lambda lab: lab.users.for_share(of=["posts"]),
    ),
    *refused(
        InvalidValue,
        "User.name: text can only be matched with a string (str), not int",
        lambda lab: lab.users.filter(name__endswith=1),
        lambda lab: lab.users.filter(name__iendswith=1),
        lambda lab: lab.users.filter(name__istartswith=1),
        lambda lab: lab.users.filter(name__icontains=1),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this int:",
        lambda lab: lab.users.filter(name__ilike=1),
        lambda lab: lab.users.filter(name__iregex=1),
    ),
    *refused(
        DataError,
        "invalid regular expression: parentheses () not balanced",
        lambda lab: lab.users.filter(name__iregex="("),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'endswith' (in 'age__endswith'):",
        lambda lab: lab.users.filter(age__endswith="x"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'iendswith' (in 'age__iendswith'):",
        lambda lab: lab.users.filter(age__iendswith="x"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'ilike' (in 'age__ilike'): there",
        lambda lab: lab.users.filter(age__ilike="x"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'iregex' (in 'age__iregex'): there",
        lambda lab: lab.users.filter(age__iregex="x"),
    ),
    *refused(
        UnknownName,
        "User.age has no operator 'istartswith' (in",
        lambda lab: lab.users.filter(age__istartswith="x"),
    ),
    *refused(
        InvalidValue,
        "User.settings: a collection of values is needed, not int:",
        lambda lab: lab.users.filter(settings__has_any_key=5),
    ),
    *refused(
        UsageError,
        "a key of a JSON object must be a string (str), not int",
        lambda lab: lab.users.filter(settings__has_any_key=[5]),
    ),
    *refused(
        InvalidValue,
        "Post.keywords: a collection of values is needed, not str:",
        lambda lab: lab.posts.filter(keywords__contained_by="x"),
    ),
    *refused(
        InvalidValue,
        "Post.keywords is of type text[] and cannot take this list:",
        lambda lab: lab.posts.filter(keywords__contained_by=[1]),
    ),
    *refused(
        InvalidValue,
        "Cell.numbers is of type int4range and cannot be compared with",
        lambda lab: lab.session.query(lab.models.Cell).filter(numbers__contains="x"),
    ),
    *refused(
        InvalidValue,
        "Cell.numbers is of type int4range and cannot take this int:",
        lambda lab: lab.session.query(lab.models.Cell).filter(numbers__overlaps=5),
    ),
    *refused(
        UsageError,
        "a search must be a string (str), not int",
        lambda lab: lab.session.query(lab.models.Cell).filter(lab.models.Cell.words.rank(3) > 1),
    ),
    *refused(
        UsageError,
        "syntax='nope': it must be one of 'web', 'plain', 'phrase', 'raw'",
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.words.rank("x", syntax="nope")
        ),
    ),
    *refused(
        InvalidValue,
        "Cell.place needs numbers: it takes a list of numbers, each no",
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.l1_distance("x")
        ),
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.negative_inner_product([None])
        ),
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.cosine_distance({})
        ),
    ),
    *refused(
        UsageError,
        "User:",
        lambda lab: lab.users.filter(User.age.asc()),
    ),
    *refused(
        UsageError,
        "5 is not a column of User",
        lambda lab: lab.users.order_by(User.age.desc().nulls_first(), 5),
    ),
    *refused(
        UsageError,
        "a session takes an engine from create_engine(), not",
        lambda lab: within(session_context(None)),
        lambda lab: within(session_context(lab.session)),
    ),
    *refused(
        UsageError,
        "avg() takes a column such as User.age, not 3",
        lambda lab: lab.users.avg(3),
    ),
    *refused(
        UsageError,
        "min() takes a column such as User.age, not None",
        lambda lab: lab.users.min(None),
    ),
]


@pytest.mark.parametrize("case", numbered(OPERANDS))
async def test_a_wrong_operand_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
