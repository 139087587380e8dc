"""The examples of docs/schema.md are schemas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.postgres.types import BASE_TYPES
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load

TEXT = (Path(__file__).parents[3] / "docs/schema.md").read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
#: The module of the application that an example names.
GEO = "# app/geo.py\n"
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
PYTHON = [each for each in BLOCKS if not each.startswith(GEO)]
IMPORTS = "from enum import Enum\nfrom ormkit_gen.declarative import *\n\n\n"
#: What an excerpt leaves out, before and after it, to be a schema.
BOOKING = """class Booking(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[int] = mapped_column("integer")
    guest: Mapped[str]
    during: Mapped[object] = mapped_column("tstzrange")
    price: Mapped[object] = mapped_column("numeric(10, 2)")
    details: Mapped[object] = mapped_column("jsonb")
"""
TASK = "\n\nclass Task(Base):\n    id: Mapped[int] = mapped_column(primary_key=True)\n"


@pytest.mark.parametrize("text", TOML, ids=range(len(TOML)))
def test_each_toml_example_generates_without_a_warning(text: str, tmp_path: Path) -> None:
    file = tmp_path / "schema.toml"
    file.write_text(text, encoding="utf-8")
    (tmp_path / "app").mkdir()
    (tmp_path / "app/types.py").write_text("class Settings: ...\n", encoding="utf-8")
    (geo,) = (each for each in BLOCKS if each.startswith(GEO))
    (tmp_path / "app/geo.py").write_text(geo, encoding="utf-8")
    loaded = load([file], tmp_path)
    assert not loaded.warnings
    assert render(loaded.schema)


@pytest.mark.parametrize("text", PYTHON, ids=range(len(PYTHON)))
def test_each_python_example_generates_without_a_warning(text: str, tmp_path: Path) -> None:
    before = BOOKING if text.startswith(" ") else ""
    after = TASK if "enum_type" in text else ""
    file = tmp_path / "schema.py"
    file.write_text(IMPORTS + before + text + after, encoding="utf-8")
    loaded = load([file], tmp_path)
    assert not loaded.warnings
    assert render(loaded.schema)


def test_the_first_example_says_the_same_in_both_spellings(tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text(TOML[0], encoding="utf-8")
    (tmp_path / "schema.py").write_text(PYTHON[0], encoding="utf-8")
    toml, python = (load([tmp_path / f"schema.{each}"], tmp_path).schema for each in ("toml", "py"))
    assert python == toml
    assert schema_sql(python) == schema_sql(toml)


def test_the_table_of_types_names_every_type() -> None:
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    named = {re.sub(r"\(.*", "", each) for row in rows for each in re.findall(r"`(.*?)`", row)}
    assert set(BASE_TYPES) <= named
