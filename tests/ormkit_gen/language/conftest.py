"""Compares what a schema creates with what plain SQL creates, as facts of PostgreSQL's catalogs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from ormkit.catalog import compare, shadow_catalog
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.ir import Schema
from ormkit_gen.schema import load
from tests.servers import Server

IMPORTS = """
import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Any
from ormkit_gen.declarative import *
"""

Same = Callable[..., Schema]


def read(directory: Path, text: str, ending: str, files: Mapping[str, str] | None = None) -> Schema:
    """Return the schema of a text in TOML or Python, with files of SQL."""
    (directory / f"schema.{ending}").write_text(dedent(text), encoding="utf-8")
    for name, sql in (files or {}).items():
        (directory / "sql" / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / "sql" / name).write_text(sql, encoding="utf-8")
    found = sorted(directory.glob("sql/**/*.sql"))
    return load([directory / f"schema.{ending}"], directory, (), found).schema


@pytest.fixture
def same(tmp_path: Path, server18: Server) -> Same:
    """Checks that SQL and a schema in both spellings create the same, also if run twice."""

    def check(
        sql: str,
        toml: str,
        python: str = "",
        files: Mapping[str, str] | None = None,
        server: Server = server18,
    ) -> Schema:
        schema = read(tmp_path, toml, "toml", files)
        if python:
            assert read(tmp_path, IMPORTS + dedent(python), "py", files) == schema
        assert differences(server, sql, schema_sql(schema)) == []
        return schema

    return check


def differences(server: Server, sql: str, own: str) -> list[str]:
    """Return what differs between the databases that two texts of SQL create."""

    async def both() -> list[str]:
        expected = await shadow_catalog(server.url, sql)
        found = await shadow_catalog(server.url, f"{own}\n{own}")
        return [f"{each.expected} != {each.found}" for each in compare(expected, found)]

    return asyncio.run(both())
