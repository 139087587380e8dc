"""Models that are hard to write SQL for: reserved words for names, a namespace, composite keys,
relationships of a table with itself, and all the mixins at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, StaleObject, create_engine, joinedload, selectinload
from tests.generated import import_models
from tests.servers import Server

SCHEMA = r"""
[models.Person]
table = "order"
schema = "select"
mixins = ["soft_delete", "timestamps", "version"]

[models.Person.columns]
id = { type = "bigint", primary_key = true }
manager_id = { type = "bigint?", foreign_key = "select.order.id" }
group = { type = "text", default = "staff" }
age = { type = "integer", column = "Age \"in\" years", default = 30 }

[models.Person.relationships]
manager = { target = "Person", back_populates = "reports", many = false }
reports = { target = "Person", back_populates = "manager", many = true }
badge = { target = "Badge", back_populates = "person" }
lines = { target = "Line", back_populates = "user" }
friends = { target = "Person", secondary = "friends" }

[models.Badge.columns]
person_id = { type = "bigint", primary_key = true, foreign_key = "select.order.id" }
user = "text"

[models.Badge.relationships]
person = { target = "Person", back_populates = "badge" }

[models.Line]
table = "user"

[models.Line.columns]
year = { type = "integer", primary_key = true }
number = { type = "integer", primary_key = true }
user_id = { type = "bigint", foreign_key = "select.order.id" }
text = { type = "text", default = "" }

[models.Line.relationships]
user = { target = "Person", back_populates = "lines" }
remarks = { target = "Remark", back_populates = "line" }
labels = { target = "Label", secondary = "line_labels", back_populates = "lines" }

[models.Remark]
mixins = ["soft_delete"]

[models.Remark.columns]
id = { type = "bigint", primary_key = true }
line_year = "integer?"
line_number = "integer?"

[[models.Remark.foreign_keys]]
columns = ["line_year", "line_number"]
target = "user"

[models.Remark.relationships]
line = { target = "Line", back_populates = "remarks" }

[models.Label]
mixins = ["soft_delete"]

[models.Label.columns]
id = { type = "bigint", primary_key = true }

[models.Label.relationships]
lines = { target = "Line", secondary = "line_labels", back_populates = "labels" }
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("odd")
    (directory / "odd.toml").write_text(SCHEMA)
    return import_models(directory, directory / "odd.toml")


@pytest.fixture(scope="module")
def template(server18: Server, models: Any) -> Any:
    with server18.database() as url:
        server18.run_script(url, models.SCHEMA.ddl())
        yield url


@pytest.fixture
async def session(server18: Server, template: str) -> AsyncIterator[AsyncSession]:
    with server18.database(template=template) as url:
        async with await create_engine(url) as engine:
            yield AsyncSession(engine)


