"""Two tenants behind policies of row-level security, and each of them alone in a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ormkit import AsyncSession, Engine, NotLoaded, Partial, Result
from ormkit.transactions.operations import is_model
from tests.generated import models_of
from tests.servers import Server

SCHEMA = """
[models.Owner]
table = "owners"
[models.Owner.columns]
id = { type = "bigint", primary_key = true }
tenant = "integer"
name = "text"
[models.Owner.relationships]
notes = { target = "Note", back_populates = "owner" }
[models.Owner.computed]
written = { type = "bigint", expression = "sum(notes.views)" }

[models.Note]
table = "notes"
mixins = ["soft_delete"]
[models.Note.columns]
id = { type = "bigint", primary_key = true }
tenant = "integer"
owner_id = { type = "bigint", foreign_key = "owners.id" }
body = "text"
views = "integer"
[models.Note.relationships]
owner = { target = "Owner", back_populates = "notes" }
tags = { target = "Tag", secondary = "note_tags", back_populates = "notes" }

[models.Tag]
table = "tags"
[models.Tag.columns]
id = { type = "bigint", primary_key = true }
tenant = "integer"
name = "text"
[models.Tag.computed]
spread = { type = "bigint", expression = "count(notes)" }
[models.Tag.relationships]
notes = { target = "Note", secondary = "note_tags", back_populates = "tags" }
"""
TABLES = ("owners", "notes", "tags", "note_tags")
ROLE = "notes_role"
#: Each table's rows are those of the setting; a link is seen where both its ends are.
POLICIES = f"""
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
ALTER TABLE note_tags ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note_tags USING (
    EXISTS (SELECT FROM notes WHERE id = note_id) AND EXISTS (SELECT FROM tags WHERE id = tag_id)
);
"""
OF_A_TABLE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON {table} USING (
    tenant = nullif(current_setting('app.tenant', true), '')::int
);
"""
#: The owner of the tables runs it, for whom there are no policies.
EVERYTHING = """
CREATE FUNCTION everything() RETURNS TABLE (tenant bigint, line text)
LANGUAGE sql SECURITY DEFINER AS $$
    SELECT o.tenant, 'owner ' || o::text FROM owners o
    UNION ALL SELECT n.tenant,
        'note ' || (id, owner_id, body, views, deleted_at IS NULL)::text FROM notes n
    UNION ALL SELECT t.tenant, 'tag ' || t::text FROM tags t
    UNION ALL SELECT note_id / 100, 'link ' || l::text FROM note_tags l
    ORDER BY 1, 2
$$;
"""
TENANTS = (1, 2)
#: Keys of one tenant's rows are not another one's: those of tenant 2 are 201, 202 ...
MOST_ROWS = 9
KEYS = [tenant * 100 + number for tenant in TENANTS for number in range(1, MOST_ROWS + 1)]


@cache
def models() -> Any:
    """Return the tenants' generated package."""
    return models_of("tenants", SCHEMA)


def rows_of(tenant: int) -> str:
    """Return the statements that store a tenant's rows, so that no two tenants' figures agree."""
    lines: list[str] = []
    base = tenant * 100
    for number in range(1, tenant + 2):
        lines.append(f"INSERT INTO owners VALUES ({base + number}, {tenant}, 'owner of {tenant}');")
        lines.append(f"INSERT INTO tags VALUES ({base + number}, {tenant}, 'tag of {tenant}');")
    for number in range(1, 4 * tenant):
        owner = base + 1 + number % (tenant + 1)
        # The last one of tenant 2 belongs to a row that only tenant 1 sees.
        owner = 101 if number == 7 else owner
        deleted = "'2026-01-02'" if number == 3 else "NULL"
        note = f"{base + number}, {tenant}, {owner}, 'note of {tenant}', {tenant + number}"
        lines.append(
            "INSERT INTO notes (id, tenant, owner_id, body, views, deleted_at) VALUES "
            f"({note}, {deleted});"
        )
        lines.append(f"INSERT INTO note_tags VALUES ({base + number}, {base + 1});")
    return "\n".join(lines)


def prepare(server: Server, url: str, *tenants: int, has_policies: bool = False) -> None:
    """Create the tables, these tenants' rows and, where asked for, the policies and their role."""
    policies = "".join(OF_A_TABLE.format(table=table) for table in TABLES[:3]) + POLICIES
    server.run_script(
        url,
        f"{models().SCHEMA.ddl()};{EVERYTHING};SET session_replication_role = replica;"
        f"{''.join(map(rows_of, tenants))};{policies if has_policies else ''}",
    )


@dataclass
class Place:
    """Where a case reads and writes: one tenant's transaction, or outside of any."""

    engine: Engine
    tenant: int
    #: A session or a transaction.
    door: Any = None
    models: Any = field(default_factory=models)

    @property
    def settings(self) -> Mapping[str, str]:
        """What makes a transaction the tenant's."""
        return {"app.tenant": f"{self.tenant}"} if self.tenant else {}

    @property
    def notes(self) -> Any:
        """A query over the notes."""
        return self.door.query(self.models.Note).order_by("id")

    @property
    def changeable(self) -> Any:
        """A query over the notes without an order, as changes and groups need it."""
        return self.door.query(self.models.Note)

    @property
    def owners(self) -> Any:
        """A query over the owners."""
        return self.door.query(self.models.Owner).order_by("id")

    def transaction(self) -> Any:
        """Return a transaction of its own, of the same tenant."""
        return AsyncSession(self.engine).begin(settings=self.settings)

    def note(self, key: int, **values: Any) -> Any:
        """Return a new note with this key."""
        given = {"tenant": key // 100, "owner_id": key // 100 * 100 + 1, "body": "new", "views": 0}
        return self.models.Note(id=key, deleted_at=None, **{**given, **values})

    async def everything(self) -> list[tuple[int, str]]:
        """Return each row of the database and whose it is, whoever asks."""
        rows: Any = await self.door.execute_raw("SELECT * FROM everything()")
        found: list[tuple[int, str]] = rows.tuples()
        return found


def is_set(value: Any, slot: str) -> bool:
    """Return whether an attribute of an object, or of a part of one, was read."""
    try:
        getattr(value, slot)
    except (AttributeError, NotLoaded):
        return False
    return True


def plain(value: Any, depth: int = 3) -> Any:
    """Return objects as dicts of what is loaded of them, so that two engines' can be compared."""
    if is_model(value) or isinstance(value, Partial):
        table = value.__partial__ if isinstance(value, Partial) else value.__table__
        slots = {column.slot: column.slot for column in table.columns}
        if depth:
            # Reading a relationship itself that is not loaded raises NotLoaded.
            slots |= {name: each.slot for name, each in table.relationships.items()}
            slots |= {name: each.slot for name, each in table.computed_attributes.items()}
        return {
            name: plain(getattr(value, slot), depth - 1)
            for name, slot in slots.items()
            if is_set(value, slot)
        }
    if isinstance(value, Result):
        return value.tuples()
    if isinstance(value, dict):
        return {name: plain(each, depth) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each, depth) for each in value]
    return value
