"""Roles that policies and the like name, on a shadow server that does not have them."""

from __future__ import annotations

import re
from contextlib import suppress
from types import TracebackType
from typing import Self

from ormkit import DatabaseError, create_engine
from ormkit_gen.drift.live import ONCE
from ormkit_gen.postgres.identifiers import quote_identifier

#: The SQLSTATE of PostgreSQL for a name that nothing has.
_UNDEFINED = "42704"
_ROLE = re.compile(r'role "(.+)" does not exist')


class Roles:
    """Creates roles while a schema is built on a server, and drops them at the end.

    They may do nothing, not even log in.
    """

    def __init__(self, server: str) -> None:
        """Take the URL of the server. Its role needs CREATEROLE, or the schema needs no role."""
        self._server = server
        self._made: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in self._made:
            # Another build may use it still, and will drop it.
            with suppress(DatabaseError):
                await self._execute(f"DROP ROLE IF EXISTS {quote_identifier(name)}")

    async def provide(self, error: DatabaseError) -> bool:
        """Create the role that a statement failed for. Return whether that was the reason."""
        found = _ROLE.search(str(error)) if error.sqlstate == _UNDEFINED else None
        if found is None or found[1] in self._made:
            return False
        try:
            await self._execute(f"CREATE ROLE {quote_identifier(found[1])} NOLOGIN")
        except DatabaseError:
            return False
        self._made.append(found[1])
        return True

    async def _execute(self, sql: str) -> None:
        async with await create_engine(self._server, **ONCE) as engine:
            await engine.execute(sql)
