"""Wrong options of engines and transactions, and engines that were closed."""

from __future__ import annotations

import pytest

import examples.blog.db as blog
from examples.blog.db import Tag, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    ConnectionFailed,
    DataError,
    EmbeddedServer,
    EmbeddedServerError,
    PoolClosed,
    StatementError,
    Transaction,
    UsageError,
    allow_repeats,
    capture_statements,
    create_engine,
    current_session,
    detect_repeats,
    inspect,
    query_budget,
)
from tests.reliability.bad_inputs.cases import HALF, Case, Lab, check_refused, numbered, refused


async def count_users(tx: Transaction) -> int:
    return await tx.query(User).count()


async def listen(event: object) -> None:
    return None


ENGINES = [
    *refused(
        ConfigurationError, "listen() needs one of on_statement", lambda lab: lab.engine.listen()
    ),
    *refused(
        ConfigurationError,
        "on_statement='print': give a function",
        lambda lab: lab.engine.listen(on_statement="print"),
    ),
    *refused(
        ConfigurationError,
        "on_statement is an async function",
        lambda lab: lab.engine.listen(on_statement=listen),
    ),
    *refused(
        UsageError,
        "capture_statements() takes an engine, not AsyncSession",
        lambda lab: capture_statements(lab.session).__enter__(),
    ),
    *refused(
        UsageError,
        "detect_repeats() takes an engine, not AsyncSession",
        lambda lab: detect_repeats(lab.session),
    ),
    *refused(
        UsageError,
        "query_budget() takes an engine, not AsyncSession",
        lambda lab: query_budget(lab.session, 3),
    ),
    *refused(
        UsageError,
        "allow_repeats() takes the reason",
        lambda lab: allow_repeats("").__enter__(),
    ),
    *refused(
        UsageError,
        "inspect() takes an engine, not AsyncSession",
        lambda lab: inspect(lab.session),
    ),
    *refused(
        ConfigurationError,
        "the URL has no scheme: it must begin with one of postgresql://,",
        lambda lab: create_engine("ada:nope@host"),
    ),
    *refused(
        ConfigurationError,
        "the URL is empty: is the variable set that it comes from?",
        lambda lab: create_engine(""),
    ),
    *refused(
        ConfigurationError,
        "the URL must be a string (str), not NoneType",
        lambda lab: create_engine(None),
    ),
    *refused(
        ConfigurationError,
        "the URL must be a string (str), not int",
        lambda lab: create_engine(5),
    ),
    *refused(
        ConfigurationError,
        "the URL must be a string (str), not bytes",
        lambda lab: create_engine(b"postgresql://x"),
    ),
    *refused(
        ConfigurationError,
        "the URL begins with 'mysql': it must begin with one of postgresql://,",
        lambda lab: create_engine("mysql://localhost/x"),
    ),
    *refused(
        ConnectionFailed,
        "cannot connect: ",
        lambda lab: create_engine("postgresql://localhost:1/x?nope=1"),
        lambda lab: create_engine("postgresql://localhost:1/x"),
    ),
    *refused(
        ConfigurationError,
        "the URL cannot be read: check its host and port, and that",
        lambda lab: create_engine("postgresql://localhost:notaport/x"),
        lambda lab: create_engine("postgresql://[::1/x"),
    ),
    *refused(
        ConfigurationError,
        "the URL has port 99999: give one from 1 to 65535",
        lambda lab: create_engine("postgresql://localhost:99999/x"),
    ),
    *refused(
        ConfigurationError,
        "`sslmode` parameter must be one of: disable, allow, prefer,",
        lambda lab: create_engine("postgresql://localhost:1/x?sslmode=nope"),
    ),
    *refused(
        ConfigurationError,
        "target_session_attrs must be one of any, primary, standby,",
        lambda lab: create_engine("postgresql://localhost:1/x?target_session_attrs=nope"),
    ),
    *refused(
        ConfigurationError,
        "the URL cannot be used: it holds the character NUL, which",
        lambda lab: create_engine("postgresql://localhost:1/a\0b"),
    ),
    *refused(
        ConfigurationError,
        "the URL cannot be used: it holds half of a surrogate pair,",
        lambda lab: create_engine("postgresql://localhost:1/\ud800"),
    ),
    *refused(
        EmbeddedServerError,
        "embedded:// needs a directory, as in embedded://.pgdata",
        lambda lab: create_engine("embedded://"),
    ),
    *refused(
        EmbeddedServerError,
        "'../x' is no name of a directory: leave out the path",
        lambda lab: EmbeddedServer.scratch("../x"),
    ),
    *refused(
        EmbeddedServerError,
        "cannot start PostgreSQL in /dev/null/x: ",
        lambda lab: create_engine("embedded:///dev/null/x"),
    ),
    *refused(
        ConfigurationError,
        "min_connections=-1: give a whole number, at least 0",
        lambda lab: lab.open(min_connections=-1),
    ),
    *refused(
        ConfigurationError,
        "min_connections=5, max_connections=3: give 0 <=",
        lambda lab: lab.open(min_connections=5, max_connections=3),
    ),
    *refused(
        ConfigurationError,
        "min_connections=1, max_connections=0: give 0 <=",
        lambda lab: lab.open(max_connections=0),
    ),
    *refused(
        ConfigurationError,
        "max_connections='5': give a whole number, at least 0",
        lambda lab: lab.open(max_connections="5"),
    ),
    *refused(
        ConfigurationError,
        "min_connections=None: give a whole number, at least 0",
        lambda lab: lab.open(min_connections=None),
    ),
    *refused(
        ConfigurationError,
        "max_connections=1.5: give a whole number, at least 0",
        lambda lab: lab.open(max_connections=1.5),
    ),
    *refused(
        ConfigurationError,
        "max_connections=inf: give a whole number, at least 0",
        lambda lab: lab.open(max_connections=float("inf")),
    ),
    *refused(
        ConfigurationError,
        "max_connections=nan: give a whole number, at least 0",
        lambda lab: lab.open(max_connections=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "min_connections=True: give a whole number, at least 0",
        lambda lab: lab.open(min_connections=True),
    ),
    *refused(
        ConfigurationError,
        "acquire_timeout=0: give seconds above 0, or None",
        lambda lab: lab.open(acquire_timeout=0),
    ),
    *refused(
        ConfigurationError,
        "acquire_timeout=-1: give seconds above 0, or None",
        lambda lab: lab.open(acquire_timeout=-1),
    ),
    *refused(
        ConfigurationError,
        "acquire_timeout='5': give seconds above 0, or None",
        lambda lab: lab.open(acquire_timeout="5"),
    ),
    *refused(
        ConfigurationError,
        "acquire_timeout=nan: give seconds above 0, or None",
        lambda lab: lab.open(acquire_timeout=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "acquire_timeout=1000000000000000000000000000000000000000000000",
        lambda lab: lab.open(acquire_timeout=10**400),
    ),
    *refused(
        ConfigurationError,
        "idle_lifetime=0: give seconds above 0, or None",
        lambda lab: lab.open(idle_lifetime=0),
    ),
    *refused(
        ConfigurationError,
        "idle_lifetime='x': give seconds above 0, or None",
        lambda lab: lab.open(idle_lifetime="x"),
    ),
    *refused(
        ConfigurationError,
        "max_lifetime=-1: give seconds above 0, or None",
        lambda lab: lab.open(max_lifetime=-1),
    ),
    *refused(
        ConfigurationError,
        "max_lifetime=[]: give seconds above 0, or None",
        lambda lab: lab.open(max_lifetime=[]),
    ),
    *refused(
        ConfigurationError,
        "reconnect_timeout=-1: give seconds, at least 0",
        lambda lab: lab.open(reconnect_timeout=-1),
    ),
    *refused(
        ConfigurationError,
        "reconnect_timeout=None: give seconds, at least 0",
        lambda lab: lab.open(reconnect_timeout=None),
    ),
    *refused(
        ConfigurationError,
        "reconnect_timeout='x': give seconds, at least 0",
        lambda lab: lab.open(reconnect_timeout="x"),
    ),
    *refused(
        ConfigurationError,
        "reconnect_timeout=nan: give seconds, at least 0",
        lambda lab: lab.open(reconnect_timeout=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "leak_threshold=0: give seconds above 0, or None",
        lambda lab: lab.open(leak_threshold=0),
    ),
    *refused(
        ConfigurationError,
        "leak_threshold='x': give seconds above 0, or None",
        lambda lab: lab.open(leak_threshold="x"),
    ),
    *refused(
        ConfigurationError,
        "connect_timeout=0: give seconds above 0",
        lambda lab: lab.open(connect_timeout=0),
    ),
    *refused(
        ConfigurationError,
        "connect_timeout=-1: give seconds above 0",
        lambda lab: lab.open(connect_timeout=-1),
    ),
    *refused(
        ConfigurationError,
        "connect_timeout='x': give seconds above 0",
        lambda lab: lab.open(connect_timeout="x"),
    ),
    *refused(
        ConfigurationError,
        "connect_timeout=None: give seconds above 0",
        lambda lab: lab.open(connect_timeout=None),
    ),
    *refused(
        ConfigurationError,
        "connect_timeout=nan: give seconds above 0",
        lambda lab: lab.open(connect_timeout=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "statement_timeout=-1: give seconds, less than 2147483, or None",
        lambda lab: lab.open(statement_timeout=-1),
    ),
    *refused(
        ConfigurationError,
        "statement_timeout='x': give seconds, less than 2147483, or",
        lambda lab: lab.open(statement_timeout="x"),
    ),
    *refused(
        ConfigurationError,
        "statement_timeout=nan: give seconds, less than 2147483, or",
        lambda lab: lab.open(statement_timeout=float("nan")),
    ),
    *refused(
        ConfigurationError,
        "statement_timeout=inf: give seconds, less than 2147483, or",
        lambda lab: lab.open(statement_timeout=float("inf")),
    ),
    *refused(
        ConfigurationError,
        "statement_timeout=1000000000: give seconds, less than",
        lambda lab: lab.open(statement_timeout=10**9),
    ),
    *refused(
        ConfigurationError,
        "application_name cannot be set: it takes a str, not NoneType",
        lambda lab: lab.open(application_name=None),
    ),
    *refused(
        ConfigurationError,
        "application_name cannot be set: it takes a str, not int",
        lambda lab: lab.open(application_name=5),
    ),
    *refused(
        ConfigurationError,
        "application_name cannot be set: it holds the character NUL,",
        lambda lab: lab.open(application_name="a\0b"),
    ),
    *refused(
        ConfigurationError,
        "application_name cannot be set: it holds half of a surrogate",
        lambda lab: lab.open(application_name=HALF),
    ),
    *refused(
        ConfigurationError,
        "statement_cache_size=-1: give a whole number, at least 0",
        lambda lab: lab.open(statement_cache_size=-1),
    ),
    *refused(
        ConfigurationError,
        "statement_cache_size='x': give a whole number, at least 0",
        lambda lab: lab.open(statement_cache_size="x"),
    ),
    *refused(
        ConfigurationError,
        "statement_cache_size=None: give a whole number, at least 0",
        lambda lab: lab.open(statement_cache_size=None),
    ),
    *refused(
        ConfigurationError,
        "statement_cache_size=1.5: give a whole number, at least 0",
        lambda lab: lab.open(statement_cache_size=1.5),
    ),
    *refused(
        ConfigurationError,
        "statement_cache_size=True: give a whole number, at least 0",
        lambda lab: lab.open(statement_cache_size=True),
    ),
    *refused(
        ConfigurationError,
        "server_settings must be a dict of parameters and their values, not",
        lambda lab: lab.open(server_settings="x"),
        lambda lab: lab.open(server_settings=5),
        lambda lab: lab.open(server_settings=[("a", "b")]),
    ),
    *refused(
        ConfigurationError,
        "the server refused a parameter of the URL or a connection setting:",
        lambda lab: lab.open(server_settings={"nope": "x"}),
        lambda lab: lab.open(server_settings={"work_mem": "lots"}),
    ),
    *refused(
        ConfigurationError,
        "server_settings['work_mem'] cannot be set: it takes a str,",
        lambda lab: lab.open(server_settings={"work_mem": 5}),
        lambda lab: lab.open(server_settings={"work_mem": None}),
    ),
    *refused(
        ConfigurationError,
        "server_settings: 5 is not a PostgreSQL parameter",
        lambda lab: lab.open(server_settings={5: "x"}),
    ),
    *refused(
        ConfigurationError,
        "server_settings: 'a\\x00' is not a PostgreSQL parameter",
        lambda lab: lab.open(server_settings={"a\0": "x"}),
    ),
    *refused(
        ConfigurationError,
        "server_settings['work_mem'] cannot be set: it holds the",
        lambda lab: lab.open(server_settings={"work_mem": "1\0"}),
    ),
    *refused(
        ConfigurationError,
        "server_settings['app.x'] cannot be set: it holds half of a",
        lambda lab: lab.open(server_settings={"app.x": HALF}),
    ),
    *refused(
        ConfigurationError,
        "server_settings: '' is not a PostgreSQL parameter",
        lambda lab: lab.open(server_settings={"": "x"}),
    ),
    *refused(
        ConfigurationError,
        "init=5: give an async function that takes a new connection",
        lambda lab: lab.open(init=5),
    ),
    *refused(
        ConfigurationError,
        "init='x': give an async function that takes a new connection",
        lambda lab: lab.open(init="x"),
    ),
    *refused(
        ConfigurationError,
        "create_engine(init=...) awaits the result of its function, and that is",
        lambda lab: lab.open(init=lambda c: None),
    ),
]


@pytest.mark.parametrize("case", numbered(ENGINES))
async def test_a_wrong_option_of_an_engine_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


TRANSACTIONS = [
    *refused(
        ConfigurationError,
        "isolation='nope': it must be one of 'read committed', 'repeatable",
        lambda lab: lab.session.begin(isolation="nope"),
        lambda lab: lab.session.run(count_users, isolation="nope"),
    ),
    *refused(
        ConfigurationError,
        "isolation='SERIALIZABLE': it must be one of 'read committed',",
        lambda lab: lab.session.begin(isolation="SERIALIZABLE"),
    ),
    *refused(
        ConfigurationError,
        "isolation=5: it must be one of 'read committed', 'repeatable",
        lambda lab: lab.session.begin(isolation=5),
    ),
    *refused(
        ConfigurationError,
        "isolation=[]: it must be one of 'read committed', 'repeatable",
        lambda lab: lab.session.begin(isolation=[]),
    ),
    *refused(
        ConfigurationError,
        "settings must be a dict of parameters and their values, not str",
        lambda lab: lab.session.begin(settings="x"),
    ),
    *refused(
        ConfigurationError,
        "settings must be a dict of parameters and their values, not int",
        lambda lab: lab.session.begin(settings=5),
    ),
    *refused(
        ConfigurationError,
        "settings must be a dict of parameters and their values, not list",
        lambda lab: lab.session.begin(settings=[("a", "b")]),
    ),
    *refused(
        ConfigurationError,
        "settings: 'nope nope' is not a PostgreSQL parameter; write",
        lambda lab: lab.session.begin(settings={"nope nope": "x"}),
    ),
    *refused(
        ConfigurationError,
        "settings: the value of 'app.x' must be a string (str), not int: pass",
        lambda lab: lab.session.begin(settings={"app.x": 5}),
    ),
    *refused(
        ConfigurationError,
        "settings: the value of 'app.x' must be a string (str), not",
        lambda lab: lab.session.begin(settings={"app.x": None}),
    ),
    *refused(
        ConfigurationError,
        "settings: the value of 'app.x' cannot be sent: it holds the",
        lambda lab: lab.session.begin(settings={"app.x": "a\0"}),
    ),
    *refused(
        ConfigurationError,
        "settings: the value of 'app.x' cannot be sent: it holds half",
        lambda lab: lab.session.begin(settings={"app.x": HALF}),
        lambda lab: (lab.session.begin(settings={"app.x": HALF})),
    ),
    *refused(
        ConfigurationError,
        "settings: 5 is not a PostgreSQL parameter; write 'work_mem', or",
        lambda lab: lab.session.begin(settings={5: "x"}),
    ),
    *refused(
        ConfigurationError,
        "settings: 'app.a\\x00' is not a PostgreSQL parameter; write",
        lambda lab: lab.session.begin(settings={"app.a\0": "x"}),
    ),
    *refused(
        StatementError,
        'unrecognized configuration parameter "nope"',
        lambda lab: (lab.session.begin(settings={"nope": "x"})),
    ),
    *refused(
        DataError,
        'invalid value for parameter "..."',
        lambda lab: (lab.session.begin(settings={"work_mem": "lots"})),
    ),
    *refused(
        UsageError,
        "run() takes an async function that takes a transaction, not NoneType",
        lambda lab: lab.session.run(None),
    ),
    *refused(
        UsageError,
        "run() takes an async function that takes a transaction, not int",
        lambda lab: lab.session.run(5),
    ),
    *refused(
        UsageError,
        "run() awaits the result of its function, and that is int: give an",
        lambda lab: lab.session.run(lambda tx: 1),
    ),
    *refused(
        ConfigurationError,
        "retries=-1: give a whole number, at least 0",
        lambda lab: lab.session.run(count_users, retries=-1),
    ),
    *refused(
        ConfigurationError,
        "retries='x': give a whole number, at least 0",
        lambda lab: lab.session.run(count_users, retries="x"),
    ),
    *refused(
        ConfigurationError,
        "retries=None: give a whole number, at least 0",
        lambda lab: lab.session.run(count_users, retries=None),
    ),
    *refused(
        ConfigurationError,
        "retries=1.5: give a whole number, at least 0",
        lambda lab: lab.session.run(count_users, retries=1.5),
    ),
    *refused(
        ConfigurationError,
        "settings: 'x y' is not a PostgreSQL parameter; write",
        lambda lab: lab.engine.run(count_users, settings={"x y": "1"}),
    ),
    *refused(
        UsageError,
        "a session takes an engine from create_engine(), not",
        lambda lab: AsyncSession(None),
        lambda lab: AsyncSession("x").query(User),
        lambda lab: AsyncSession(None).get(User, 1),
        lambda lab: AsyncSession(lab.session).get(User, 1),
    ),
    *refused(
        UsageError,
        "there is no current session: enter `async with",
        lambda lab: current_session(),
    ),
]


@pytest.mark.parametrize("case", numbered(TRANSACTIONS))
async def test_a_wrong_option_of_a_transaction_is_refused(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)


CLOSED = [
    *refused(
        PoolClosed,
        "the engine is closed",
        lambda lab: lab.closed.get(User, 1),
        lambda lab: lab.closed.query(User),
        lambda lab: lab.closed.query(User).count(),
        lambda lab: lab.closed.insert(User(name="x")),
        lambda lab: lab.closed.insert_all([User(name="x")]),
        lambda lab: lab.closed.insert_all([User(name="x"), Tag(name="y")]),
        lambda lab: lab.closed.update(lab.ada, age=1),
        lambda lab: lab.closed.bulk_update([lab.ada], ["age"]),
        lambda lab: lab.closed.upsert(lab.ada),
        lambda lab: lab.closed.remove(lab.ada),
        lambda lab: lab.closed.load(lab.ada, User.posts),
        lambda lab: lab.closed.related(lab.ada, User.posts).add(lab.post),
        lambda lab: lab.closed.execute_raw("SELECT 1"),
        lambda lab: lab.closed.execute_raw_many("SELECT 1", [[]]),
        lambda lab: lab.closed.copy_in(Tag, [Tag(name="z")]),
        lambda lab: lab.closed.copy_out(Tag, "/dev/null"),
        lambda lab: (lab.closed.begin()),
        lambda lab: (lab.closed.query(User).stream()),
        lambda lab: (lab.closed.query(User).iterate()),
        lambda lab: lab.closed.engine.execute("SELECT 1"),
        lambda lab: lab.closed.engine.create_all(blog.SCHEMA),
        lambda lab: lab.closed.engine.run(count_users),
    ),
]


@pytest.mark.parametrize("case", numbered(CLOSED))
async def test_a_closed_engine_refuses_everything(lab: Lab, case: Case) -> None:
    await check_refused(lab, case)
