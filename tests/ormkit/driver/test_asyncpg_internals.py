"""What asyncpg does not document: who uses it, when, and what serves in its place."""

from __future__ import annotations

import ast
import asyncio
import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import pytest

from examples.blog.db import User
from ormkit import (
    AsyncSession,
    DatabaseError,
    Engine,
    InvalidValue,
    QueryCanceled,
    UniqueViolation,
    UsageError,
    create_engine,
)
from ormkit.driver import asyncpg_internals
from ormkit.driver.asyncpg_internals import (
    CHECKS,
    INTERNALS,
    MESSAGES,
    REVIEWED,
    SWITCH,
    Internal,
    PublicWire,
    is_reviewed,
    is_used,
    reason_for_public_methods,
)
from ormkit.postgres.array_parameter import FlatArray
from tests.lengths import IS_NIGHTLY

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "runtime/ormkit"
GATE = RUNTIME / "driver/asyncpg_internals.py"
#: A release that nobody has reviewed.
UNKNOWN = "0.99.0"
#: Tests of what every application uses, which one run repeats with public methods alone.
CORE = (
    "tests/ormkit/driver/test_array_parameter.py",
    "tests/ormkit/driver/test_unreadable.py",
    "tests/ormkit/statements/test_raw_sql.py",
    "tests/ormkit/transactions/test_transaction.py",
    "tests/ormkit/transactions/test_copy.py",
)


#: The test that runs others, and not itself.
REPEATED = "test_the_core_of_the_suite_passes_with_public_methods_alone"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing found out yet about the driver of this process."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(asyncpg_internals, "_decision", asyncpg_internals._Decision())
    hides_elements = FlatArray.hides_elements
    yield
    FlatArray.hides_elements = hides_elements


@pytest.fixture(
    params=[("0.32.0", ""), (UNKNOWN, ""), ("0.32.0", "1")], ids=["known", "unknown", "off"]
)
async def engine(
    request: pytest.FixtureRequest, fresh: None, monkeypatch: pytest.MonkeyPatch, blog_url: str
) -> AsyncIterator[Engine]:
    """An engine over a reviewed asyncpg, over an unknown one, and with internals switched off."""
    version, switch = request.param
    monkeypatch.setattr(asyncpg, "__version__", version)
    monkeypatch.setenv(SWITCH, switch)
    async with await create_engine(blog_url) as engine:
        assert is_public(engine) == ((version, switch) != ("0.32.0", ""))
        yield engine


def is_public(engine: Engine) -> bool:
    """Return whether a connection is used by public methods alone."""
    connection: Any = engine.pool.take()
    engine.pool.give(connection)
    assert isinstance(connection.wire, PublicWire) != FlatArray.hides_elements
    return isinstance(connection.wire, PublicWire)


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("0.31.0", False),
        ("0.32.0", True),
        ("0.32.1.dev0", True),
        ("0.33.0", False),
        ("1.0", False),
    ],
)
def test_only_releases_that_were_looked_at_are_known(
    monkeypatch: pytest.MonkeyPatch, version: str, known: bool
) -> None:
    monkeypatch.setattr(asyncpg, "__version__", version)
    assert is_reviewed() is known


def test_the_installed_release_is_known() -> None:
    assert is_reviewed()


@pytest.mark.parametrize("internal", INTERNALS, ids=[each.name for each in INTERNALS])
def test_nothing_of_an_unknown_release_is_used(
    fresh: None, monkeypatch: pytest.MonkeyPatch, internal: Internal
) -> None:
    assert is_used(internal)
    monkeypatch.setattr(asyncpg, "__version__", UNKNOWN)
    assert not is_used(internal)


async def test_an_unknown_release_is_told_of_once(
    fresh: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, blog_url: str
) -> None:
    monkeypatch.setattr(asyncpg, "__version__", UNKNOWN)
    with caplog.at_level(logging.WARNING, "ormkit"):
        for _ in range(2):
            async with await create_engine(blog_url, min_connections=2) as engine:
                assert is_public(engine)
    assert [UNKNOWN in record.getMessage() for record in caplog.records] == [True]
    assert UNKNOWN in (reason_for_public_methods() or "")


async def test_a_known_release_is_no_reason_for_a_word(
    fresh: None, caplog: pytest.LogCaptureFixture, blog_url: str
) -> None:
    with caplog.at_level(logging.WARNING, "ormkit"):
        async with await create_engine(blog_url) as engine:
            assert not is_public(engine)
    assert not caplog.records
    assert reason_for_public_methods() is None


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", [False, AttributeError])
async def test_an_attribute_that_behaves_otherwise_is_not_used(
    fresh: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    blog_url: str,
    name: str,
    answer: Any,
) -> None:
    def check(raw: object) -> bool:
        if answer is AttributeError:
            raise AttributeError(name)
        return False

    monkeypatch.setitem(CHECKS, name, check)
    async with await create_engine(blog_url) as engine:
        connection: Any = engine.pool.take()
        engine.pool.give(connection)
        assert isinstance(connection.wire, PublicWire)
        assert (await engine.execute("SELECT $1::int4", [42])).scalar() == 42
    assert name in (reason_for_public_methods() or "")
    assert name in caplog.text


