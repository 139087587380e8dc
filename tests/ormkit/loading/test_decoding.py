"""Rows become the same objects by the accelerator and in Python, of whatever model they are."""

from __future__ import annotations

import datetime as dt
import importlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import examples.blog.db as blog
from ormkit import AsyncSession, Model, ModelMeta, joinedload, jsonload, selectinload
from ormkit.loading import decoding
from ormkit.loading.decoding import decode, decode_part, decoder_of
from ormkit.models.package import _known as known_packages
from tests.generated import ROOT, generate, import_models
from tests.lengths import examples

pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)
Decoder: Any = decoding.Decoder
pytestmark = pytest.mark.skipif(Decoder is None, reason="the accelerator is switched off")

TEXT = st.text(max_size=5)
LABELS = st.sampled_from(["small", "large"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
#: Types of columns, with values as the driver gives them.
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double precision": st.floats(),
    "numeric": st.decimals(),
    "boolean": st.booleans(),
    "text": TEXT,
    "bytea": st.binary(max_size=4),
    "timestamptz": st.datetimes(timezones=st.just(dt.UTC)),
    "jsonb": JSON,
    "Size": LABELS,
    "text[]": st.lists(st.none() | TEXT, max_size=3),
    "Size[]": st.lists(st.none() | LABELS, max_size=3),
    "jsonb[]": st.lists(JSON, max_size=3),
    "vector(2)": st.sampled_from(["[1,2]", "[0.5,-3]"]),
}
COLUMNS = st.lists(st.tuples(st.sampled_from(list(TYPES)), st.booleans()), max_size=12)


def random_model(directory: Path, columns: list[tuple[str, bool]]) -> Any:
    """Return a model with a key and these columns: their types, and whether they hold NULL."""
    lines = ['[enums]\nSize = ["small", "large"]\n\n[models.Thing.columns]']
    lines.append('id = { type = "bigint", primary_key = true }')
    for number, (words, is_nullable) in enumerate(columns):
        lines.append(f'column{number} = "{words}{"?" * is_nullable}"')
    schema = directory / "schema.toml"
    schema.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return import_models(directory, schema).Thing


def rows_of(columns: list[tuple[str, bool]]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    values = [TYPES[words] | st.none() if null else TYPES[words] for words, null in columns]
    return st.lists(st.tuples(TYPES["bigint"], *values), max_size=5)


def seen(value: Any) -> Any:
    """What can be seen of an object, and of what it holds: types and values, NaN as itself."""
    if isinstance(value, list):
        return [seen(each) for each in value]
    if isinstance(value, Model):
        slots: tuple[str, ...] = type(value).__slots__
        held = [(name, seen(getattr(value, name))) for name in slots if hasattr(value, name)]
        return type(value), held
    return type(value), repr(value)


@given(st.data())
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_objects_of_any_model_and_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    columns = data.draw(COLUMNS)
    model = random_model(tmp_path_factory.mktemp("models"), columns)
    make = decoder_of(model.__decode__)
    assert type(make) is Decoder
    for _ in range(3):
        rows = data.draw(rows_of(columns))
        wanted = seen(model.__decode__(rows))
        assert seen(make(rows)) == wanted
        assert seen(make(list(map(list, rows)))) == wanted
        joined = [(None, *row, "beside") for row in rows]
        assert seen(decode_part(model, joined, 1)) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("schema", ["blog", "everything"])
@pytest.mark.parametrize("is_formatted", [False, True], ids=["as rendered", "formatted"])
def test_every_generated_model_is_decoded_by_the_accelerator(
    tmp_path: Path, schema: str, is_formatted: bool
) -> None:
    source = ROOT / f"schemas/{schema}.toml"
    package = import_models(tmp_path, source)
    if is_formatted:
        name = f"formatted_{schema}"
        generate(tmp_path, source.read_text(encoding="utf-8"), name)
        package = imported(tmp_path, name)
    models = [each for each in vars(package).values() if isinstance(each, ModelMeta)]
    assert len(models) > 5
    assert {type(decoder_of(model.__decode__)) for model in models} == {Decoder}


def imported(directory: Path, name: str) -> Any:
    sys.path.insert(0, str(directory))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(directory))
        known_packages.pop(name, None)


def edited(directory: Path, old: str, new: str) -> Any:
    """Return a model whose generated code was edited; `twice` is a decorator that is at hand."""
    columns = [("Size", False), ("Size", True), ("Size[]", False), ("text", True)]
    model = random_model(directory, columns)
    package = model.__module__.rpartition(".")[0]
    text = (directory / package / "thing.py").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    text = text.replace(old, new).replace("\n\nif TYPE", f"\n{TWICE}\nif TYPE", 1)
    (directory / package / "edited.py").write_text(text, encoding="utf-8")
    return imported(directory, f"{package}.edited").Thing


TWICE = """
def twice(function):
    return lambda *arguments: function(*arguments) * 2
"""


SWAPPED = "(o.column3, o.column0, o.column1, o.column2, o.id)"


def test_the_same_code_in_another_layout_is_as_good(tmp_path: Path) -> None:
    model = edited(tmp_path, "return decoded", "# All of them.\n\n            return (\n decoded)")
    assert type(decoder_of(model.__decode__)) is Decoder


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return decoded", "return decoded[::-1]"),
        ("return decoded", "return list(decoded)"),
        ("SIZE[o.column0]", "SIZE.get(o.column0)"),
        ("SIZE[o.column0]", "SIZE[o.column0 or 'small']"),
        ("SIZE[o.column0]", "SIZES[o.column0]"),
        ("SIZE = {", "SIZE = {'tiny': None} | {"),
        ("if o.column1 is not None else None", "if o.column1 else None"),
        ("if o.column1 is not None else None", "if o.column1 is not None else 0"),
        ("Thing.column2.decode(o.column2)", "Thing.column0.decode(o.column2)"),
        ("Thing.column2.decode(o.column2)", "ThingColumns.column2.decode(o.column2)"),
        ("Thing.column2.decode(o.column2)", "o.column2"),
        ("o.column0 = SIZE", "o.column3 = SIZE"),
        ("(o.id, o.column0, o.column1, o.column2, o.column3)", SWAPPED),
        ("for row in rows:", "for row in rows or ():"),
        ("for row in rows:", "for row in rows[:100]:"),
        ("cls.__new__(cls)", "object.__new__(cls)"),
        ("def __decode__(cls: Any, rows: Any) -> Any", "def __decode__(cls, *rows)"),
        ("        def __decode__", "        @twice\n        def __decode__"),
        (
            "    __table__ =",
            "    def __new__(cls): return super().__new__(cls)\n\n    __table__ =",
        ),
        ("    __table__ =", "    def __setattr__(self, *_): pass\n\n    __table__ ="),
    ],
)
def test_code_that_was_edited_runs_as_it_stands(tmp_path: Path, old: str, new: str) -> None:
    method = edited(tmp_path, old, new).__decode__
    assert decoder_of(method).args == (method,)


