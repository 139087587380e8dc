"""A bank whose books show every lost, doubled or half-done transaction."""

from __future__ import annotations

import random
from typing import Any

from ormkit import AsyncSession, Engine, Transaction
from ormkit.transactions.options import Isolation
from tests.generated import models_of

SCHEMA = """
[models.Account]
table = "accounts"
[models.Account.columns]
id = { type = "bigint", primary_key = true }
balance = "bigint"

[models.Payment]
table = "payments"
[models.Payment.columns]
id = { type = "bigint", primary_key = true }
source = "bigint"
target = "bigint"
amount = "bigint"
"""
ACCOUNTS = 20
START = 1000


def models() -> Any:
    """Return the bank's generated package."""
    return models_of("bank", SCHEMA)


class Bank:
    """Accounts with money that only moves, and a payment for each move."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.session = AsyncSession(engine)
        self.models = models()
        self.begun = 0
        #: Numbers of the payments whose COMMIT was answered.
        self.acknowledged: set[int] = set()
        self.retries = 0

    async def open(self) -> None:
        """Create the tables and the accounts."""
        await self.engine.create_all(self.models.SCHEMA)
        account = self.models.Account
        await self.session.insert_all(
            [account(id=number, balance=START) for number in range(ACCOUNTS)]
        )

    async def transfer(self, isolation: Isolation | None = None) -> None:
        """Move money between two accounts; lock the rows where the isolation alone will not do.

        A transaction that lost against another one is run again.
        """
        source, target = random.sample(range(ACCOUNTS), 2)
        self.begun += 1
        number, amount = self.begun, random.randint(1, 9)
        tries = 0

        async def move(tx: Transaction) -> None:
            nonlocal tries
            tries += 1
            query = tx.query(self.models.Account).filter(id__in=[source, target]).order_by("id")
            if isolation is None:
                query = query.for_update()
            accounts = {account.id: account for account in await query.all()}
            tx.add(self.models.Payment(id=number, source=source, target=target, amount=amount))
            for key, change in ((source, -amount), (target, amount)):
                account = accounts[key]
                await tx.update(account, balance=account.balance + change)

        await self.session.run(move, retries=1000, isolation=isolation)
        self.retries += tries - 1
        self.acknowledged.add(number)

    async def read(self) -> None:
        """Read an account, as most of what a service does."""
        await self.session.get(self.models.Account, random.randrange(ACCOUNTS))

    async def audit(self) -> int:
        """Fail where the books do not agree; return how many acknowledged payments are missing."""
        accounts = dict(await self._pairs("SELECT id, balance FROM accounts"))
        assert sum(accounts.values()) == ACCOUNTS * START, "money was made or lost"
        moved = dict.fromkeys(accounts, START)
        payments = await self._pairs("SELECT source, -amount FROM payments")
        payments += await self._pairs("SELECT target, amount FROM payments")
        for account, amount in payments:
            moved[account] += amount
        assert moved == accounts, "the payments do not explain the balances"
        kept = {number for number, _ in await self._pairs("SELECT id, amount FROM payments")}
        assert max(kept, default=0) <= self.begun
        return len(self.acknowledged - kept)

    async def _pairs(self, sql: str) -> list[tuple[int, int]]:
        rows: Any = (await self.engine.execute(sql)).tuples()
        return [(int(one), int(other)) for one, other in rows]
