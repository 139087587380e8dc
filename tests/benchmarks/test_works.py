"""Every work is done once by each library of this environment, with the floor's answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from benchmarks.answers import WrongAnswer, check_answer
from benchmarks.dataset import TINY, WIDTHS, Row, create, person
from benchmarks.libraries import LIBRARIES, Library, is_installed, load
from benchmarks.libraries.ormkit_ import OrmKit
from benchmarks.measuring import Bench, opened
from benchmarks.works import WORKS, Work

pytestmark = pytest.mark.one_interpreter

INSTALLED = [key for key in LIBRARIES if is_installed(key)]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database_url)
    try:
        await create(connection, TINY)
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def libraries(connection: Any, database_url: str) -> AsyncIterator[list[Library]]:
    libraries = [load(key) for key in INSTALLED]
    async with opened(libraries, database_url):
        yield libraries


@pytest.fixture
def bench(connection: Any, libraries: list[Library]) -> Bench:
    return Bench(connection, TINY, libraries)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.method)
async def test_libraries_agree_with_the_floor(bench: Bench, work: Work) -> None:
    missing = await bench.check(work, operations=4)
    assert missing.keys() <= {key for key in INSTALLED if load(key).unavailable}
    assert not {"pool", "ormkit", "ormkit-alone"} & missing.keys()


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.method)
async def test_an_answer_holds_something(bench: Bench, work: Work) -> None:
    """Libraries that all find nothing would agree as well."""
    floor = next(each for each in bench.libraries if each.key == work.floor)
    answer = await bench.answer(work, floor, work.arguments(TINY, 4, seed=0))
    assert depth_of_values(answer) > 0


def depth_of_values(answer: Any) -> int:
    """Return the smallest number of values in any list of an answer."""
    if not isinstance(answer, list | tuple):
        return 1
    return min((depth_of_values(each) for each in answer), default=0) and len(answer)


class Forgetful(OrmKit):
    """OrmKit with mistakes that a benchmark could be won by."""

    key = "forgetful"
    title = "Forgetful"

    async def models(self) -> Any:
        return (await super().models())[:-1]

    async def dicts(self) -> Any:
        return [{**row, "score": 0.0} for row in await super().dicts()]

    async def page(self, status: str, count: int) -> Any:
        return list(reversed(await super().page(status, count)))

    async def selectin(self, last: int) -> Any:
        users = await super().selectin(last)
        list.pop(users[-1].posts)  # a loaded list refuses to be changed
        return users

    async def insert_many(self, rows: Sequence[Row]) -> list[int]:
        keys = await super().insert_many(rows)
        return [keys[1], keys[0], *keys[2:]]

    async def update(self, account: Any, score: float) -> None:
        """Write nothing."""

    async def transaction(self, key: int) -> None:
        """Write nothing."""

    async def upsert(self, rows: Sequence[Row]) -> None:
        await super().upsert(rows[:-1])

    async def exists(self, email: str) -> bool:
        return not await super().exists(email)


@pytest.mark.parametrize(
    "method",
    [name for name in vars(Forgetful) if name in {work.method for work in WORKS}],
)
async def test_a_wrong_answer_is_refused(connection: Any, database_url: str, method: str) -> None:
    work = next(each for each in WORKS if each.method == method)
    libraries = [load("bare"), Forgetful()]
    async with opened(libraries, database_url):
        with pytest.raises(WrongAnswer, match=r"Forgetful: .* the answer differs from the floor's"):
            await Bench(connection, TINY, libraries).check(work, operations=4)


def test_the_first_difference_is_named() -> None:
    with pytest.raises(WrongAnswer, match=r"at \[1\]\[0\]: 3 and not 2"):
        check_answer(load("ormkit"), "a work", [[1], [3]], [[1], [2]])
    with pytest.raises(WrongAnswer, match=r"at .*which has another length: 1 and not 2"):
        check_answer(load("ormkit"), "a work", [1], [1, 2])


async def test_every_sample_finds_the_accounts_as_the_first_did(bench: Bench) -> None:
    """Tables that grow would make whoever comes later slower."""
    work = next(each for each in WORKS if each.method == "insert")
    measured = await bench.measure(work, rounds=2, operations=3)
    assert {len(samples) for samples in measured.seconds.values()} == {2}
    assert await bench.connection.fetchval("SELECT count(*) FROM accounts") == 3


async def test_rows_made_here_are_those_that_the_server_makes(connection: Any) -> None:
    for number in (1, 10, 11, 59):
        row = await connection.fetchrow("SELECT * FROM users WHERE id = $1", number)
        assert {"id": number, **person(number)} == dict(row)


@pytest.mark.parametrize("key", INSTALLED)
async def test_curves_read_what_they_say(connection: Any, database_url: str, key: str) -> None:
    library = load(key)
    async with opened([library], database_url):
        assert [len(await library.events(count)) for count in (1, 10)] == [1, 10]
        assert [len(await library.wide(width)) for width in WIDTHS] == [TINY.wide] * len(WIDTHS)
