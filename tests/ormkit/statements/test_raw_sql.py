"""Raw SQL: how many rows a statement concerned, and one statement over many rows."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from examples.blog.db import Tag
from ormkit import (
    AsyncSession,
    DatabaseError,
    Engine,
    InvalidValue,
    MultipleFound,
    NewConnection,
    TransactionClosed,
    TransactionEnded,
    UniqueViolation,
    UsageError,
    create_engine,
)
from ormkit.postgres.leading_keywords import leading_keywords
from ormkit.statements import raw_sql
from tests.servers import Server
from tests.statements import Statements

INSERT = "INSERT INTO tags (name) VALUES ($1)"
MERGE = (
    "MERGE INTO tags USING (SELECT $1::text AS name) AS given ON tags.name = given.name "
    "WHEN MATCHED THEN UPDATE SET name = given.name || '!' "
    "WHEN NOT MATCHED THEN INSERT (name) VALUES (given.name)"
)


@pytest.fixture
def any_url(any_server: Server) -> Iterator[str]:
    """The URL of an empty database, on each of the servers."""
    with any_server.database() as url:
        yield url


async def names(engine: Engine) -> list[Any]:
    return (await engine.execute("SELECT name FROM tags ORDER BY id")).column()


async def test_rowcount_tells_what_each_kind_of_statement_did(any_url: str) -> None:
    async with await create_engine(any_url) as engine:

        async def rowcount(sql: str) -> int:
            return (await engine.execute(sql)).rowcount

        assert await rowcount("CREATE TABLE t (n int)") == 0
        assert await rowcount("INSERT INTO t SELECT generate_series(1, 5)") == 5
        assert await rowcount("INSERT INTO t VALUES (6), (7) RETURNING n") == 2
        assert await rowcount("UPDATE t SET n = n + 10 WHERE n < 5") == 4
        assert await rowcount("UPDATE t SET n = n WHERE n = 0") == 0
        assert await rowcount("DELETE FROM t WHERE n = 7") == 1
        assert await rowcount("SELECT * FROM t LIMIT 2") == 2
        assert await rowcount("WITH x AS (SELECT * FROM t) SELECT * FROM x") == 6
        assert await rowcount("VALUES (1), (2), (3)") == 3
        assert await rowcount("TABLE t") == 6
        assert (
            await rowcount(
                "MERGE INTO t USING (VALUES (11), (99)) AS v (n) ON t.n = v.n "
                "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.n)"
            )
            == 2
        )
        assert await rowcount("CREATE TABLE u AS SELECT * FROM t") == 6
        assert await rowcount("CREATE MATERIALIZED VIEW v AS SELECT * FROM t") == 6
        assert await rowcount("COPY t TO '/dev/null'") == 6
        assert await rowcount("EXPLAIN (COSTS OFF) SELECT 1") == 1
        assert await rowcount("SHOW work_mem") == 1
        assert await rowcount("TRUNCATE t") == 0
        assert await rowcount("DO $$BEGIN END$$") == 0
        assert await rowcount("") == 0


async def test_many_rows_go_out_as_one_statement_and_are_counted(engine: Engine) -> None:
    await engine.execute("SELECT 1")
    with Statements(engine) as sent:
        result = await engine.execute_many(INSERT, ([f"tag {n}"] for n in range(100)))
    assert len(sent) == 1
    assert (result.rowcount, len(result)) == (100, 0)
    assert await names(engine) == [f"tag {n}" for n in range(100)]
    result = await engine.execute_many("UPDATE tags SET name = name WHERE id > $1;", [[90], [98]])
    assert result.rowcount == 12
    result = await engine.execute_many("DELETE FROM tags WHERE id = $1 -- one", [[1], [2], [2]])
    assert result.rowcount == 2


async def test_rows_that_come_back_are_all_in_the_result(engine: Engine) -> None:
    result = await engine.execute_many(f"{INSERT} RETURNING id, name", [["a"], ["b"]])
    assert result.tuples() == [(1, "a"), (2, "b")]
    assert result.rowcount == 2
    result = await engine.execute_many("SELECT generate_series(1, $1::int) AS n", [[2], [0], [3]])
    assert (result.column("n"), result.rowcount) == ([1, 2, 1, 2, 3], 5)


@pytest.mark.parametrize(
    "sql", [INSERT, MERGE, f"{INSERT} ; -- and done", f"WITH x AS (SELECT 1) {INSERT}"]
)
async def test_all_rows_are_kept_or_none(any_url: str, sql: str) -> None:
    async with await create_engine(any_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE tags (id serial, name text CHECK (name > ''))")
        assert (await engine.execute_many(sql, [["a"], ["b"]])).rowcount == 2
        with pytest.raises(Exception, match="violates"):
            await engine.execute_many(sql, [["c"], ["d"], [""]])
        assert await names(engine) == ["a", "b"]
        assert (await engine.execute_many(sql, [])).rowcount == 0


async def test_merge_over_many_rows_counts_them(engine: Engine) -> None:
    await engine.execute_many(INSERT, [["a"], ["b"]])
    result = await engine.execute_many(MERGE, [["a"], ["c"], ["d"]])
    assert result.rowcount == 3
    assert sorted(await names(engine)) == ["a!", "b", "c", "d"]


async def test_many_rows_take_part_in_the_transaction(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError):
        async with session.begin() as tx:
            assert (await session.execute_raw_many(INSERT, [["a"], ["b"]])).rowcount == 2
            assert (await tx.execute_raw_many(MERGE, [["a"], ["c"]])).rowcount == 2
            raise RuntimeError
    assert await names(session.engine) == []
    assert (await session.execute_raw_many(INSERT, [["a"]])).rowcount == 1
    assert await names(session.engine) == ["a"]


async def test_a_refused_row_is_named_without_its_value(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match=r"\$1 of row 3 is of type int4 .* this str") as caught:
        await engine.execute_many(
            "INSERT INTO users (name, age) VALUES ('x', $1)", [[1], [2], ["secret"]]
        )
    assert "secret" not in str(caught.value)
    assert (await engine.execute("SELECT count(*) FROM users")).scalar() == 0


@pytest.mark.parametrize("rows", ["text", 3, [1], ["ab"], [{"a": 1}]])
async def test_rows_of_parameters_are_lists(engine: Engine, rows: Any) -> None:
    with pytest.raises(UsageError, match=r"rows must be a list|parameters must be a list"):
        await engine.execute_many(INSERT, rows)


async def test_many_rows_cancelled_in_the_middle_leave_a_clean_connection(
    database_url: str,
) -> None:
    async with await create_engine(database_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE t (n int)")
        sql = "INSERT INTO t SELECT $1 FROM pg_sleep(0.05)"
        task = asyncio.create_task(engine.execute_many(sql, [[n] for n in range(200)]))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.execute("SELECT count(*) FROM t")).scalar() == 0


@pytest.mark.parametrize("sql", ["COPY tags FROM STDIN", "copy tags (name)\nto stdout"])
async def test_copy_that_needs_the_client_is_refused(engine: Engine, sql: str) -> None:
    with pytest.raises(UsageError, match="copy_in"):
        await engine.execute(sql)


async def test_a_unique_key_is_held_over_many_rows(engine: Engine) -> None:
    with pytest.raises(UniqueViolation):
        await engine.execute_many(INSERT, [["a"], ["a"]])


#: What may stand before the first word of a statement.
GAPS = (" ", "\t", "\n", "\r", "\f", "\v", ";", "-- x\n", "-- x\r", "--\n", "/**/", "/* x */")
NESTED = ("/*/**/*/", "/* /* ; */ -- */", "/*--*/", "/***/", "/*/ */", "-- /*\n", "--'\r", "/*'*/")
#: Each way to begin, end or mark a transaction, with what stands before.
TAKING_OVER = (
    *("COMMIT", "commit", "END", "ROLLBACK", "ABORT", "BEGIN", "START TRANSACTION", "COMMIT WORK"),
    *("COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "ROLLBACK TO ormkit_1", "RELEASE SAVEPOINT a"),
    *("SAVEPOINT a", "PREPARE TRANSACTION 'a'", "PREPARE/**/transaction 'a'", "COMMIT;", "END--"),
    *("COMMIT PREPARED 'a'", "ROLLBACK PREPARED 'a'", "BeGiN/*"),
)


@pytest.mark.parametrize("words", TAKING_OVER)
async def test_transaction_words_are_refused_whatever_stands_before(
    engine: Engine, session: AsyncSession, words: str
) -> None:
    gaps = ["".join(pair) for pair in itertools.product((*GAPS, *NESTED), repeat=2)]
    for gap in gaps:
        with pytest.raises(UsageError, match="cannot be sent as a statement"):
            await engine.execute(f"{gap}{words}")
    async with session.begin() as tx:
        await tx.insert(Tag(name="kept"))
        for gap in gaps[::7]:
            with pytest.raises(UsageError, match="begin"):
                await tx.execute_raw(f"{gap}{words}")
            with pytest.raises(UsageError, match="begin"):
                await session.execute_raw_many(f"{gap}{words}", [[]])
    assert await names(engine) == ["kept"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", ("", "")),
        (" ; ;; ", ("", "")),
        ("(SELECT 1)", ("", "")),
        ("/* never ended", ("", "")),
        ("/* /* */ COMMIT", ("", "")),
        ("-- COMMIT", ("", "")),
        ("\N{NO-BREAK SPACE}COMMIT", ("\N{NO-BREAK SPACE}COMMIT", "")),
        ("commits", ("COMMITS", "")),
        ("commit_1", ("COMMIT_1", "")),
        ("commit$", ("COMMIT$", "")),
        ('"commit"', ("", "")),
        ("select/**/1", ("SELECT", "")),
        ("prepare;transaction", ("PREPARE", "")),
        ("with x as (select 1) select 2", ("WITH", "X")),
    ],
)
def test_the_first_words_are_those_that_postgresql_reads(sql: str, words: tuple[str, str]) -> None:
    assert leading_keywords(sql) == words


def generated_texts() -> Iterator[str]:
    """Yield long texts that make a search begin again and again."""
    size = 50_000
    pieces = (*GAPS, *NESTED, "/*", "*/", "*", "/", "-", "'", '"', "$", "$$", "(", ")", "x", "\\")
    endings = ("", "SELECT", "COMMIT", "COPY x", "INSERT", "'", ";x", "/*", "--")
    for beginning, piece in itertools.product(("", "COPY ", "INSERT ", "DELETE;", "$1 "), pieces):
        yield beginning + piece * (size // len(piece)) + random.Random(piece).choice(endings)
    known = random.Random(7)
    for _ in range(60):
        mixed = known.choices((*pieces, "COPY", "STDOUT", "SELECT ", "FOR", " UPDATE"), k=4)
        yield "".join(mixed) * (size // len("".join(mixed))) + known.choice(endings)


@pytest.mark.one_interpreter
@pytest.mark.slow
def test_looking_at_a_text_takes_time_in_proportion_to_its_length() -> None:
    begin = time.process_time()
    count = 0
    for count, text in enumerate(generated_texts(), 1):  # noqa: B007
        with contextlib.suppress(UsageError):
            raw_sql.check_lasting(text, raw_sql.check_statement(text))
        raw_sql.with_count(text)
        leading_keywords(text)
    # A square of one of these lengths would take minutes, an exponential more than there is.
    assert time.process_time() - begin < 0.1 * count


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be refused by its text, as if the words stood where nobody looks."""
    monkeypatch.setattr(raw_sql, "TAKES_OVER", set[str]())


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize(
    ("sql", "kept", "stored"),
    [
        ("COMMIT", "are committed", ["before"]),
        ("END", "are committed", ["before"]),
        ("COMMIT AND CHAIN", "are committed", ["before"]),
        ("ROLLBACK", "the writes of the block are lost", []),
        ("ROLLBACK AND CHAIN", "the writes of the block are lost", []),
        ("ABORT", "the writes of the block are lost", []),
        ("SAVEPOINT own", "the writes of the block are lost", []),
        ("BEGIN", "the writes of the block are lost", []),
    ],
)
@pytest.mark.parametrize("depth", ["outer", "nested"])
@pytest.mark.parametrize("way", ["one", "many"])
async def test_a_transaction_that_was_ended_underneath_says_what_was_kept(
    session: AsyncSession,
    engine: Engine,
    sql: str,
    kept: str,
    stored: list[str],
    depth: str,
    way: str,
) -> None:
    called: list[str] = []

    async def end(tx: Any) -> None:
        with pytest.raises(TransactionEnded, match=kept) as caught:
            await (tx.execute_raw(sql) if way == "one" else tx.execute_raw_many(sql, [[], []]))
        assert caught.value.is_committed is bool(stored)
        with pytest.raises(TransactionClosed):
            await tx.insert(Tag(name="after"))
        with pytest.raises(TransactionClosed):
            await tx.query(Tag).all()

    with pytest.raises((TransactionEnded, TransactionClosed)):
        async with session.begin() as tx:
            tx.after_commit(lambda: called.append("committed"))
            await tx.insert(Tag(name="before"))
            if depth == "outer":
                await end(tx)
            else:
                async with tx.begin() as inner:
                    await end(inner)
    assert await names(engine) == stored
    assert called == []
    async with session.begin() as tx:
        await tx.insert(Tag(name="next"))
    assert await names(engine) == [*stored, "next"]


