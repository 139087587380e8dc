"""No message holds a value, whatever language the server speaks."""

from __future__ import annotations

import itertools
import subprocess
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, DatabaseError, DataError, Engine, StatementError, create_engine
from ormkit.driver.errors import copied_row, server_error
from ormkit.driver.redaction import may_hold_value, redacted
from tests.generated import models_of
from tests.servers import ContribServer, Server, contrib_binaries

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

models = models_of(
    "redacted",
    """
[enums.Mood]
values = ["sad", "ok"]

[models.Item]
table = "items"

[models.Item.columns]
id = { type = "bigint", primary_key = true }
code = "varchar(3)?"
number = "numeric(3,1)?"
words = "tsvector?"
mac = "macaddr?"
""",
)
Item = models.Item

SECRET = "s3cret"
LANGUAGES = (
    "de_DE",
    "fr_FR",
    "ru_RU",
    "ja_JP",
    "es_ES",
    "pt_BR",
    "zh_CN",
    "ko_KR",
    "it_IT",
    "pl_PL",
)
#: Statements whose one parameter, a text, the server cannot read, and a text that holds the secret.
READINGS = [
    ("SELECT $1::text::int", SECRET),
    ("SELECT $1::text::uuid", f'"{SECRET}" «»'),
    ("SELECT $1::text::date", SECRET),
    ("SELECT $1::text::jsonb", f"{{{SECRET}}}"),
    ("SELECT $1::text::int[]", SECRET),
    ("SELECT $1::text::inet", SECRET),
    ("SELECT $1::text::xml", f"<{SECRET}"),
    ("SELECT $1::text::jsonpath", f"$.{SECRET} ["),
    ("SELECT $1::text::tsvector", f"'{SECRET}"),
    ("SELECT to_tsquery('simple', $1)", f"{SECRET} x &"),
    ("SELECT $1::text::regclass", SECRET),
    ("SELECT $1::text::regclass", f"a.b.{SECRET}.d"),
    ("SELECT $1::text::regtype", SECRET),
    ("SELECT $1::text::regrole", SECRET),
    ("SELECT $1::text::regnamespace", SECRET),
    ("SELECT $1::text::regproc", SECRET),
    ("SELECT $1::text::regconfig", SECRET),
    ("SELECT 'a' ~ $1", f"({SECRET}"),
    ("SELECT set_config($1, 'x', true)", f"{SECRET}-"),
    ("SELECT encode('a', $1)", SECRET),
    ("SELECT date_trunc($1, now())", SECRET),
    ("SELECT currval($1::text)", SECRET),
    ("SELECT has_table_privilege($1::text, 'select')", SECRET),
    ("SELECT now() AT TIME ZONE $1", f"{SECRET}/x"),
    ("SELECT to_number('x', $1)", SECRET * 9),
    ("SELECT convert_to('a', $1)", SECRET),
    ("SELECT $1::text::money", SECRET),
    ("SELECT jsonb_set('{}', ARRAY[$1::text, 'x'], '1', true) #>> '{}' || ($1::int)::text", SECRET),
]


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def languages() -> list[str]:
    """Return those of the languages in which a server may speak here."""
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    known = {name.lower().replace("utf-8", "utf8") for name in listed.splitlines()}
    binaries = contrib_binaries()
    version = binaries.parent.name if binaries else ""
    return [
        name
        for name in LANGUAGES
        if f"{name.lower()}.utf8" in known
        and any(
            Path(f"/usr/share/locale/{each}/LC_MESSAGES/postgres-{version}.mo").exists()
            for each in (name, name[:2])
        )
    ]


@pytest.fixture(scope="module")
def speaking(server_directory: Path) -> Iterator[Server]:
    binaries = contrib_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL with message catalogs is installed")
    with ContribServer(binaries, server_directory / "speaking") as server:
        server.run_script(server.url, models.SCHEMA.ddl())
        yield server


@pytest.fixture(params=languages() or ["none"])
async def engine(request: pytest.FixtureRequest, speaking: Server) -> AsyncIterator[Engine]:
    """An engine on a server that speaks another language than English."""
    if request.param == "none":
        pytest.skip("no locale of another language is installed (apt-get install locales)")
    settings = {"lc_messages": f"{request.param}.UTF-8"}
    async with await create_engine(speaking.url, server_settings=settings) as engine:
        with pytest.raises(StatementError) as caught:
            await engine.execute("SELECT nonsense")
        assert "does not exist" not in str(caught.value)
        assert "nonsense" in str(caught.value)
        yield engine


async def error_of(engine: Engine, sql: str, value: str) -> Exception | None:
    try:
        await engine.execute(sql, [value])
    except Exception as error:
        return error
    return None


async def test_no_message_of_another_language_quotes_a_value(engine: Engine) -> None:
    found = {sql: await error_of(engine, sql, value) for sql, value in READINGS}
    for sql, error in found.items():
        assert error is None or SECRET not in shown(error), sql
        if isinstance(error, DatabaseError):
            assert f"({error.sqlstate})" in str(error) or '"..."' in str(error), sql
    assert sum(isinstance(error, DatabaseError) for error in found.values()) > len(READINGS) - 6


