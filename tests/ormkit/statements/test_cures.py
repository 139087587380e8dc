"""The cure for a loop follows from the schema, whatever kind of key and relationship it has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ormkit import AsyncSession, RepeatedStatement, create_engine, detect_repeats, selectinload
from tests.generated import import_models

pytestmark = pytest.mark.one_interpreter

Sending = Callable[[AsyncSession, Any, int], Any]

LOADED = "load them with their parents: "
READ = "read all rows by one query: "
CURES: dict[str, tuple[Sending, str]] = {
    "two foreign keys to one table, the first": (
        lambda s, m, _: s.query(m.Transfer).filter(sender_id=uuid4()).all(),
        LOADED + 'session.query(Account).options(selectinload("sent")).all()',
    ),
    "the second, to a unique column": (
        lambda s, m, n: s.query(m.Transfer).filter(receiver_email=f"{n}").all(),
        LOADED + 'session.query(Account).options(selectinload("received")).all()',
    ),
    "both, of which one stays the same": (
        lambda s, m, _: s.query(m.Transfer).filter(receiver_email="a", sender_id=uuid4()).all(),
        LOADED + "session.query(Account)"
        ".options(selectinload(Account.sent).filter(receiver_email=...)).all()",
    ),
    "both": (
        lambda s, m, n: s.query(m.Transfer).filter(receiver_email=f"{n}", sender_id=uuid4()).all(),
        READ + "session.query(Transfer).filter(Q(receiver_email=..., sender_id=...)"
        " | Q(receiver_email=..., sender_id=...) | ...).all()",
    ),
    "a table that refers to itself by two columns": (
        lambda s, m, n: s.query(m.Member).filter(mentor_tenant="a", mentor_number=n).all(),
        LOADED + 'session.query(Member).options(selectinload("pupils")).all()',
    ),
    "a part of a composite key": (
        lambda s, m, n: s.query(m.Member).filter(tenant_code=f"{n}", number=3).exists(),
        "ask in the query of their parents: "
        "session.query(Tenant).filter(Tenant.members.any(Member.number == ...))",
    ),
    "a composite key": (
        lambda s, m, n: s.get(m.Member, (f"{n}", n)),
        READ + "session.query(Member)"
        ".filter(Q(tenant_code=..., number=...) | Q(tenant_code=..., number=...) | ...).all()",
    ),
    "a composite key, half of which stays the same": (
        lambda s, m, n: s.get(m.Member, ("a", n)),
        READ + "session.query(Member).filter(number__in=[...], tenant_code=...).all()",
    ),
    "an association table": (
        lambda s, m, _: s.query(m.Group)
        .filter(m.Group.accounts.any(m.Account.id == uuid4()))
        .all(),
        LOADED + 'session.query(Account).options(selectinload("groups")).all()',
    ),
    "no foreign key, and a value that stays the same before it": (
        lambda s, m, n: s.query(m.Group).filter(user="ada", id=n).one_or_none(),
        READ + "session.query(Group).filter(id__in=[...], user=...).all()",
    ),
}


async def test_cures_fit_the_keys(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    models = import_models(tmp_path, Path(__file__).parents[3] / "schemas/everything.toml")
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        found: dict[str, str] = {}
        for name, (send, _) in CURES.items():
            with (
                pytest.raises(RepeatedStatement) as raised,
                detect_repeats(engine, action="raise"),
            ):
                for number in range(6):
                    await send(session, models, number)
            found[name] = str(raised.value).partition(": ")[2]
        assert found == {name: cure for name, (_, cure) in CURES.items()}
        # What is written as options can be run.
        sent = selectinload(models.Account.sent).filter(receiver_email="a")
        await session.query(models.Account).options(sent).all()