def test_a_constant_in_the_place_of_another_counts(tmp_path: Path) -> None:
    """Where the code of both is the same to the byte: a docstring comes before all constants."""
    old = (
        "decoded = []\n            for row in rows:\n"
        "                decoded.append(o := cls.__new__(cls))\n"
        "                (o.id, o.column0, o.column1, o.column2, o.column3) = row\n"
        "                o.column0 = SIZE[o.column0]\n"
        "                o.column1 = SIZE[o.column1] if o.column1 is not None else None"
    )
    new = f'"text"\n            {old.removesuffix("None")}"text"'
    method = edited(tmp_path, old, new).__decode__
    assert decoder_of(method).args == (method,)


def test_it_is_decided_once_for_a_method() -> None:
    assert decoder_of(blog.Post.__decode__) is decoder_of(blog.Post.__decode__)


@pytest.fixture
def changed() -> Iterator[Any]:
    """The blog's tags, whose `__decode__` may be replaced until the test is over."""
    kept = vars(blog.Tag)["__decode__"]
    yield blog.Tag
    type.__setattr__(blog.Tag, "__decode__", kept)


def test_a_replaced_decode_is_called_from_then_on(changed: Any) -> None:
    rows = [(1, "a")] * 100
    tag, *_ = decode(changed, rows)
    assert (tag.id, tag.name) == (1, "a")

    def shout(cls: Any, rows: Any) -> list[Any]:
        made = original(rows)
        for each in made:
            each.name = each.name.upper()
        return made

    original = changed.__decode__
    type.__setattr__(changed, "__decode__", classmethod(shout))
    assert {each.name for each in decode(changed, rows)} == {"A"}
    assert {each.name for each in decode_part(changed, [(0, *row, 0) for row in rows], 1)} == {"A"}


