"""Wrong raw SQL and parameters."""

from __future__ import annotations

import pytest

from ormkit import (
    ConfigurationError,
    DataError,
    InvalidValue,
    QueryCanceled,
    StatementError,
    UniqueViolation,
    UsageError,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused

STATEMENTS = [
    *refused(
        UsageError,
        "SQL must be a string (str), not NoneType",
        lambda lab: lab.engine.execute(None),
        lambda lab: lab.session.execute_raw(None),
        lambda lab: lab.engine.execute_many(None, [[1]]),
    ),
    *refused(
        UsageError,
        "SQL must be a string (str), not int",
        lambda lab: lab.engine.execute(3),
    ),
    *refused(
        StatementError,
        'syntax error at or near "SELEC"',
        lambda lab: lab.engine.execute("SELEC 1"),
        lambda lab: lab.engine.execute_many("SELEC", [[1]]),
    ),
    *refused(
        StatementError,
        "cannot insert multiple commands into a prepared statement",
        lambda lab: lab.engine.execute("SELECT 1; SELECT 2"),
    ),
    *refused(
        UsageError,
        "the SQL holds the character NUL or half of a surrogate pair,",
        lambda lab: lab.engine.execute("SELECT '\0'"),
        lambda lab: lab.engine.execute("SELECT '\ud800'"),
        lambda lab: lab.session.execute_raw("SELECT '\ud800'"),
    ),
    *refused(
        UsageError,
        "the server expects 1 argument for this query, 0 were passed",
        lambda lab: lab.engine.execute("SELECT $1"),
        lambda lab: lab.engine.execute("SELECT $1::int"),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [[]]),
    ),
    *refused(
        UsageError,
        "the server expects 1 argument for this query, 2 were passed",
        lambda lab: lab.engine.execute("SELECT $1::int", [1, 2]),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [["a", "b"]]),
        lambda lab: lab.engine.execute_many(
            "INSERT INTO tags (name) VALUES ($1)", [["a"], ["b", "c"]]
        ),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type int4 and cannot hold this str: it",
        lambda lab: lab.engine.execute("SELECT $1::int", ["x"]),
    ),
    *refused(
        UsageError,
        "parameters must be a list, one value for each of $1, $2 ..., not",
        lambda lab: lab.engine.execute("SELECT $1::int", "x"),
        lambda lab: lab.engine.execute("SELECT $1::int", 5),
        lambda lab: lab.engine.execute("SELECT $1::int", None),
        lambda lab: lab.engine.execute("SELECT $1::int", {"a": 1}),
        lambda lab: lab.engine.execute("SELECT $1::int", {1}),
        lambda lab: lab.engine.execute("SELECT $1::int", (x for x in [1])),
        lambda lab: lab.engine.execute("SELECT $1::int", b"1"),
        lambda lab: lab.session.execute_raw("SELECT $1::int", "x"),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", ["a"]),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [1]),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [None]),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [{"a": 1}]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type int4 and cannot hold this list: it",
        lambda lab: lab.engine.execute("SELECT $1::int", [[1]]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type int4 and cannot hold this int: it is",
        lambda lab: lab.engine.execute("SELECT $1::int", [2**31]),
        lambda lab: lab.engine.execute("SELECT $1::int", [10**5000]),
    ),
    *refused(
        DataError,
        'parameter $1: invalid byte sequence for encoding "...": 0x00;',
        lambda lab: lab.engine.execute("SELECT $1::text", ["a\0"]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type text and cannot hold this str: it",
        lambda lab: lab.engine.execute("SELECT $1::text", [HALF]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type jsonb and cannot hold this float:",
        lambda lab: lab.engine.execute("SELECT $1::jsonb", [float("nan")]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type jsonb and cannot hold this object:",
        lambda lab: lab.engine.execute("SELECT $1::jsonb", [object()]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type numeric and cannot hold this str: it",
        lambda lab: lab.engine.execute("SELECT $1::numeric", ["secret"]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type uuid and cannot hold this str: it is",
        lambda lab: lab.engine.execute("SELECT $1::uuid", ["secret"]),
    ),
    *refused(
        StatementError,
        "could not determine data type of parameter $1",
        lambda lab: lab.engine.execute("SELECT $2::int", [1]),
        lambda lab: lab.engine.execute("SELECT $99999", [1]),
    ),
    *refused(
        StatementError,
        "could not determine data type of parameter $2",
        lambda lab: lab.engine.execute("SELECT $1::int, $3::int", [1, 2, 3]),
    ),
    *refused(
        StatementError,
        "there is no parameter $0",
        lambda lab: lab.engine.execute("SELECT $0", [1]),
    ),
    *refused(
        StatementError,
        "target lists can have at most 1664 entries",
        lambda lab: lab.engine.execute(
            "SELECT " + ",".join(f"${i}::int" for i in range(1, 32769)), list(range(32768))
        ),
    ),
    *refused(
        DataError,
        "division by zero",
        lambda lab: lab.engine.execute("SELECT 1/0"),
    ),
    *refused(
        StatementError,
        'relation "nope" does not exist',
        lambda lab: lab.engine.execute("SELECT * FROM nope"),
    ),
    *refused(
        UsageError,
        "COMMIT cannot be sent as a statement: use `async with",
        lambda lab: lab.engine.execute("COMMIT"),
        lambda lab: lab.engine.execute_many("COMMIT", [[]]),
    ),
    *refused(
        UsageError,
        "COPY from STDIN or to STDOUT needs a stream of data: use copy_in()",
        lambda lab: lab.engine.execute("COPY users TO STDOUT"),
    ),
    *refused(
        ConfigurationError,
        "timeout='x': give seconds above 0",
        lambda lab: lab.engine.execute("SELECT 1", timeout="x"),
    ),
    *refused(
        ConfigurationError,
        "timeout=-1: give seconds above 0",
        lambda lab: lab.engine.execute("SELECT 1", timeout=-1),
    ),
    *refused(
        ConfigurationError,
        "timeout=0: give seconds above 0",
        lambda lab: lab.engine.execute("SELECT 1", timeout=0),
    ),
    *refused(
        QueryCanceled,
        "the statement took longer than its timeout",
        lambda lab: lab.engine.execute("SELECT pg_sleep(1)", timeout=0.05),
    ),
    *refused(
        ConfigurationError,
        "timeout=nan: give seconds above 0",
        lambda lab: lab.engine.execute("SELECT 1", timeout=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "timeout=True: give seconds above 0",
        lambda lab: lab.engine.execute("SELECT 1", timeout=True),
    ),
    *refused(
        UsageError,
        "rows must be a list of lists of parameters, not NoneType",
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", None),
    ),
    *refused(
        UsageError,
        "rows must be a list of lists of parameters, not int",
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", 5),
    ),
    *refused(
        UsageError,
        "rows must be a list of lists of parameters, not str",
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", "ab"),
    ),
    *refused(
        InvalidValue,
        "parameter $1 of row 2 is of type text and cannot hold this",
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [["a"], [1]]),
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [["a"], [HALF]]),
    ),
    *refused(
        DataError,
        'invalid byte sequence for encoding "...": 0x00',
        lambda lab: lab.engine.execute_many(
            "INSERT INTO tags (name) VALUES ($1)", [["a"], ["a\0"]]
        ),
    ),
    *refused(
        UniqueViolation,
        'duplicate key value violates unique constraint "tags_name_key"',
        lambda lab: lab.engine.execute_many("INSERT INTO tags (name) VALUES ($1)", [["q"], ["q"]]),
    ),
    *refused(
        UsageError,
        "the server expects 0 arguments for this query, 1 was passed",
        lambda lab: lab.engine.execute_many("", [[1]]),
        lambda lab: lab.engine.execute_many("CREATE TABLE x$1 (a int)", [[1]]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 of row 1 is of type int4 and cannot hold this",
        lambda lab: lab.engine.execute_many("SELECT $1::int", [[10**5000]]),
    ),
    *refused(
        InvalidValue,
        "parameter $1 is of type text and cannot hold this int: it",
        lambda lab: lab.engine.execute_many(
            "WITH a AS (SELECT 1) INSERT INTO tags (name) VALUES ($1)", [["w"], [1]]
        ),
    ),
    *refused(
        InvalidValue,
        "parameter $1 of row 1 is of type text and cannot hold this",
        lambda lab: lab.session.execute_raw_many("INSERT INTO tags (name) VALUES ($1)", [[5]]),
    ),
]


@pytest.mark.parametrize("case", numbered(STATEMENTS))
async def test_a_wrong_statement_or_parameter_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
