"""COPY: rows into tables and out of queries, all or none."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import os
import stat
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import Post, PostStatus, Tag, User
from ormkit import (
    AsyncSession,
    DatabaseError,
    DataError,
    Engine,
    InvalidValue,
    MissingValue,
    NotNullViolation,
    StatementError,
    UniqueViolation,
    UnknownName,
    UsageError,
    create_engine,
)
from ormkit.postgres.identifiers import quote
from tests.proxy import Proxy

COUNT = "SELECT count(*) FROM tags"


async def test_objects_of_a_model_are_stored(session: AsyncSession) -> None:
    users = [User(name=f"user {n}", age=n if n % 2 else None) for n in range(1000)]
    assert await session.copy_in(User, users) == 1000
    stored = await session.query(User).order_by("id").all()
    assert [(each.name, each.age) for each in stored] == [(each.name, each.age) for each in users]
    assert stored[0].created_at is not None


async def test_values_of_every_kind_arrive(session: AsyncSession) -> None:
    ada = await session.insert(User(name="Ada"))
    made = Post(author=ada, title="t\t\\N\n", status=PostStatus.published, keywords=["a", "", "ü"])
    assert await session.copy_in(Post, [made]) == 1
    post = await session.query(Post).one()
    assert (post.author_id, post.title, post.status, post.keywords) == (
        ada.id,
        made.title,
        PostStatus.published,
        ["a", "", "ü"],
    )


async def test_tuples_are_stored_by_the_names_of_their_columns(engine: Engine) -> None:
    rows = [("a", 1), ("b", None)]
    assert await engine.copy_in("users", rows, columns=["name", "age"]) == 2
    assert await engine.copy_in("public.users", [["c", 3]], columns=["name", "age"]) == 1
    assert await engine.copy_in(User, iter([(4, "d")]), columns=["age", "name"]) == 1
    stored = await engine.execute("SELECT name, age FROM users ORDER BY id")
    assert stored.tuples() == [("a", 1), ("b", None), ("c", 3), ("d", 4)]


async def test_columns_are_given_by_themselves_or_by_name(engine: Engine) -> None:
    assert await engine.copy_in(User, [("a", 1)], columns=[User.name, "age"]) == 1
    users = await AsyncSession(engine).query(User).all()
    assert [(user.name, user.age) for user in users] == [("a", 1)]
    wrong: Any
    for wrong in (Post.title, "nmae", 3):
        with pytest.raises(UnknownName, match=r"User has no column .*nmae|Post\.title|3"):
            await engine.copy_in(User, [("a",)], columns=[wrong])


async def test_json_is_stored(database_url: str) -> None:
    value = {"a": [1, None, "ü"]}
    async with await create_engine(database_url) as engine:
        await engine.execute('CREATE TABLE "Odd ""table" (j json, "b b" jsonb, at timestamptz)')
        now = dt.datetime.now(dt.UTC)
        rows: list[tuple[object, ...]] = [(value, value, now), (None, [], None), (1, "x", None)]
        assert await engine.copy_in('Odd "table', rows, columns=["j", "b b", "at"]) == 3
        assert (await engine.execute('SELECT * FROM "Odd ""table"')).tuples() == rows


async def test_rows_may_come_from_an_asynchronous_generator(session: AsyncSession) -> None:
    async def tags() -> AsyncIterator[Tag]:
        for number in range(3):
            await asyncio.sleep(0)
            yield Tag(name=f"{number}")

    async def none() -> AsyncIterator[Tag]:
        for tag in ():
            yield tag

    assert await session.copy_in(Tag, tags()) == 3
    assert await session.copy_in(Tag, none()) == 0
    assert await session.copy_in(Tag, []) == 0
    assert await session.query(Tag).count() == 3


async def test_it_takes_part_in_the_transaction(session: AsyncSession) -> None:
    with pytest.raises(RuntimeError):
        async with session.begin() as tx:
            tx.add(Tag(name="added"))
            assert await session.copy_in(Tag, [Tag(name="a")]) == 1
            assert await tx.copy_in(Tag, [Tag(name="b")]) == 1
            out = io.BytesIO()
            assert await tx.copy_out("SELECT name FROM tags ORDER BY id", out) == 3
            assert out.getvalue() == b"added\na\nb\n"
            raise RuntimeError
    assert await session.query(Tag).count() == 0


async def test_all_rows_are_stored_or_none(engine: Engine) -> None:
    with pytest.raises(UniqueViolation) as caught:
        await engine.copy_in(Tag, [Tag(name="a"), Tag(name="b"), Tag(name="a")])
    assert caught.value.constraint is not None
    assert (await engine.execute(COUNT)).scalar() == 0


@pytest.mark.parametrize("place", [0, 1, 2000])
async def test_a_value_that_does_not_fit_is_named_by_column_and_row(
    engine: Engine, place: int
) -> None:
    rows: list[tuple[object, ...]] = [("x", 1)] * 3000
    rows[place] = ("x", "secret")
    with pytest.raises(InvalidValue, match=rf"^age \(row {place + 1}\) cannot take this str$"):
        await engine.copy_in("users", rows, columns=["name", "age"])
    users = [User(name="a"), User(name=3)]  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(InvalidValue, match=r"^User\.name \(row 2\) cannot take this int$"):
        await engine.copy_in(User, users)
    assert (await engine.execute("SELECT count(*) FROM users")).scalar() == 0


async def test_what_the_server_refuses_names_its_column(engine: Engine) -> None:
    with pytest.raises(NotNullViolation) as missing:
        await engine.copy_in("users", [(None,)], columns=["name"])
    assert missing.value.column == "name"
    with pytest.raises(Exception, match="too long") as long:
        await engine.copy_in("users", [("x" * 101,)], columns=["name"])
    assert getattr(long.value, "column", None) == "name"
    with pytest.raises(StatementError, match="does not exist"):
        await engine.copy_in("users", [("x",)], columns=["nmae"])
    with pytest.raises(StatementError, match="does not exist"):
        await engine.copy_in("usres", [("x",)], columns=["name"])


async def test_rows_of_another_shape_are_refused(engine: Engine) -> None:
    async def refused(kind: type[Exception], words: str, into: Any, rows: Any, **how: Any) -> None:
        with pytest.raises(kind, match=words):
            await engine.copy_in(into, rows, **how)

    await refused(
        UsageError, "takes objects of that model, not Post", User, [User(name="a"), Post(title="t")]
    )
    await refused(UsageError, "tuples need columns", User, [("a",)])
    await refused(UsageError, "a value in row 2", User, [User(name="a"), User(id=3, name="b")])
    await refused(MissingValue, "no value in row 2", User, [User(id=3, name="b"), User(name="a")])
    await refused(MissingValue, "Post.author_id", Post, [Post(title="t")])
    await refused(
        UsageError, "row 2 must have 1 values", "tags", [("a",), (1, 2)], columns=["name"]
    )
    await refused(UsageError, "row 1 must be a tuple", "tags", ["ab"], columns=["id", "name"])
    await refused(UsageError, "list of names", "tags", [("a",)], columns="name")
    await refused(UsageError, "list of names", "tags", [("a",)], columns=[])
    await refused(UnknownName, "did you mean 'name'", Tag, [("a",)], columns=["nam"])
    await refused(UsageError, "list or generator, not int", Tag, 3)
    await refused(UsageError, "is not a generated model", int, [3])
    assert (await engine.execute(COUNT)).scalar() == 0


async def test_an_error_of_the_source_comes_out_as_it_is(blog_url: str) -> None:
    def broken() -> Iterator[Tag]:
        yield Tag(name="a")
        raise FileNotFoundError("the source's own")

    async with await create_engine(blog_url, max_connections=1) as engine:
        with pytest.raises(FileNotFoundError):
            await engine.copy_in(Tag, broken())
        assert (await engine.execute(COUNT)).scalar() == 0


async def test_a_failed_copy_in_a_nested_block_leaves_the_transaction(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        await tx.insert(Tag(name="kept"))
        with pytest.raises(InvalidValue):
            async with session.begin():
                await session.copy_in("tags", [(3,)], columns=["name"])
        await tx.insert(Tag(name="too"))
    assert await session.query(Tag).count() == 2


@pytest.mark.slow
async def test_a_copy_that_is_cancelled_leaves_a_clean_connection(blog_url: str) -> None:
    async def endless() -> AsyncIterator[tuple[object]]:
        number = 0
        while True:
            number += 1
            if number % 50_000 == 0:
                await asyncio.sleep(0.01)
            yield (f"{number}",)

    async def slow(data: bytes) -> None:
        await asyncio.sleep(0.01)

    async with await create_engine(blog_url, max_connections=1) as engine:
        rows = "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"
        for work in (
            engine.copy_in("tags", endless(), columns=["name"]),
            engine.copy_out(rows, slow),
        ):
            task = asyncio.ensure_future(work)
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await engine.execute(COUNT)).scalar() == 0
        assert engine.pool.size == 1


@pytest.mark.parametrize("count", [1, 100_000])
async def test_a_sink_that_fails_is_undone_with_its_block_and_costs_no_time(
    session: AsyncSession, count: int
) -> None:
    """Also where the server has sent everything by then."""

    async def full(data: bytes) -> None:
        raise OSError("no space left")

    async with asyncio.timeout(2):
        async with session.begin() as tx:
            await tx.insert(Tag(name="before"))
            with pytest.raises(OSError, match="no space left"):
                async with session.begin() as inner:
                    await inner.insert(Tag(name="undone"))
                    await inner.copy_out(f"SELECT generate_series(1, {count})", full)
            await tx.insert(Tag(name="after"))
        with pytest.raises(OSError, match="no space left"):
            await session.copy_out(f"SELECT generate_series(1, {count})", full)
        names = await session.query(Tag).order_by("id").values_list(Tag.name)
    assert names == [("before",), ("after",)]


async def test_a_copy_that_a_dead_server_does_not_end_closes_its_connection(
    blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ormkit.driver.connection.ENDING_TIMEOUT", 0.1)

    async def full(data: bytes) -> None:
        proxy.freeze()
        raise OSError("no space left")

    async with Proxy(blog_url) as proxy, await create_engine(proxy.url) as engine:
        with pytest.raises(OSError, match="no space left"):
            async with asyncio.timeout(2):
                await engine.copy_out("SELECT generate_series(1, 1000000)", full)
        proxy.thaw()
        assert (await engine.execute("SELECT 1")).scalar() == 1


async def test_rows_are_written_to_whatever_takes_bytes(engine: Engine, tmp_path: Path) -> None:
    await engine.copy_in(Tag, [Tag(name="a"), Tag(name="b,c")])
    query = "SELECT name FROM tags ORDER BY id; "
    got: list[bytes] = []

    async def take(data: bytes) -> None:
        got.append(data)

    file = io.BytesIO()
    assert await engine.copy_out(query, tmp_path / "tags.csv") == 2
    assert await engine.copy_out(query, f"{tmp_path}/tags.too") == 2
    assert await engine.copy_out(query, file) == 2
    assert await engine.copy_out(f"{query.strip('; ')} -- all", take) == 2
    expected = b'a\n"b,c"\n'
    assert (tmp_path / "tags.csv").read_bytes() == expected
    assert (tmp_path / "tags.too").read_bytes() == expected
    assert file.getvalue() == expected
    assert b"".join(got) == expected


async def test_formats_and_their_options(engine: Engine) -> None:
    await engine.copy_in("users", [("a", None)], columns=["name", "age"])

    async def out(source: Any, **options: Any) -> bytes:
        file = io.BytesIO()
        await engine.copy_out(source, file, **options)
        return file.getvalue()

    query = "SELECT name, age FROM users"
    assert await out(query, header=True) == b"name,age\na,\n"
    assert await out(query, format="text") == b"a\t\\N\n"
    assert await out(query, delimiter=";", null="'?'") == b"a;'?'\n"
    assert (await out(query, format="binary")).startswith(b"PGCOPY\n")
    assert (await out(User, header=True)).startswith(b"id,name,")
    with pytest.raises(UsageError, match="format='xml'"):
        await out(query, format="xml")
    with pytest.raises(UsageError, match="COMMIT"):
        await out("COMMIT")


async def test_an_error_of_the_sink_comes_out_as_it_is(blog_url: str, tmp_path: Path) -> None:
    async def full(data: bytes) -> None:
        raise OSError("disk full")

    async with await create_engine(blog_url, max_connections=1) as engine:
        with pytest.raises(OSError, match="disk full"):
            await engine.copy_out("SELECT 1", full)
        with pytest.raises(IsADirectoryError):
            await engine.copy_out("SELECT 1", tmp_path)
        with pytest.raises(StatementError):
            await engine.copy_out("SELECT nonsense", full)
        assert (await engine.execute("SELECT 1")).scalar() == 1


#: Queries that would be more than one statement within COPY, or another one.
BREAKING_OUT = (
    "SELECT 1) TO '/dev/null'; COMMIT; COPY (SELECT 2",
    "SELECT 1) TO '/dev/null'; INSERT INTO tags (name) VALUES ('x'); COPY (SELECT 2",
    "SELECT 1) TO STDOUT; DELETE FROM tags; COPY (SELECT 2",
    "SELECT 1) TO '{file}' --",
    "SELECT 1) TO '{file}' (FORMAT csv) /*",
    "SELECT 1) TO '{file}' WITH (FORMAT csv, FORCE_QUOTE (a",
    "SELECT 1) TO PROGRAM 'touch {file}'; SELECT (1",
    "SELECT $$) TO STDOUT; DELETE FROM tags; COPY (SELECT $$ || 1) TO '{file}",
    "SELECT 1; DELETE FROM tags",
    "DELETE FROM tags",
    "COMMIT",
    ";SELECT 1",
)


@pytest.mark.parametrize("query", BREAKING_OUT)
async def test_a_query_does_not_break_out_of_its_copy(
    session: AsyncSession, engine: Engine, query: str
) -> None:
    # Where the server's own user may write.
    file = Path(tempfile.gettempdir()) / f"ormkit-{uuid.uuid4()}"
    await session.insert(Tag(name="kept"))
    query = query.replace("{file}", str(file))
    with pytest.raises((StatementError, UsageError, DatabaseError)):
        await engine.copy_out(query, io.BytesIO())
    with pytest.raises((StatementError, UsageError, DatabaseError)):
        async with session.begin() as tx:
            await tx.insert(Tag(name="undone"))
            await tx.copy_out(query, io.BytesIO())
    assert [tag.name for tag in await session.query(Tag).all()] == ["kept"]
    assert not file.exists()


@pytest.mark.parametrize("conforming", ["on", "off"])
@pytest.mark.parametrize(
    ("null", "written"),
    [
        ("\\N", "\\N"),
        ("\\", "\\"),
        ("'", "'"),
        ("\\'", "\\'"),
        ("\\') ; DELETE FROM tags; --", "\\') ; DELETE FROM tags; --"),
        ("$1 %s {} é", "$1 %s {} é"),
        ("", ""),
    ],
)
async def test_options_are_texts_whatever_they_hold(
    blog_url: str, conforming: str, null: str, written: str
) -> None:
    settings = {"standard_conforming_strings": conforming, "escape_string_warning": "off"}
    async with await create_engine(blog_url, server_settings=settings) as engine:
        await engine.execute("INSERT INTO tags (name) VALUES ('a')")
        sink = io.BytesIO()
        await engine.copy_out("SELECT NULL, 1", sink, null=null, delimiter="#")
        assert sink.getvalue().decode() == f"{written}#1\n"
        sink = io.BytesIO()
        await engine.copy_out("SELECT 1, 2", sink, format="text", delimiter="|", null=null)
        assert sink.getvalue() == b"1|2\n"
        with pytest.raises(DatabaseError, match="delimiter"):
            await engine.copy_out("SELECT 1, 2", sink, delimiter="\\'); DELETE FROM tags; --")
        sink = io.BytesIO()
        assert await engine.copy_out(Tag, sink, header=True) == 1
        assert sink.getvalue().startswith(b"id,name")
        assert (await engine.execute(COUNT)).scalar() == 1


def files(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


async def test_a_file_stays_as_it_is_where_its_copy_fails(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)
    for query in ("SELECT nothing", "SELECT 1 / (3 - n) FROM generate_series(1, 3) AS n", "SELEC"):
        with pytest.raises(DatabaseError):
            await engine.copy_out(query, path)
        with pytest.raises(DatabaseError):
            await engine.copy_out(query, tmp_path / "new.csv")
    with pytest.raises(DatabaseError):
        await engine.copy_out("SELECT 1", path, delimiter="many")
    assert (path.read_bytes(), files(tmp_path)) == (b"old", ["tags.csv"])
    assert await engine.copy_out("SELECT 1", path) == 1
    assert (path.read_bytes(), files(tmp_path)) == (b"1\n", ["tags.csv"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert await engine.copy_out("SELECT 1", str(tmp_path / "new.csv")) == 1
    (tmp_path / "plain").open("wb").close()
    assert (tmp_path / "new.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


async def test_a_copy_that_is_cancelled_leaves_the_old_file(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_bytes(b"old")
    sql = "SELECT n, pg_sleep(0.001) FROM generate_series(1, 100000) AS n"
    for delay in (0, 0.001, 0.01, 0.2):
        task = asyncio.create_task(engine.copy_out(sql, path))
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for _ in range(100):
        if files(tmp_path) == ["numbers.csv"]:
            break
        await asyncio.sleep(0.01)
    assert (path.read_bytes(), files(tmp_path)) == (b"old", ["numbers.csv"])


async def test_links_and_what_is_no_file_stay_what_they_are(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there/target.csv", tmp_path / "link.csv"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert await engine.copy_out("SELECT 1", link) == 1
    assert link.is_symlink()
    assert (target.read_bytes(), files(tmp_path / "there")) == (b"1\n", ["target.csv"])
    assert await engine.copy_out("SELECT 1", "/dev/null") == 1
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        await engine.copy_out("SELECT 1", tmp_path / "there")
    with pytest.raises(FileNotFoundError):
        await engine.copy_out("SELECT 1", tmp_path / "nowhere/x.csv")
    long = tmp_path / ("x" * 250)
    assert await engine.copy_out("SELECT 1", long) == 1
    assert files(tmp_path) == ["link.csv", "there", long.name]


async def test_copy_sees_what_the_code_changed(session: AsyncSession) -> None:
    tag = await session.insert(Tag(name="a"))
    async with session.begin() as tx:
        held = await tx.get_or_raise(Tag, tag.id)
        held.name = "b"
        out = io.BytesIO()
        await tx.copy_out("SELECT name FROM tags", out)
        assert out.getvalue() == b"b\n"
        held.name = "c"
        assert await tx.copy_in(Tag, [Tag(name="b")]) == 1  # The name is free, since "c" was sent.
        held.name = "d"
        assert [each.name async for each in tx.query(Tag).order_by("id").stream()] == ["d", "b"]
        held.name = "e"
        iterated = tx.query(Tag).filter(name="e").iterate()
        assert [each async for each in iterated] == [held]


@pytest.mark.parametrize(
    ("column", "good", "bad", "words"),
    [
        ("i2", 1, 2**15, "i2 (row 3) cannot take this int"),
        ("i8", 1, 2**63, "i8 (row 3) cannot take this int"),
        ("n", Decimal(1), Decimal(1000), "numeric field overflow (row 3)"),
        ("v", "a", "abcd", "too long for type character varying(3) (row 3)"),
        ("j", {}, {"a": "\0"}, "(row 3)"),
        ("c", 1, -1, "(row 3)"),
        ("a", [1], [2**40], "a (row 3) cannot take this list"),
    ],
)
async def test_a_value_that_the_server_refuses_keeps_its_row_and_column(
    database_url: str, column: str, good: object, bad: object, words: str
) -> None:
    async with await create_engine(database_url) as engine:
        await engine.execute(
            'CREATE TABLE "of, line 7" (i2 int2, i8 int8, n numeric(4, 1), v varchar(3), j jsonb, '
            "c int CHECK (c > 0), a int[])"
        )
        rows = [(good,), (good,), (bad,), (good,)]
        with pytest.raises((InvalidValue, DatabaseError)) as caught:
            await engine.copy_in("of, line 7", rows, columns=[column])
        assert words in str(caught.value)
        if isinstance(caught.value, DatabaseError) and column != "c":
            assert caught.value.column == column


@pytest.mark.parametrize("column", ["my-col", "column", "Zeile 2, Spalte", 'a (b", c', "2", "-"])
async def test_a_column_of_any_name_is_told_whole(database_url: str, column: str) -> None:
    names = ["my", "column", column] if column != "column" else ["my", column]
    quoted = [quote(name) for name in names]
    async with await create_engine(database_url) as engine:
        await engine.execute(
            f"CREATE TABLE t ({', '.join(f'{name} varchar(3)' for name in quoted)})"
        )
        good, bad = ["x"] * len(names), ["x"] * (len(names) - 1) + ["long"]
        with pytest.raises(DataError) as caught:
            await engine.copy_in("t", [good, bad], columns=names)
    assert (caught.value.column, "(row 2)" in str(caught.value)) == (column, True)
