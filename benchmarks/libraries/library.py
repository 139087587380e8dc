"""What every library has to do, and how its answers are read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from benchmarks.dataset import Row

#: The connections of a pool.
POOL_SIZE = 10


class Library(ABC):
    """One library: a method for each work, which returns what the library itself returns."""

    key: ClassVar[str]
    title: ClassVar[str]
    #: The distribution whose version is shown.
    distribution: ClassVar[str]
    #: True for a driver: a reference, which no one calls a peer.
    is_reference: ClassVar[bool] = False
    #: Why a work cannot be done, by the name of its method.
    unavailable: ClassVar[Mapping[str, str]] = {}

    @property
    def version(self) -> str:
        return version(self.distribution)

    @abstractmethod
    async def open(self, url: str) -> None:
        """Connect to the database."""

    @abstractmethod
    async def close(self) -> None:
        """Close every connection."""

    async def prepare(self, method: str, arguments: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return the arguments as the library wants to be given them; outside the timing."""
        return arguments

    def plain(self, row: Any, names: Sequence[str]) -> tuple[Any, ...]:
        """Return these columns of what the library calls a row."""
        return tuple(getattr(row, name) for name in names)

    def related(self, row: Any, name: str) -> Any:
        """Return the row or the rows that a relationship of this row was loaded with."""
        return getattr(row, name)

    @abstractmethod
    async def get(self, key: int) -> Any:
        """Read a user by key."""

    async def get_in_tasks(self, tasks: Sequence[Sequence[int]]) -> list[list[Any]]:
        """Read users by key in one task for each list of keys."""
        return await asyncio.gather(*(self.get_all(keys) for keys in tasks))

    async def get_all(self, keys: Sequence[int]) -> list[Any]:
        """Read users by key, one after the other."""
        return [await self.get(key) for key in keys]

    @abstractmethod
    async def page(self, status: str, count: int) -> Any:
        """Read the newest users of this status."""

    @abstractmethod
    async def models(self) -> Any:
        """Read every user, as the library's own kind of row."""

    @abstractmethod
    async def tuples(self) -> Any:
        """Read every user as a tuple."""

    @abstractmethod
    async def dicts(self) -> Any:
        """Read every user as a dict."""

    @abstractmethod
    async def count(self, status: str) -> int:
        """Count the users of this status."""

    @abstractmethod
    async def exists(self, email: str) -> bool:
        """Tell whether there is a user with this address."""

    @abstractmethod
    async def insert(self, row: Row) -> int:
        """Insert an account and return its key."""

    @abstractmethod
    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        """Insert accounts at once and return their keys, in the order of the rows."""

    @abstractmethod
    async def update(self, account: Any, score: float) -> None:
        """Write one column of an account: of its key, or of an object read before."""

    @abstractmethod
    async def upsert(self, rows: Sequence[Row]) -> None:
        """Insert accounts, or update name and score of those that have the address already."""

    @abstractmethod
    async def transaction(self, key: int) -> None:
        """Read an account, make it a year older and write it, in one transaction."""

    @abstractmethod
    async def selectin(self, last: int) -> Any:
        """Read the users up to this key with their posts, in two queries."""

    @abstractmethod
    async def joined(self, last: int) -> Any:
        """Read the posts up to this key with their authors, in one query."""

    @abstractmethod
    async def tree(self, first: int, last: int) -> Any:
        """Read the users between two keys with their posts and the comments on these."""

    @abstractmethod
    async def links(self, last: int) -> Any:
        """Read the posts up to this key with their tags."""

    @abstractmethod
    async def stream(self) -> tuple[int, int]:
        """Read every event without holding them all; return how many, and the sum of the keys."""

    @abstractmethod
    async def events(self, count: int) -> Any:
        """Read the events up to this key, as the library's own kind of row."""

    @abstractmethod
    async def wide(self, width: int) -> Any:
        """Read all of the table with so many columns, as the library's own kind of row."""