async def test_the_checks_find_a_connection_that_is_not_as_reviewed(blog_url: str) -> None:
    raw = await asyncpg.connect(blog_url)
    try:
        assert asyncpg_internals.misbehaviour(raw) is None
        async with raw.transaction():
            assert "_protocol" in (asyncpg_internals.misbehaviour(raw) or "")
    finally:
        await raw.close()
    assert "_protocol" in (asyncpg_internals.misbehaviour(object()) or "")


async def test_arrays_show_their_elements_where_the_driver_walks_them_once(
    fresh: None, monkeypatch: pytest.MonkeyPatch, blog_url: str
) -> None:
    class Walked(FlatArray):
        def __init__(self, values: list[Any]) -> None:
            super().__init__([*values, 3])

    monkeypatch.setattr(asyncpg_internals, "FlatArray", Walked)
    async with await create_engine(blog_url):
        assert not Walked.hides_elements
    assert "twice" in (reason_for_public_methods() or "")


def test_the_documentation_names_all_of_it_and_nothing_else() -> None:
    text = (ROOT / "docs/decisions.md").read_text()
    section = text.partition("\n### Internals of asyncpg are used behind one module\n")[2]
    rows = re.findall(
        r"^\| `([^|]+)` \| ([^|]+) \| ([^|]+) \|$", section.partition("\n### ")[0], re.M
    )
    assert rows == [(each.name, each.purpose, each.fallback) for each in INTERNALS]
    first, end = REVIEWED
    assert f"from {first[0]}.{first[1]} to before {end[0]}.{end[1]}" in section
    assert {each.releases for each in INTERNALS} == {REVIEWED}
    assert SWITCH in section


def attributes_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the private attributes that are taken of other objects than `self` and `cls`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
            is_own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
            if not is_own:
                yield node.lineno, name
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            is_dynamic = node.func.id in ("getattr", "setattr", "hasattr", "delattr")
            if is_dynamic and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                yield node.lineno, str(node.args[1].value)


