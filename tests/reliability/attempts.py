"""Counts the attempts of a pool to connect."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from ormkit import Engine
from ormkit.driver.connection import Connection


class Attempts:
    """How often a pool connects, and how many times at once at most."""

    def __init__(self, engine: Engine) -> None:
        self.count = self.now = self.most = 0
        self._connect = engine.pool._connect
        engine.pool._connect = self._counted

    async def _counted(self) -> Connection:
        self.count += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._connect()
        finally:
            self.now -= 1
