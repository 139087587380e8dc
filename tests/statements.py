"""What an engine sends, for tests that count statements."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from ormkit import Engine
from ormkit.driver.command import Command
from ormkit.driver.connection import Connection


class Statements(list[str]):
    """The SQL texts that any connection sends while the block lasts, in order."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._originals: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for name in ("run", "script"):
            self._originals[name] = original = getattr(Connection, name)
            setattr(Connection, name, self._recorded(original))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name, original in self._originals.items():
            setattr(Connection, name, original)

    def _recorded(self, original: Any) -> Any:
        async def record(
            connection: Connection, sent: Command | str, *args: Sequence[object], **how: object
        ) -> Any:
            self.append(sent if isinstance(sent, str) else sent.sql)
            return await original(connection, sent, *args, **how)

        return record
