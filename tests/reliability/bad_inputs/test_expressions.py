"""Wrong functions, literals, casts and searches."""

from __future__ import annotations

import pytest

from examples.blog.db import User
from ormkit import (
    DataError,
    InvalidValue,
    StatementError,
    UnknownName,
    UsageError,
    case,
    cast,
    func,
    literal,
    to_tsvector,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused

EXPRESSIONS = [
    *refused(
        UnknownName,
        "func has no 'nope': there are: abs, array_agg, avg, bool_and,",
        lambda lab: func.nope,
    ),
    *refused(
        UsageError,
        "a function takes columns and expressions such as User.age,",
        lambda lab: func.lower("x"),
        lambda lab: func.lower(None),
        lambda lab: lab.users.scalars(func.coalesce("x")),
    ),
    *refused(
        UsageError,
        "'' is not the name of a function",
        lambda lab: func.call(""),
    ),
    *refused(
        UsageError,
        "None is not the name of a function",
        lambda lab: func.call(None),
    ),
    *refused(
        UsageError,
        "'a;b' is not the name of a function",
        lambda lab: func.call("a;b"),
    ),
    *refused(
        InvalidValue,
        "no PostgreSQL type corresponds to object: wrap the value in",
        lambda lab: func.call("lower", object()),
        lambda lab: literal(object()),
        lambda lab: case((User.age > 3, object())),
    ),
    *refused(
        UsageError,
        "'\\ud800' is not the name of a function",
        lambda lab: func.call(HALF),
    ),
    *refused(
        StatementError,
        "function nope(character varying) does not exist",
        lambda lab: lab.users.scalars(func.call("nope", User.name)),
    ),
    *refused(
        StatementError,
        "function lower(integer) does not exist",
        lambda lab: lab.users.scalars(func.call("lower", User.age)),
        lambda lab: lab.users.scalars(func.lower(User.age)),
    ),
    *refused(
        DataError,
        'the expression: invalid byte sequence for encoding "...":',
        lambda lab: lab.users.scalars(func.call("lower", "a\0")),
        lambda lab: lab.users.scalars(literal("a\0")),
        lambda lab: lab.users.filter(to_tsvector(User.name).matches("a\0")),
    ),
    *refused(
        InvalidValue,
        "the expression is of type text and cannot take this str: it",
        lambda lab: lab.users.scalars(func.call("lower", HALF)),
        lambda lab: lab.users.scalars(literal(HALF)),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this str: it",
        lambda lab: lab.users.scalars(func.coalesce(User.age, "x")),
        lambda lab: lab.users.scalars(User.age + "x"),
        lambda lab: lab.users.scalars("x" + User.age),
    ),
    *refused(
        InvalidValue,
        "User.age is of type integer and cannot take this int: it is",
        lambda lab: lab.users.scalars(func.greatest(User.age, 2**31)),
        lambda lab: lab.users.scalars(User.age + 2**40),
    ),
    *refused(
        StatementError,
        "function left(character varying, text) does not exist",
        lambda lab: lab.users.scalars(func.left(User.name, "x")),
    ),
    *refused(
        StatementError,
        "function left(character varying, bigint) does not exist",
        lambda lab: lab.users.scalars(func.left(User.name, 2**31)),
    ),
    *refused(
        StatementError,
        "function round(integer, text) does not exist",
        lambda lab: lab.users.scalars(func.round(User.age, "x")),
    ),
    *refused(
        UnknownName,
        "date_trunc() has no unit 'nope': there are: century, day,",
        lambda lab: lab.users.scalars(func.date_trunc("nope", User.created_at)),
    ),
    *refused(
        UnknownName,
        "date_trunc() has no unit 3: there are: century, day,",
        lambda lab: lab.users.scalars(func.date_trunc(3, User.created_at)),
    ),
    *refused(
        DataError,
        'time zone "..." not recognized',
        lambda lab: lab.users.scalars(func.date_trunc("day", User.created_at, "Nowhere/City")),
    ),
    *refused(
        UsageError,
        "User.name: date_trunc() takes a date, a time or an interval, and this is of type varchar",
        lambda lab: lab.users.scalars(func.date_trunc("day", User.name)),
    ),
    *refused(
        UnknownName,
        "extract() has no field 'nope': there are: century, day,",
        lambda lab: func.extract("nope", User.created_at),
    ),
    *refused(
        UnknownName,
        "extract() has no field None: there are: century, day, decade,",
        lambda lab: func.extract(None, User.created_at),
    ),
    *refused(
        UnknownName,
        "extract() has no field []: there are: century, day, decade,",
        lambda lab: func.extract([], User.created_at),
    ),
    *refused(
        StatementError,
        "function string_agg(character varying, integer) does not exist",
        lambda lab: lab.users.scalars(func.string_agg(User.name, 3)),
    ),
    *refused(
        StatementError,
        "function string_agg(integer, text) does not exist",
        lambda lab: lab.users.scalars(func.string_agg(User.age, ",")),
    ),
    *refused(
        DataError,
        "argument of ntile must be greater than zero",
        lambda lab: lab.users.scalars(func.ntile(0).over(order_by=User.id)),
    ),
    *refused(
        StatementError,
        "function ntile(text) does not exist",
        lambda lab: lab.users.scalars(func.ntile("x").over(order_by=User.id)),
    ),
    *refused(
        StatementError,
        "function lag(integer, text) does not exist",
        lambda lab: lab.users.scalars(func.lag(User.age, "x").over(order_by=User.id)),
    ),
    *refused(
        UsageError,
        "rows must be a pair (first, last), such as (-2, 0)",
        lambda lab: lab.users.scalars(func.sum(User.age).over(order_by=User.id, rows="x")),
        lambda lab: lab.users.scalars(func.sum(User.age).over(order_by=User.id, rows=(1,))),
        lambda lab: lab.users.scalars(func.sum(User.age).over(order_by=User.id, rows=3)),
    ),
    *refused(
        UsageError,
        "rows must be a pair of whole numbers or None, such as (-2, 0)",
        lambda lab: lab.users.scalars(func.sum(User.age).over(order_by=User.id, rows=("x", 1))),
    ),
    *refused(
        DataError,
        "bigint out of range",
        lambda lab: lab.users.scalars(
            func.sum(User.age).over(order_by=User.id, rows=(2**64, None))
        ),
    ),
    *refused(
        UsageError,
        "order_by takes columns and expressions such as User.age, not",
        lambda lab: lab.users.scalars(func.sum(User.age).over(order_by="id")),
    ),
    *refused(
        UsageError,
        "partition_by takes columns and expressions such as User.age,",
        lambda lab: lab.users.scalars(func.sum(User.age).over(partition_by=3)),
    ),
    *refused(
        UsageError,
        "scalars() takes columns such as User.name, not",
        lambda lab: lab.users.scalars(func.row_number()),
    ),
    *refused(
        StatementError,
        "window functions are not allowed in WHERE",
        lambda lab: lab.users.filter(func.row_number().over(order_by=User.id) > 1),
    ),
    *refused(
        UsageError,
        "filter() of an aggregate takes conditions, not 'x'",
        lambda lab: lab.users.scalars(func.count().filter("x")),
    ),
    *refused(
        StatementError,
        "aggregate function calls cannot be nested",
        lambda lab: lab.users.scalars(func.count(func.count())),
    ),
    *refused(
        DataError,
        "division by zero",
        lambda lab: lab.users.scalars(User.age / 0),
        lambda lab: lab.users.scalars(User.age % 0),
    ),
    *refused(
        DataError,
        "integer out of range",
        lambda lab: lab.users.scalars(User.age * (2**31 - 1) * 2),
    ),
    *refused(
        InvalidValue,
        "User.name is of type varchar(100) and cannot take this int:",
        lambda lab: lab.users.scalars(User.name + 3),
    ),
    *refused(
        InvalidValue,
        "User.created_at is of type timestamptz and cannot take this",
        lambda lab: lab.users.scalars(User.created_at - "x"),
    ),
    *refused(
        UsageError,
        "User.created_at: PostgreSQL has no operator timestamptz +",
        lambda lab: lab.users.scalars(User.created_at + 3),
    ),
    *refused(
        UsageError,
        "User.name: PostgreSQL has no operator - varchar",
        lambda lab: lab.users.scalars(-User.name),
    ),
    *refused(
        InvalidValue,
        "no PostgreSQL type corresponds to NoneType: wrap the value in",
        lambda lab: literal(None),
    ),
    *refused(
        InvalidValue,
        "no PostgreSQL type corresponds to list: wrap the value in",
        lambda lab: literal([1]),
    ),
    *refused(
        UsageError,
        "no PostgreSQL type corresponds to object: give its name",
        lambda lab: literal("x", object),
        lambda lab: cast(User.age, object),
    ),
    *refused(
        UsageError,
        "3 is not the name of a type: write one such as 'numeric(10, 2)'",
        lambda lab: literal("x", 3),
    ),
    *refused(
        UsageError,
        "'int; drop' is not the name of a type: write one such as 'numeric(10,",
        lambda lab: literal("x", "int; drop"),
    ),
    *refused(
        StatementError,
        'type "nope" does not exist',
        lambda lab: lab.users.scalars(literal("x", "nope")),
        lambda lab: lab.users.scalars(cast(User.age, "nope")),
    ),
    *refused(
        InvalidValue,
        "the expression is of type integer and cannot take this str:",
        lambda lab: lab.users.scalars(literal("x", "integer")),
    ),
    *refused(
        InvalidValue,
        "the expression is of type bigint and cannot take this str: it",
        lambda lab: lab.users.scalars(literal("x", int)),
    ),
    *refused(
        InvalidValue,
        "the expression is of type bigint and cannot take this int: it",
        lambda lab: lab.users.scalars(literal(2**63)),
    ),
    *refused(
        InvalidValue,
        "the expression is of type bigint and cannot take this float:",
        lambda lab: lab.users.scalars(literal(float("nan"), int)),
    ),
    *refused(
        UsageError,
        "cast() takes an expression such as User.age, and then a type",
        lambda lab: cast("x", int),
        lambda lab: cast(None, int),
    ),
    *refused(
        UsageError,
        "None is not the name of a type: write one such as 'numeric(10, 2)'",
        lambda lab: cast(User.age, None),
    ),
    *refused(
        UsageError,
        "'' is not the name of a type: write one such as 'numeric(10, 2)'",
        lambda lab: cast(User.age, ""),
    ),
    *refused(
        UsageError,
        "'a b c d(' is not the name of a type: write one such as 'numeric(10,",
        lambda lab: cast(User.age, "a b c d("),
    ),
    *refused(
        DataError,
        'invalid input syntax for type bigint: "..."',
        lambda lab: lab.users.scalars(cast(User.name, int)),
    ),
    *refused(
        UsageError,
        "'\\ud800' is not the name of a type: write one such as 'numeric(10, 2)'",
        lambda lab: lab.users.scalars(cast(User.age, HALF)),
    ),
    *refused(
        UsageError,
        "case() needs at least one pair (condition, value)",
        lambda lab: case(),
    ),
    *refused(
        UsageError,
        "case() takes pairs (condition, value) such as (User.age < 18,",
        lambda lab: case(User.age > 3),
        lambda lab: case((User.age > 3,)),
        lambda lab: case(("x", 1)),
        lambda lab: case((User.age, 1)),
    ),
    *refused(
        UsageError,
        "case() has values of different types, integer and text: give",
        lambda lab: lab.users.scalars(case((User.age > 3, 1), else_="x")),
    ),
    *refused(
        UsageError,
        "case() has values of different types, text and integer: give",
        lambda lab: lab.users.scalars(case((User.age > 3, "x"), else_=User.age)),
    ),
    *refused(
        UsageError,
        "to_tsvector() takes a text column such as Post.body",
        lambda lab: to_tsvector("x"),
        lambda lab: to_tsvector(None),
    ),
    *refused(
        StatementError,
        'text search configuration "nope" does not exist',
        lambda lab: lab.users.filter(to_tsvector(User.name, config="nope").matches("x")),
    ),
    *refused(
        UsageError,
        "a search must be a string (str), not int",
        lambda lab: lab.users.filter(to_tsvector(User.name).matches(3)),
        lambda lab: lab.session.query(lab.models.Cell).filter(words__matches=3),
    ),
    *refused(
        UsageError,
        "a search must be a string (str), not NoneType",
        lambda lab: lab.users.filter(to_tsvector(User.name).matches(None)),
    ),
    *refused(
        UsageError,
        "syntax='nope': it must be one of 'web', 'plain', 'phrase', 'raw'",
        lambda lab: lab.users.filter(to_tsvector(User.name).matches("x", syntax="nope")),
    ),
    *refused(
        DataError,
        'no operand in tsquery: "..."',
        lambda lab: lab.users.filter(to_tsvector(User.name).matches("x &", syntax="raw")),
    ),
    *refused(
        StatementError,
        "function to_tsvector(integer) does not exist",
        lambda lab: lab.users.filter(to_tsvector(User.age).matches("x")),
    ),
    *refused(
        UsageError,
        "syntax='tsquery': it must be one of 'web', 'plain', 'phrase', 'raw'",
        lambda lab: lab.session.query(lab.models.Cell).filter(
            lab.models.Cell.words.matches("secret &", syntax="tsquery")
        ),
    ),
    *refused(
        InvalidValue,
        "Cell.place needs numbers: it takes a list of numbers, each no",
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.l2_distance("x")
        ),
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.l2_distance([1, "a", 3])
        ),
    ),
    *refused(
        DataError,
        "Cell.place: NaN not allowed in vector; it holds NaN or",
        lambda lab: lab.session.query(lab.models.Cell).order_by(
            lab.models.Cell.place.cosine_distance([float("nan")] * 3)
        ),
    ),
]


@pytest.mark.parametrize("case", numbered(EXPRESSIONS))
async def test_a_wrong_expression_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