@pytest.mark.usefixtures("unread")
async def test_a_block_does_not_end_in_silence_that_was_ended_underneath(
    session: AsyncSession,
) -> None:
    async def ended() -> None:
        async with session.begin() as tx:
            await tx.insert(Tag(name="before"))
            with pytest.raises(TransactionEnded):
                await tx.execute_raw("COMMIT")

    with pytest.raises(TransactionEnded, match="the earlier writes of the block are committed"):
        await ended()

    async def broken() -> None:
        async with session.begin() as tx:
            with pytest.raises(TransactionEnded):
                await tx.execute_raw("ROLLBACK")
            raise RuntimeError("the block's own")

    with pytest.raises(RuntimeError, match="own"):
        await broken()


@pytest.mark.usefixtures("unread")
async def test_a_stream_of_a_transaction_that_was_ended_reads_no_further(
    session: AsyncSession,
) -> None:
    await session.insert_all([Tag(name=f"{n}") for n in range(9)])
    with pytest.raises(TransactionEnded):
        async with session.begin() as tx:
            stream = aiter(tx.query(Tag).stream(chunk=1))
            assert (await anext(stream)).name == "0"
            with pytest.raises(TransactionEnded):
                await tx.execute_raw("COMMIT")
            with pytest.raises(TransactionClosed):
                await anext(stream)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("sql", ["BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK"])
