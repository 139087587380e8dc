"""The fixtures that open an engine in the event loops of pytest-asyncio.

The plugin registers this module where pytest-asyncio is there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest_asyncio

from ..engine import Engine
from .databases import Database
from .event_loops import ASYNCIO_ENGINES
from .opened_engine import opened


def _opening(scope: Any) -> Any:
    """Return the fixture for tests in loops of this scope."""

    @pytest_asyncio.fixture(loop_scope=scope, name=ASYNCIO_ENGINES[scope])
    async def ormkit_engine(
        ormkit_database: Database, ormkit_engine_options: dict[str, Any]
    ) -> AsyncGenerator[Engine]:
        async with opened(ormkit_database, ormkit_engine_options) as engine:
            yield engine

    return ormkit_engine


for _scope in ASYNCIO_ENGINES:
    globals()[ASYNCIO_ENGINES[_scope]] = _opening(_scope)
