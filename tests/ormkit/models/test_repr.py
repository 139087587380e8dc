"""The repr of an object, which gets into logs: what it leaves out and what it cuts."""

from __future__ import annotations

import pytest

from ormkit import AsyncSession, Engine, UsageError
from tests.generated import models_of

PRIVATE = """
[models.Account.columns]
id = { type = "bigint", primary_key = true }
name = "text"
password_hash = { type = "text", private = true }
document = "jsonb?"
payload = "bytea?"
"""


async def test_private_columns_and_long_values_stay_out_of_a_repr(engine: Engine) -> None:
    models = models_of("private", PRIVATE)
    account = models.Account(name="Ada", password_hash="$argon2id$secret")
    assert repr(account) == "Account(name='Ada', document=None, payload=None)"
    account.name = "x" * 1_000_000
    account.document = [{"deep": ["y" * 1000] * 1000}] * 1000
    account.payload = b"z" * 1_000_000
    assert len(repr(account)) < 400
    assert repr(account).startswith("Account(name='xxxxxxxxxx")
    assert repr(account).count("...") >= 3
    with pytest.raises(UsageError, match=r"Account\.password_hash is private, and a cursor"):
        await AsyncSession(engine).query(models.Account).order_by("password_hash").limit(10).page()