async def test_a_pooled_statement_begins_and_ends_nothing(any_url: str, sql: str) -> None:
    async with await create_engine(any_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE t (n int)")
        with pytest.raises(UsageError, match="cannot be used outside a transaction"):
            await engine.execute(sql)
        await engine.execute("INSERT INTO t VALUES (1)")
        assert (await engine.execute("SELECT count(*) FROM t")).scalar() == 1
    async with await create_engine(any_url, max_connections=1) as engine:
        assert (await engine.execute("SELECT count(*) FROM t")).scalar() == 1

    async def init(connection: NewConnection) -> None:
        await connection.execute(sql)

    with pytest.raises(UsageError, match="cannot be used outside"):
        await create_engine(any_url, init=init)


@pytest.mark.parametrize("sql", ["CALL done($1)", "CALL answered($1, NULL)"])
async def test_a_procedure_that_commits_breaks_no_transaction(any_url: str, sql: str) -> None:
    async with await create_engine(any_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE t (n int CHECK (n < 5))")
        body = "LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (n); COMMIT; END $$"
        await engine.execute(f"CREATE PROCEDURE done(n int) {body}")
        await engine.execute(f"CREATE PROCEDURE answered(n int, OUT m int) {body}")
        await engine.execute(sql, [1])
        with pytest.raises(DatabaseError, match="invalid transaction termination"):
            await engine.execute_many(sql, [[2], [9]])
        with pytest.raises(DatabaseError, match="invalid transaction termination"):
            async with engine.transaction() as tx:
                await tx.execute_raw("INSERT INTO t VALUES (3)")
                await tx.execute_raw(sql, [4])
        assert (await engine.execute("SELECT n FROM t")).column() == [1]
        await engine.execute("DO $$BEGIN INSERT INTO t VALUES (2); COMMIT; END$$")
        assert (await engine.execute("SELECT n FROM t")).column() == [1, 2]


async def test_many_rows_go_through_a_rule_that_does_something_else(any_url: str) -> None:
    async with await create_engine(any_url, max_connections=1) as engine:
        await engine.execute("CREATE TABLE t (n int)")
        await engine.execute("CREATE VIEW v AS SELECT n FROM t")
        await engine.execute(
            "CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (new.n)"
        )
        await engine.execute("CREATE RULE u AS ON UPDATE TO v DO INSTEAD UPDATE t SET n = new.n")
        await engine.execute(
            "CREATE RULE d AS ON DELETE TO t WHERE old.n = 7 DO INSTEAD UPDATE t SET n = 8"
        )
        sql = "INSERT INTO v VALUES ($1)"
        assert (await engine.execute_many(sql, [[1], [2]])).rowcount == 2
        async with engine.transaction() as tx:
            await tx.execute_raw("INSERT INTO t VALUES (3)")
            assert (await tx.execute_raw_many(sql, [[4], [5]])).rowcount == 2
            async with tx.begin() as inner:
                assert (await inner.execute_raw_many(sql, [[6]])).rowcount == 1
        with pytest.raises(DatabaseError):
            await engine.execute_many("INSERT INTO v VALUES (10 / $1)", [[1], [0]])
        assert (await engine.execute("SELECT n FROM t")).column() == [1, 2, 3, 4, 5, 6]
        await engine.execute_many("UPDATE v SET n = $1", [[7]])
        await engine.execute_many("DELETE FROM t WHERE n = $1", [[7]])
        assert set((await engine.execute("SELECT n FROM t")).column()) == {8}


async def test_what_runs_in_turn_gives_its_rows_back(engine: Engine) -> None:
    result = await engine.execute_many("EXPLAIN (COSTS OFF) SELECT $1::int", [[1], [2]])
    assert result.column() == ["Result", "Result"]


async def test_raw_sql_over_many_rows_sees_what_the_code_changed(session: AsyncSession) -> None:
    tag = await session.insert(Tag(name="a"))
    async with session.begin() as tx:
        held = await tx.get_or_raise(Tag, tag.id)
        held.name = "b"
        result = await tx.execute_raw_many("SELECT name FROM tags WHERE id = $1", [[tag.id]])
        assert result.column() == ["b"]
        held.name = "c"
        await session.execute_raw_many("UPDATE tags SET name = name || $1", [["!"]])
    assert await names(session.engine) == ["c!"]


@pytest.mark.parametrize("before", ["", ";", "/* x */", "-- x\r"])
async def test_copy_behind_anything_is_refused(engine: Engine, before: str) -> None:
    with pytest.raises(UsageError, match="copy_in"):
        await engine.execute(f"{before}COPY tags FROM STDIN")


async def test_a_result_is_iterated_and_read_by_the_names_of_other_libraries(
    engine: Engine,
) -> None:
    result = await engine.execute("SELECT n, n * 2 AS twice FROM generate_series(1, 3) AS n")
    assert [row["twice"] for row in result] == [2, 4, 6]
    assert result.scalars() == [1, 2, 3]
    with pytest.raises(MultipleFound):
        result.one_or_none()
    one = await engine.execute("SELECT 1 AS n")
    assert one.one_or_none() == {"n": 1}
    none = await engine.execute("SELECT 1 WHERE false")
    assert (none.one_or_none(), none.scalars(), list(none)) == (None, [], [])
