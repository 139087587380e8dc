"""The storms of `make soak`, short; see storms.py for what each one does and checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormkit import create_engine
from ormkit.pool.pool import MOST_OPENING
from ormkit.transactions.options import Isolation
from tests.reliability.bank import Bank
from tests.reliability.storms import bad_inputs, cancellations, crashes, faults, load, work_off


@pytest.mark.parametrize("isolation", [None, "repeatable read", "serializable"])
async def test_concurrent_transfers_are_exact(
    database_url: str, isolation: Isolation | None
) -> None:
    async with await create_engine(database_url) as engine:
        bank = Bank(engine)
        await bank.open()
        await work_off(200, 20, lambda number: bank.transfer(isolation))
        assert await bank.audit() == 0
        assert len(bank.acknowledged) == 200
        assert (bank.retries > 0) == (isolation is not None)


async def test_random_cancellation_loses_and_leaks_nothing(database_url: str) -> None:
    done = await cancellations(database_url, 3000)
    assert (done["lost"], done["leaked"]) == (0, 0)
    assert 300 < done["cancelled"] < 3000


async def test_many_tasks_on_few_connections_all_get_their_turn(database_url: str) -> None:
    done = await load(database_url, 1.5)
    assert (done["lost"], done["leaked"]) == (0, 0)
    assert done["operations"] > 200
    assert done["longest ms"] < 30_000


@pytest.mark.one_interpreter
async def test_a_crash_of_the_server_loses_no_acknowledged_commit(server_directory: Path) -> None:
    done = await crashes(server_directory / "crashed", rounds=2, seconds=0.4)
    assert (done["lost"], done["leaked"]) == (0, 0)
    assert done["errors"] > 0
    assert done["slowest recovery ms"] < 1000
    # 10 connections, and those that the server refused while it was away.
    assert done["attempts to connect a crash"] < 40
    assert done["attempts at once"] <= MOST_OPENING


@pytest.mark.one_interpreter
async def test_broken_connections_under_load_lose_and_leak_nothing(database_url: str) -> None:
    done = await faults(database_url, 1500)
    assert (done["lost"], done["leaked"]) == (0, 0)
    assert done["faults"] > 20
    assert done["errors"] > 0


async def test_values_of_every_wrong_kind_harm_no_connection(database_url: str) -> None:
    done = await bad_inputs(database_url, 1000)
    assert (done["lost"], done["leaked"]) == (0, 0)
    assert done["refused"] > 300
