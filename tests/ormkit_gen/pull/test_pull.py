"""`ormkit pull`: schema files from a live database, edited in place, and proven."""

from __future__ import annotations

import asyncio
import difflib
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from ormkit import AsyncSession, create_engine
from ormkit.catalog import Catalog, read_catalog
from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter

#: Changes of the database, and the lines that appear in the schema files instead of others.
CHANGES: dict[str, tuple[list[str], list[str]]] = {
    'ALTER TABLE people DROP "weird name"': (
        ['weird_name = { type = "integer?", column = "weird name" }'],
        [],
    ),
    "ALTER TABLE people ADD bio text": ([], ['bio = "text?"']),
    "ALTER TABLE people ALTER price TYPE numeric(12, 3)": (
        ['price = { type = "numeric(10,2)?", default = "0.00" }'],
        ['price = { type = "numeric(12,3)?", default = "0.00" }'],
    ),
    'ALTER TABLE people ALTER "firstName" DROP NOT NULL': (
        ['first_name = { type = "text", column = "firstName" }'],
        ['first_name = { type = "text?", column = "firstName" }'],
    ),
    "ALTER TABLE people ALTER class SET DEFAULT 'c'": (
        ['class_ = { type = "varchar(20)", column = "class", default = "a\'b" }'],
        ['class_ = { type = "varchar(20)", column = "class", default = "c" }'],
    ),
    "ALTER TABLE people DROP CONSTRAINT people_email_key": (
        ['email = { type = "text?", unique = true }'],
        ['email = "text?"'],
    ),
    "ALTER TABLE people DROP CONSTRAINT grown, ADD CONSTRAINT grown CHECK (age > 0)": (
        ["expression = \"age > '-5'::integer\""],
        ['expression = "age > 0"'],
    ),
    "ALTER TYPE mood ADD VALUE 'mad' BEFORE 'glad'": (
        ['Mood = { values = ["sad", "glad", "in between"], name = "mood", comment = "Feels." }'],
        [
            'Mood = { values = ["sad", "mad", "glad", "in between"], name = "mood", '
            'comment = "Feels." }',
        ],
    ),
    "COMMENT ON TABLE people IS NULL": (['comment = "Those who buy."'], []),
    "DROP INDEX people_mood_idx": (
        ['mood = { type = "Mood", default = "glad", index = true }'],
        ['mood = { type = "Mood", default = "glad" }'],
    ),
    "DROP INDEX by_lower": (
        [
            'name = "by_lower"',
            'columns = [{ expression = "lower(email)", opclass = "text_pattern_ops" }]',
            'include = ["age"]',
            "[[models.Person.indexes]]",
        ],
        [],
    ),
    "CREATE UNIQUE INDEX one_class ON people (class)": (
        [],
        [
            "[[models.Person.indexes]]",
            'name = "one_class"',
            'columns = ["class_"]',
            "unique = true",
        ],
    ),
    "ALTER TABLE labels ADD person_id bigint REFERENCES people": (
        [],
        [
            'person_id = { type = "bigint?", foreign_key = "people.id" }',
            'person = { target = "Person", back_populates = "labels" }',
            'labels = { target = "Label", back_populates = "person" }',
        ],
    ),
    "ALTER TABLE orders DROP approved_by": (
        [
            'approved_by = { type = "bigint?", foreign_key = "people.id", on_delete = "set null", '
            "deferrable = true, initially_deferred = true }",
            'approved_by_person = { target = "Person", foreign_key = "approved_by", '
            'back_populates = "approved_by_orders" }',
            'approved_by_orders = { target = "Order", foreign_key = "approved_by", '
            'back_populates = "approved_by_person" }',
        ],
        [],
    ),
}


#: What the schema language does not have. No table and no column is among it.
SQL_FILES = [
    "sql/aggregate/total.sql",
    "sql/collation/plain.sql",
    "sql/constraint/own_key_order.sql",
    "sql/conversion/latin.sql",
    "sql/function/count_orders.sql",
    "sql/function/touch.sql",
    "sql/index/parts_rest_own.sql",
    "sql/materialized_view/ages.sql",
    "sql/policy/adults_people.sql",
    "sql/publication/news.sql",
    "sql/rule/quiet_no_key.sql",
    "sql/statement/cluster_orders.sql",
    "sql/statement/options_things.number.sql",
    "sql/statistics/both_names.sql",
    "sql/text_search_configuration/words.sql",
    "sql/trigger/touch_people.sql",
    "sql/type/pair.sql",
    "sql/view/adults.sql",
]


