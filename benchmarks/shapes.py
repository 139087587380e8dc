"""What classes of the application cost: python -m benchmarks.shapes

10,000 rows of 8 columns are read by values_list() and as objects of each kind of class, and 1,000
users with 5 posts each as models and as classes. All ways take turns in one process, so that what
else runs on the machine meets each of them. A ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import msgspec
import pydantic

from benchmarks.db import SCHEMA, User
from benchmarks.machine import describe_machine
from ormkit import AsyncSession, EmbeddedServer, create_engine, jsonload, selectinload

ROUNDS = 60
FIELDS: dict[str, Any] = {
    "id": int,
    "name": str,
    "email": str,
    "age": int | None,
    "score": float,
    "status": str,
    "is_active": bool,
    "created_at": dt.datetime,
}
FILL = """
INSERT INTO users (name, email, age, score, status, is_active, created_at)
SELECT 'name ' || i, 'user' || i || '@example.org', i % 90, i / 3.0, 'active', i % 2 = 0, now()
FROM generate_series(1, 10000) i
"""
FILL_POSTS = """
INSERT INTO posts (author_id, title, views, created_at)
SELECT i / 5 + 1, 'title ' || i, i, now() FROM generate_series(0, 49999) i
"""

Plain = dataclasses.make_dataclass("Plain", FIELDS.items())
Frozen = dataclasses.make_dataclass("Frozen", FIELDS.items(), frozen=True)
Slots = dataclasses.make_dataclass("Slots", FIELDS.items(), slots=True)
FrozenSlots = dataclasses.make_dataclass("FrozenSlots", FIELDS.items(), frozen=True, slots=True)
Struct = msgspec.defstruct("Struct", list(FIELDS.items()))
Tuple = NamedTuple("Tuple", list(FIELDS.items()))  # type: ignore[misc]
Dict = TypedDict("Dict", FIELDS)  # type: ignore[misc]
Pydantic: Any = pydantic.create_model("Pydantic", **{name: (t, ...) for name, t in FIELDS.items()})


class Called(Plain):  # type: ignore[misc,valid-type]
    """A dataclass that has to be called."""

    def __post_init__(self) -> None:
        """Do nothing."""


@dataclasses.dataclass
class PostOut:
    id: int
    title: str


@dataclasses.dataclass
class UserOut:
    id: int
    name: str
    posts: list[PostOut]


KINDS: Sequence[Any] = (
    *(Plain, Slots, Frozen, FrozenSlots, Called, Tuple, Dict, Struct, Pydantic),
)


async def compare(ways: dict[str, Callable[[], Awaitable[Any]]]) -> None:
    """Print the time of each way, and its ratio to the first one."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.perf_counter()
            found = await way()
            times[name].append(time.perf_counter() - started)
            del found
    first = next(iter(times.values()))
    for name, taken in times.items():
        ratio = statistics.median(map(float.__truediv__, taken, first))
        best = min(taken) / min(first)
        print(f"| {name} | {min(taken) * 1e3:.2f} ms | {ratio:.2f} | {best:.2f} |")


async def measure(url: str) -> None:
    """Fill the tables of a server, and print what each way takes."""
    async with await create_engine(url) as engine:
        await engine.create_all(SCHEMA)
        for statement in (FILL, FILL_POSTS, "ANALYZE"):
            await engine.execute(statement)
        query = AsyncSession(engine).query(User)
        columns: list[Any] = [getattr(User, name) for name in FIELDS]
        print("\n| 10,000 rows | best | ratio | ratio of the best |\n|---|---|---|---|")
        await compare(
            {
                "values_list": lambda: query.values_list(*columns).all(),
                "models": query.all,
                **{each.__name__: query.into(each).all for each in KINDS},
            }
        )
        some = query.order_by("id").limit(1000)
        print("\n| 1,000 x 5 | best | ratio | ratio of the best |\n|---|---|---|---|")
        await compare(
            {
                "models, selectinload": some.options(selectinload(User.posts)).all,
                "models, jsonload": some.options(jsonload(User.posts)).all,
                "into": some.into(UserOut).all,
            }
        )


def main() -> None:
    """Start a server, and measure on it."""
    print(f"Measured on {describe_machine()}.")
    with tempfile.TemporaryDirectory(prefix="ormkit-shapes-") as name:
        directory = Path(name)
        # The server may run under another account than this process.
        directory.chmod(0o755)
        with EmbeddedServer.start(directory / "data", version=18) as server:
            asyncio.run(measure(server.url))


if __name__ == "__main__":
    main()