async def test_no_way_of_writing_shows_a_value(engine: Engine) -> None:
    session = AsyncSession(engine)
    item = await session.insert(Item(code="a"))
    wrong = {"words": f"'{SECRET}", "mac": f"{SECRET}«", "code": SECRET}
    for name, value in wrong.items():

        async def held(name: str = name, value: str = value) -> None:
            async with session.begin() as tx:
                found = await tx.get_or_raise(Item, item.id)
                setattr(found, name, value)

        ways: list[Any] = [
            lambda n=name, v=value: session.insert(Item(**{n: v})),
            lambda n=name, v=value: session.insert_all([Item(**{n: None}), Item(**{n: v})]),
            lambda n=name, v=value: session.update(item, **{n: v}),
            lambda n=name, v=value: session.query(Item).update(**{n: v}),
            lambda n=name, v=value: session.upsert(Item(**{n: v}), conflict_target=["id"]),
            held,
            lambda n=name, v=value: session.execute_raw(f"UPDATE items SET {n} = $1", [v]),
            lambda n=name, v=value: session.execute_raw_many(
                f"INSERT INTO items ({n}) VALUES ($1)", [[None], [v]]
            ),
        ]
        for number, way in enumerate(ways):
            with pytest.raises(Exception) as caught:  # noqa: PT011
                await way()
            assert SECRET not in shown(caught.value), (name, number)


async def test_copy_names_the_column_in_any_language(engine: Engine) -> None:
    with pytest.raises(DataError) as caught:
        # The table's name, since the length of a model's column is checked before anything is sent.
        await AsyncSession(engine).copy_in(
            "items", [("abc", 1), ("toolong", 1)], columns=["code", "number"]
        )
    assert caught.value.column == "code"
    assert "toolong" not in str(caught.value)


class Reported(Exception):
    """An error as the driver gives it, with fields of the server's."""

    def __init__(self, message: str, sqlstate: str, **fields: str) -> None:
        super().__init__(message)
        self.fields = {"message": message, **fields}
        self.sqlstate = sqlstate
        self.position = fields.get("position")
        self.internal_position = fields.get("internal_position")
        self.server_source_filename = fields.get("file")
        self.context = fields.get("context")

    def as_dict(self) -> dict[str, str]:
        return self.fields


@pytest.mark.parametrize("quotes", ['""', "»«", "«»", "„“", "「」", "‘’", ("« ", " »"), "  "])
@pytest.mark.parametrize(
    ("state", "fields", "kind"),
    [
        ("22P02", {}, DataError),
        ("22007", {}, DataError),
        ("22023", {}, DataError),
        ("22XYZ", {}, DataError),
        ("42601", {"file": "tsquery.c"}, DataError),
        ("54000", {"file": "tsvector_parser.c"}, DataError),
        ("42P01", {}, StatementError),
        ("42704", {}, StatementError),
        ("3F000", {}, DatabaseError),
    ],
)
def test_what_may_be_a_value_is_dropped_by_sqlstate_and_fields(
    quotes: Any, state: str, fields: dict[str, str], kind: type[DatabaseError]
) -> None:
    said = f"Unfug {quotes[0]}{SECRET}{quotes[1]} in Zeile 1"
    error = server_error(Reported(said, state, **fields), "SELECT $1", has_values=True)
    assert type(error) is kind
    assert SECRET not in shown(error)
    assert state in str(error)
    assert error.detail == said


@pytest.mark.parametrize(
    ("state", "fields", "has_values"),
    [
        ("42P01", {"position": "15"}, True),
        ("42P01", {"internal_position": "15"}, True),
        ("42P01", {}, False),
        ("42501", {}, True),
        ("42P10", {}, True),
        ("23505", {}, True),
    ],
)
def test_what_is_about_names_keeps_them(
    state: str, fields: dict[str, str], has_values: bool
) -> None:
    said = "Relation »nutzer« existiert nicht"
    assert str(server_error(Reported(said, state, **fields), None, has_values)) == said


def test_a_sentence_keeps_no_more_than_names_of_types() -> None:
    texts = [
        'invalid input syntax for type integer: "{}"',
        'value "{}" is out of range for type smallint',
        'invalid input value for enum "mood": "{}"',
        'malformed array literal: "{}"',
        'time zone "{}" not recognized',
        "invalid regular expression: {}",
        "{} out of range",
        "something new: {}",
    ]
    hostile = ['s3cret"', '" is out of range for type s3cret', 's3cret\n"', "»s3cret", "'s3cret"]
    for text, value in itertools.product(texts, hostile):
        told = redacted(Reported(text.format(value), "22000"), text.format(value))
        assert SECRET not in told, (text, value)
    assert may_hold_value(Reported("x", "22012"), has_values=False)


@pytest.mark.parametrize(
    "place",
    [
        "COPY {}, line 2, column code",
        "COPY {}, Zeile 2, Spalte code",
        "COPY {}, ligne 2, colonne code",
        "COPY {}, строка 2, столбец code",
        "{}のCOPY、行 2、列 code",
        "COPY {}, 第 2 行, 列 code",
        "{} 복사, 2번째 줄, code 열",
        "COPY {}, line 2, column my-code",
        'COPY {}, line 2, column odd "name',
        "COPY {}, line 2, column column",
        "COPY {}, line 2",
    ],
)
@pytest.mark.parametrize("table", ["items", "of, line 7", 'a (b", c'])
def test_the_column_of_a_copy_is_found_by_its_name(table: str, place: str) -> None:
    names = ["number", "column", "code", "my", 'odd "name', "my-code", "line"]
    error = Reported("no", "22000")
    error.context = f"COPY items, line 9, column number\n{place.format(table)}"
    copied = copied_row(DataError("no"), error, table, names)
    assert isinstance(copied, DataError)
    assert str(copied) == "no (row 2)"
    named = [name for name in ("my-code", 'odd "name', "code") if name in place]
    assert copied.column == next(iter(named), "column" if place.endswith("column") else None)


def test_an_error_of_a_copy_may_be_at_no_row() -> None:
    error = Reported("no", "22000")
    copied = copied_row(DataError("no"), error, "items", ["code"])
    assert (str(copied), getattr(copied, "column", "")) == ("no", None)
