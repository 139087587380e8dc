"""Schemas from TOML texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.ir import Schema
from ormkit_gen.schema import load

Read = Callable[[str], Schema]
Diagnose = Callable[[str], list[tuple[str, int]]]

#: A model to refer to.
USER = """
[models.User.columns]
id = { type = "bigint", primary_key = true }
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a TOML text as a schema."""

    def read(text: str) -> Schema:
        file = tmp_path / "schema.toml"
        file.write_text(text, encoding="utf-8")
        return load([file], tmp_path).schema

    return read


@pytest.fixture
def diagnose(read: Read) -> Diagnose:
    """Returns the code and line of each error in a TOML text."""

    def diagnose(text: str) -> list[tuple[str, int]]:
        with pytest.raises(SchemaError) as caught:
            read(text)
        return [(each.code, each.at.line if each.at else 0) for each in caught.value.diagnostics]

    return diagnose