def test_what_is_no_generated_method_is_called_as_it_is() -> None:
    def make(rows: Any) -> list[Any]:
        return list(rows)

    class Derived(blog.Tag):
        __slots__ = ()

    for method in (make, len, MethodType(make, blog.Tag), Derived.__decode__, Model.__decode__):
        assert type(decoder_of(method)) is not Decoder


async def rows_in_both_forms(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], Awaitable[Any]]
) -> tuple[Any, Any]:
    by_accelerator = seen(await read())
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "Decoder", None)
        return by_accelerator, seen(await read())


POSTS = [selectinload("author"), joinedload("author"), jsonload("author"), selectinload("tags")]


@pytest.mark.parametrize("count", [1, 5, 300])
async def test_queries_read_the_same_in_both_forms(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    users = [blog.User(name=f"user {n}", age=n or None, settings={"n": [n]}) for n in range(count)]
    await session.insert_all(users)
    posts = [
        blog.Post(author_id=each.id, title=each.name, keywords=["a", each.name])
        for each in users[::2]
    ]
    await session.insert_all(posts)
    everyone = session.query(blog.User).order_by("id")
    texts = session.query(blog.Post).order_by("id")

    async def in_transaction() -> Any:
        async with session.begin() as tx:
            await tx.query(blog.Post).order_by("-id").limit(1).all()
            return await tx.query(blog.Post).options(joinedload("author")).order_by("id").all()

    async def streamed() -> Any:
        return [each async for each in texts.stream(chunk=7)]

    reads: list[Callable[[], Awaitable[Any]]] = [
        everyone.all,
        everyone.first,
        everyone.options(selectinload("posts").joinedload("author")).all,
        everyone.options(joinedload("profile")).all,
        everyone.options(jsonload("posts")).all,
        *[texts.options(option).all for option in POSTS],
        lambda: session.get(blog.User, users[0].id),
        in_transaction,
        streamed,
        lambda: texts.update(views=3).returning(),
    ]
    for read in reads:
        fast, pure = await rows_in_both_forms(monkeypatch, read)
        assert fast == pure
        assert fast not in ([], None)


def in_environment(value: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "ORMKIT_PURE_PYTHON": value},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("value", "is_used"), [("", True), ("0", True), ("1", False)])
def test_the_environment_switches_it_off(value: str, is_used: bool) -> None:
    script = "import sys, ormkit; print('ormkit._accelerator' in sys.modules)"
    assert in_environment(value, "-c", script).stdout == f"{is_used}\n"


@pytest.mark.one_interpreter
@pytest.mark.slow
def test_what_is_read_passes_its_tests_in_python_alone() -> None:
    paths = [
        "tests/ormkit/loading/test_eager.py",
        "tests/ormkit/loading/test_nested.py",
        "tests/ormkit/models/test_odd_models.py",
        "tests/ormkit/queries/test_query.py",
        "tests/ormkit/postgres/test_round_trip.py",
        "tests/ormkit/queries/test_stream.py",
        "tests/ormkit/persistence/test_flush.py",
    ]
    options = ["-q", "-p", "no:cacheprovider", "-k", "not pgbouncer and not tls"]
    done = in_environment("1", "-m", "pytest", *options, *paths)
    assert done.returncode == 0, done.stdout