def files_of(project: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(project)): file.read_bytes()
        for file in sorted(project.rglob("*"))
        if file.is_file()
    }


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that are gone and those that are new, without empty ones."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone = [line[2:] for line in lines if line.startswith("- ") and line[2:]]
    return gone, [line[2:] for line in lines if line.startswith("+ ") and line[2:]]


async def picture(url: str) -> Catalog:
    async with await create_engine(url) as engine:
        return await read_catalog(engine, rights=True)


def test_the_files_build_the_same_database(pulled: Path, ormkit: Command) -> None:
    """Everything is said: in the schema language, and the rest in files of SQL."""
    told = ormkit("check")
    assert (told.returncode, told.stdout) == (0, ""), told.stdout
    assert sorted(name for name in files_of(pulled) if name.endswith(".sql")) == SQL_FILES
    # The target did not look for files of SQL before. The rest of the settings stays.
    settings = (pulled / "ormkit.toml").read_text()
    assert settings.startswith("# Settings of the shop.\n")
    assert 'output = "shop/db"\nsql = ["sql/**/*.sql"]\n' in settings


def test_names_are_those_that_one_would_give(pulled: Path) -> None:
    models = tomli.loads((pulled / "schemas/app.toml").read_text())["models"]
    assert list(models) == [
        *("Adult", "Age", "Heir", "KeyOrder", "Label", "Line", "NoKey", "OrderLabel", "Order"),
        *("Part", "Person", "Thing", "OddThing", "Box"),
    ]
    assert list(models["OddThing"]["columns"]) == ["id", "typename", "column_1st", "select", "a_b"]
    related = {
        name: list(model["relationships"])
        for name, model in models.items()
        if "relationships" in model
    }
    assert related == {
        "KeyOrder": ["b_person"],
        "Label": ["order_labels", "orders"],
        "Line": ["order"],
        "OrderLabel": ["label", "order"],
        "Order": ["approved_by_person", "buyer_person", "box", "lines", "order_labels", "labels"],
        "Person": ["boss", "key_orders", "approved_by_orders", "buyer_orders", "people"],
        "Box": ["order"],
    }
    columns = models["Person"]["columns"]
    assert columns["first_name"]["column"] == "firstName"
    assert columns["class_"]["column"] == "class"
    assert models["Box"]["schema"] == "stock"


def test_constants_are_constants(pulled: Path) -> None:
    columns = tomli.loads((pulled / "schemas/app.toml").read_text())["models"]["Person"]["columns"]
    defaults = {name: each["default"] for name, each in columns.items() if "default" in each}
    assert {name: str(value) for name, value in defaults.items()} == {
        "class_": "a'b",
        "mood": "glad",
        "age": "-1",
        "price": "0.00",
        "ratio": "0.5",
        "tags": "[]",
        "data": "{'a': [1, 'b']}",
        "born": "1999-12-31",
    }
    # The same number, and another expression.
    assert columns["big"]["server_default"] == "'5'::bigint"


def test_pulling_again_changes_no_byte(pulled: Path, ormkit: Command) -> None:
    before = files_of(pulled)
    told = ormkit("pull")
    assert told.returncode == 0, told.stdout
    assert "up to date" in told.stderr
    assert files_of(pulled) == before


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[:40])
def test_a_change_of_the_database_changes_its_lines_only(
    pulled: Path, ormkit: Command, server18: Server, shop: str, change: str
) -> None:
    file = pulled / "schemas/app.toml"
    # What the user changed and said stays.
    mine = file.read_text().replace("[models.Person]\n", "# People.\n[models.Person]\n")
    file.write_text(mine)
    server18.run_script(shop, change)
    told = ormkit("pull")
    assert told.returncode == 0, told.stdout + told.stderr
    assert changed_lines(mine, file.read_text()) == CHANGES[change]


def test_names_of_the_user_stay(pulled: Path, ormkit: Command, server18: Server, shop: str) -> None:
    """Objects are matched by their names in the database."""
    file = pulled / "schemas/app.toml"
    text = file.read_text()
    for old, new in (
        ("models.Person", "models.Customer"),
        ('target = "Person"', 'target = "Customer"'),
        ('email = { type = "text?", unique', 'mail = { type = "text?", column = "email", unique'),
        ("boss = {", "chief = {"),
        ('back_populates = "boss"', 'back_populates = "chief"'),
    ):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    server18.run_script(shop, "COMMENT ON COLUMN people.email IS 'For news.'")
    server18.run_script(
        shop, "CREATE TABLE gifts (id integer PRIMARY KEY, giver_id bigint REFERENCES people)"
    )
    told = ormkit("pull")
    assert told.returncode == 0, told.stdout + told.stderr
    gone, added = changed_lines(text, file.read_text())
    assert gone == ['mail = { type = "text?", column = "email", unique = true }']
    assert added == [
        'mail = { type = "text?", column = "email", unique = true, comment = "For news." }',
        'gifts = { target = "Gift", back_populates = "giver" }',
        "[models.Gift]",
        'table = "gifts"',
        "[models.Gift.columns]",
        'id = { type = "integer", primary_key = true, identity = false }',
        'giver_id = { type = "bigint?", foreign_key = "people.id" }',
        "[models.Gift.relationships]",
        'giver = { target = "Customer", back_populates = "gifts" }',
    ]


