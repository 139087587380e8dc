"""COPY of columns that travel as text, by each way to the server."""

from __future__ import annotations

import io

import pytest

from ormkit import DataError, Engine


async def test_rows_arrive_as_text_and_come_back(engine: Engine) -> None:
    await engine.execute("CREATE TABLE IF NOT EXISTS texts (id int, v tsvector, t text)")
    rows = [(number, f"'w{number}'", "\t\\N\n" * 1000) for number in range(300)]
    assert await engine.copy_in("texts", rows, columns=["id", "v", "t"]) == 300
    assert (await engine.execute("SELECT * FROM texts ORDER BY id")).tuples() == rows
    async with engine.transaction() as tx:
        assert await tx.copy_in("texts", rows[:1], columns=["id", "v", "t"]) == 1
    with pytest.raises(DataError, match=r"\(row 2\)"):
        await engine.copy_in("texts", [(1, "a"), (2, "'")], columns=["id", "v"])
    out = io.BytesIO()
    assert await engine.copy_out("SELECT v FROM texts", out, format="text") == 301
    assert out.getvalue().startswith(b"'w0'\n")