def own_names() -> set[str]:
    """Return the private attributes that the rooms above the driver give their own objects."""
    names: set[str] = set()
    for file in set(RUNTIME.rglob("*.py")) - set(GATE.parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return names


def names_of_asyncpg() -> set[str]:
    """Return the private attributes that asyncpg's own code gives or takes."""
    folder = Path(asyncpg.__file__).parent
    texts = [file.read_text() for kind in ("*.py", "*.pyx") for file in folder.rglob(kind)]
    return set(re.findall(r"(?<!\w)_[a-z]\w+", "\n".join(texts)))


@pytest.mark.one_interpreter
def test_no_other_module_takes_a_private_attribute_of_asyncpg() -> None:
    of_asyncpg, own, found = names_of_asyncpg(), own_names(), []
    assert {"_protocol", "_transport", "_copy_out", "_cancel_current_command"} <= of_asyncpg
    for file in sorted(RUNTIME.rglob("*.py")):
        if file == GATE:
            continue
        for line, name in attributes_of(ast.parse(file.read_text())):
            is_private = name.startswith("_") and not name.startswith("__")
            if is_private and name in of_asyncpg - own:
                found.append(f"{file.relative_to(ROOT)}:{line} {name}")
    assert not found


def test_no_other_module_reads_a_message_of_asyncpg() -> None:
    for file in RUNTIME.rglob("*.py"):
        text = file.read_text()
        for message in MESSAGES:
            assert file == GATE or f'"{message.name}' not in text, f"{file}: {message.name}"


def test_only_documented_modules_of_asyncpg_are_imported() -> None:
    found = {
        (file.name, line.strip())
        for file in RUNTIME.rglob("*.py")
        for line in file.read_text().splitlines()
        if re.match(r"\s*(from|import) asyncpg\.", line)
    }
    assert {name for name, _ in found} == {"values.py"}
    assert all("pgproto" in line for _, line in found)


@pytest.mark.slow
def test_without_its_class_of_uuids_another_one_serves() -> None:
    program = (
        "from asyncpg.pgproto import pgproto; del pgproto.UUID\n"
        "import uuid, ormkit\n"
        "from ormkit.postgres.values import DriverUUID\n"
        "one = uuid.uuid4()\n"
        "assert DriverUUID(str(one)) == one == DriverUUID(one.bytes)\n"
        "assert DriverUUID.__module__ == 'ormkit.postgres.values'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.one_interpreter
@pytest.mark.nightly
def test_the_core_of_the_suite_passes_with_public_methods_alone() -> None:
    """The long form runs all tests of the runtime and of what it endures."""
    tests = ("tests/ormkit", "tests/reliability") if IS_NIGHTLY else CORE
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
    ways = () if IS_NIGHTLY else ("-k", "not pgbouncer and not tls")
    own = f"tests/ormkit/driver/{Path(__file__).name}::{REPEATED}"
    ran = subprocess.run(
        [*command, *tests, *ways, "--deselect", own],
        cwd=ROOT,
        env={**os.environ, SWITCH: "1", "ORMKIT_NIGHTLY": ""},
        capture_output=True,
        text=True,
        timeout=7200 if IS_NIGHTLY else 600,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    assert int(re.findall(r"(\d+) passed", ran.stdout)[-1]) > 100


async def test_a_refused_value_of_many_rows_is_named(engine: Engine) -> None:
    await engine.execute("CREATE TABLE IF NOT EXISTS pairs (a integer, b text)")
    sql = "INSERT INTO pairs VALUES ($1, $2)"
    with pytest.raises(InvalidValue, match=r"\$2 of row 2 .* int"):
        await engine.execute_many(sql, [[1, "x"], [2, 3]])
    with pytest.raises(UsageError, match="the server expects 2 arguments"):
        await engine.execute_many(sql, [[1, "x"], [2]])
    assert (await engine.execute("SELECT count(*) FROM pairs")).scalar() == 0


async def test_an_array_with_a_list_is_refused_and_not_another_dimension(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match=r"\$1 .* list"):
        await engine.execute("SELECT $1::text[]", [FlatArray([["a"], ["b"]])])
    values = ["a", None, "{b}"]
    assert (await engine.execute("SELECT $1::text[]", [FlatArray(values)])).scalar() == values


async def test_a_copy_whose_sink_fails_ends_and_the_engine_goes_on(engine: Engine) -> None:
    async def fail(data: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await engine.copy_out("SELECT g FROM generate_series(1, 100000) g", fail)
    assert (await engine.execute("SELECT 42")).scalar() == 42


async def test_objects_are_written_and_read(engine: Engine) -> None:
    session = AsyncSession(engine)
    async with session.begin() as tx:
        user = await tx.insert(User(name="Ada", email="ada@x", age=36))
        user.age = 37
    assert (await session.query(User).filter(name="Ada").all())[0].age == 37
    assert await session.query(User).filter(name="Ada").delete() == 1
    assert await session.get(User, user.id) is None


async def test_errors_name_what_was_wrong_and_the_connection_goes_on(engine: Engine) -> None:
    session = AsyncSession(engine)
    await session.insert(User(name="Ada", email="ada@x"))
    with pytest.raises(UniqueViolation):
        await session.insert(User(name="Grace", email="ada@x"))
    with pytest.raises(InvalidValue, match=r"User\.age"):
        await session.query(User).filter(age="old").all()  # type: ignore[arg-type]
    with pytest.raises(QueryCanceled):
        await engine.execute("SELECT pg_sleep(5)", timeout=0.01)
    assert await session.query(User).count() == 1


async def test_a_copy_that_is_cut_leaves_nothing_to_the_next_statement(engine: Engine) -> None:
    async def never(data: bytes) -> None:
        raise AssertionError

    copying = asyncio.create_task(
        engine.copy_out("SELECT g FROM generate_series(1, 9) g, pg_sleep(9)", never)
    )
    await asyncio.sleep(0.05)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert (await engine.execute("SELECT 42")).scalar() == 42


async def test_a_statement_without_a_tag_changes_nothing(engine: Engine) -> None:
    assert (await engine.execute("UPDATE users SET age = 1")).rowcount == 0
    assert (await engine.execute("SELECT 1 WHERE false")).all() == []


async def test_an_answer_that_a_changed_type_made_unreadable_is_readable_again(
    engine: Engine,
) -> None:
    await engine.execute("CREATE TYPE pair AS (a integer, b integer)")
    sql = "SELECT row(1, 2)::pair AS it"
    async with AsyncSession(engine).begin() as tx:
        await tx.execute_raw(sql)
    await engine.execute("ALTER TYPE pair ADD ATTRIBUTE c text")
    with pytest.raises(DatabaseError):
        await engine.execute("SELECT row(1, 2, 'x')::pair AS it")
    assert tuple((await engine.execute("SELECT row(1, 2, 'x')::pair AS it")).scalar()) == (
        1,
        2,
        "x",
    )
