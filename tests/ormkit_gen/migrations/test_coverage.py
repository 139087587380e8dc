"""What the table of planned changes is made of."""

from __future__ import annotations

import pytest

from ormkit_gen.drift.shadow import expected_catalog
from tests.ormkit.catalog.changes import BASE
from tests.ormkit_gen.migrations.coverage import Cells, kinds_of, schema_of_sql, try_all
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter]

ADD = "ALTER TABLE app.parent ADD bio text"


async def test_a_change_is_in_the_cells_of_both_directions(server18: Server) -> None:
    cells = Cells()
    await try_all(server18.url, cells, [ADD])
    assert cells.found == {
        ("table", "column"): {"added": {"online"}, "dropped": {"`--drop`, online"}}
    }
    assert (cells.tried, cells.refused) == (2, {})
    kinds = kinds_of(await expected_catalog([schema_of_sql(BASE)], server18.url))
    lines = cells.table(kinds).splitlines()
    assert "| table | column | online | `--drop`, online | · | · |" in lines
    # What nobody has tried has a row, too.
    assert "| publication | published table | · | · | · | · |" in lines