def test_objects_in_sql_follow_the_database(
    pulled: Path, ormkit: Command, server18: Server, shop: str
) -> None:
    server18.run_script(
        shop,
        "DROP TRIGGER touch ON people; ALTER TABLE orders SET WITHOUT CLUSTER;"
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END';"
        "ALTER POLICY adults ON people USING (age >= 21); DROP FUNCTION count_orders(bigint)",
    )
    before = files_of(pulled)
    told = ormkit("pull")
    assert told.returncode == 0, told.stdout + told.stderr
    after = files_of(pulled)
    assert sorted(set(before) - set(after)) == [
        "sql/function/count_orders.sql",
        "sql/statement/cluster_orders.sql",
        "sql/trigger/touch_people.sql",
    ]
    assert b"BEGIN RETURN NEW; END" in after["sql/function/touch.sql"]
    assert b"age >= 21" in after["sql/policy/adults_people.sql"]
    assert after["schemas/app.toml"] == before["schemas/app.toml"]


def test_one_schema_of_several(label: Path, project: Path, ormkit: Command) -> None:
    label.unlink()
    told = ormkit("pull", "--schema", "stock", "--into", "schemas/stock.py")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "class Box(Base):\n" in (project / "schemas/stock.py").read_text()
    (project / "schemas/stock.py").unlink()
    told = ormkit("pull", "--schema", "stock", "--into", "schemas/stock.toml")
    assert told.returncode == 0, told.stdout + told.stderr
    assert list(tomli.loads((project / "schemas/stock.toml").read_text())["models"]) == ["Box"]


def test_the_database_is_only_read(
    project: Path, ormkit: Command, server18: Server, shop: str
) -> None:
    """Each statement runs in a transaction that is read-only; the server holds pull to it."""
    role = "CREATE ROLE reader LOGIN; ALTER ROLE reader SET default_transaction_read_only = on"
    server18.run_script(shop, role)
    try:
        before = asyncio.run(picture(shop))
        url = shop.replace("postgresql://postgres@", "postgresql://reader@")
        told = ormkit("pull", "--database", url)
        assert told.returncode == 0, told.stdout + told.stderr
        assert asyncio.run(picture(shop)) == before
    finally:
        server18.run_script(shop, "DROP ROLE reader")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--database", "postgresql://nobody@localhost:1/none"), "check the URL of --database"),
        (("--into", "other/app.toml"), "no target finds the schema file 'other/app.toml'"),
        (("--target", "none"), "there is no target 'none'; the targets are: shop/db"),
    ],
)
def test_mistakes_are_said_and_nothing_is_written(
    project: Path, ormkit: Command, arguments: tuple[str, ...], words: str
) -> None:
    before = files_of(project)
    told = ormkit("pull", *arguments)
    assert told.returncode == 2
    assert words in " ".join(told.stderr.split()).replace("[no-target] ", ";").replace(" ;", "; ")
    assert files_of(project) == before


PYTHON = """
from uuid import UUID

from ormkit_gen.declarative import Base, CheckConstraint, ForeignKey, Mapped, mapped_column


def counted():
    return mapped_column("integer")


class Label(Base):
    __tablename__ = "labels"
    __table_args__ = (
        CheckConstraint("id > 0", name="positive"),
    )

    id: Mapped[int] = mapped_column("integer", primary_key=True, identity="always")
    name: Mapped[str | None]  # What it says.
    gone: Mapped[int]
"""
PULLED = """
from ormkit_gen.declarative import (
    Base,
    ForeignKey,
    Mapped,
    mapped_column,
    relationship,
)


def counted():
    return mapped_column("integer")


class Label(Base):
    __tablename__ = "labels"

    id: Mapped[int] = mapped_column("integer", primary_key=True, identity="always")
    name: Mapped[str]  # What it says.
    maker: Mapped[int | None] = mapped_column(ForeignKey("people.id"), unique=True)
    maker_person: Mapped["Person"] = relationship(back_populates="label")
    order_labels: Mapped[list["OrderLabel"]] = relationship(back_populates="label")
    orders: Mapped[list["Order"]] = relationship(
        secondary="order_labels", back_populates="labels"
    )
"""


