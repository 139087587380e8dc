"""A folder of migrations, and an engine on an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ormkit import Engine, create_engine
from tests.ormkit.migrations.projects import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder of migrations, still empty."""
    return Project(tmp_path / "migrations")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Engine]:
    """An engine on an empty database."""
    async with await create_engine(database_url, max_connections=3) as engine:
        yield engine