@pytest.fixture
def label(project: Path) -> Path:
    """A schema file in Python, in a project that has both languages."""
    settings = (project / "ormkit.toml").read_text()
    patterns = 'schemas = ["schemas/*.toml", "schemas/*.py"]'
    (project / "ormkit.toml").write_text(settings.replace('schemas = ["schemas/*.toml"]', patterns))
    file = project / "schemas/label.py"
    file.parent.mkdir()
    file.write_text(PYTHON)
    return file


def test_python_files_are_edited_in_place(
    label: Path, ormkit: Command, server18: Server, shop: str
) -> None:
    server18.run_script(shop, "ALTER TABLE labels ADD maker bigint UNIQUE REFERENCES people")
    told = ormkit("pull", "--into", "schemas/app.toml")
    assert told.returncode == 0, told.stdout + told.stderr
    # Nothing has used the import of UUID, so that it stays.
    assert label.read_text() == f"\nfrom uuid import UUID\n{PULLED}"
    told = ormkit("pull")
    assert (told.returncode, told.stdout) == (0, ""), told.stdout


def test_what_code_makes_is_shown_as_a_patch(label: Path, ormkit: Command) -> None:
    label.write_text(PYTHON.replace("name: Mapped[str | None]", "name: Mapped[str] = counted()"))
    told = ormkit("pull", "--into", "schemas/app.toml")
    assert told.returncode == 1
    reason = "not edited: schemas/label.py:18: Label.name: counted() makes the column\n"
    assert reason in told.stdout
    patch = told.stdout[told.stdout.index("--- a/schemas/label.py") :]
    subprocess.run(
        ["patch", "-p1", "--silent"],
        input=patch.partition("differs:")[0],
        text=True,
        check=True,
        cwd=label.parent.parent,
    )
    assert "    name: Mapped[str]  # What it says.\n" in label.read_text()
    told = ormkit("pull")
    assert (told.returncode, told.stdout) == (0, ""), told.stdout


def test_an_empty_database_is_said_and_nothing_is_written(
    project: Path, ormkit: Command, server18: Server
) -> None:
    before = files_of(project)
    with server18.database() as url:
        told = ormkit("pull", "--database", url, "--into", "schemas/app.toml")
        begun = ormkit("init", "start", "--from", url, "--shadow", server18.url)
    assert (told.returncode, begun.returncode) == (2, 2)
    assert "there are no tables in the database" in told.stderr
    assert "there are no tables in the database" in begun.stderr
    assert files_of(project) == before


def test_a_failed_write_leaves_every_file_as_it_was(
    pulled: Path, ormkit: Command, server18: Server, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server18.run_script(
        shop,
        "ALTER TABLE people ADD bio text; DROP TRIGGER touch ON people; "
        "ALTER POLICY adults ON people USING (age >= 21)",
    )
    before = files_of(pulled)
    real = Path.unlink

    def unlink(self: Path, missing_ok: bool = False) -> None:
        if self.name == "touch_people.sql":
            raise PermissionError(13, "Permission denied", str(self))
        real(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    told = ormkit("pull")
    assert told.returncode == 2
    assert "Permission denied" in told.stderr
    assert files_of(pulled) == before


@pytest.mark.parametrize("options", [(), ("--python",)])
def test_a_project_starts_from_a_database(
    tmp_path: Path,
    shop: str,
    server18: Server,
    ormkit: Command,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    """Its models read the tables that are there."""
    monkeypatch.chdir(tmp_path)
    told = ormkit("init", "start", "--from", shop, "--shadow", server18.url, *options)
    assert (tmp_path / f"start/schemas/app.{'py' if options else 'toml'}").exists()
    assert told.returncode == 0, told.stdout + told.stderr
    assert "`sql/` has what" in (tmp_path / "start/README.md").read_text()
    server18.run_script(shop, "INSERT INTO labels (name) VALUES ('new'), ('old')")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "start"), *sys.path])
    monkeypatch.delitem(sys.modules, "db", raising=False)
    package: Any = importlib.import_module("db")

    async def read() -> list[tuple[int, int]]:
        async with await create_engine(shop) as engine:
            session = AsyncSession(engine)
            models = [package.Label, package.Person, package.Order, package.Box, package.Line]
            return [
                (await session.query(each).count(), len(await session.query(each).all()))
                for each in models
            ]

    try:
        assert asyncio.run(read()) == [(2, 2), (0, 0), (0, 0), (0, 0), (0, 0)]
    finally:
        for name in [name for name in sys.modules if name == "db" or name.startswith("db.")]:
            del sys.modules[name]
