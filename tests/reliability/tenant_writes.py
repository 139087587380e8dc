"""What each writing method of the reference is told to write, also over other tenants' rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from ormkit import StaleObject
from tests.reliability.tenant_reads import Case, each
from tests.reliability.tenants import Place


async def own_tags(place: Place) -> list[Any]:
    """Return the tags that there are for the tenant."""
    tags: list[Any] = await place.door.query(place.models.Tag).order_by("id").all()
    return tags


def in_links(change: Callable[[Any, list[Any]], Awaitable[object]]) -> Case:
    """Change the tags of every note, seen or not; only its own tenant's can be added."""

    async def case(place: Place) -> object:
        tags = await own_tags(place)

        def related(key: int) -> Any:
            return place.door.related(place.note(key), place.models.Note.tags)

        return await each(lambda key: change(related(key), tags if is_there(place, key) else []))

    return case


def is_there(place: Place, key: int) -> bool:
    return key // 100 == place.tenant and key % 100 < 4


async def added(place: Place) -> object:
    place.door.add(new := place.note(place.tenant * 100 + 50))
    await place.door.flush()
    return new


async def added_all(place: Place) -> object:
    new = [place.note(place.tenant * 100 + number) for number in (50, 51)]
    place.door.add_all(new)
    await place.door.flush()
    return new


def own_and_others(place: Place) -> list[list[Any]]:
    """Return new objects for rows of the tenant, and for rows of the other one."""
    owners = (place.tenant, 3 - place.tenant)
    return [[place.note(owner * 100 + number) for number in (1, 2, 3)] for owner in owners]


async def written_back(place: Place) -> object:
    """Hold objects of rows that nobody read, and let the transaction write them back."""
    found: list[str] = []
    for notes in own_and_others(place):
        with suppress(StaleObject):
            async with place.door.begin() as inner:
                inner.attach(*notes)
                for note in notes:
                    note.body = "changed"
                await inner.flush()
                found.append("written")
    return found


async def updated_in_bulk(place: Place) -> object:
    own, others = own_and_others(place)
    with suppress(StaleObject):
        await place.door.bulk_update(others, ["body"])
        return "written"
    return await place.door.bulk_update(own, ["body"])


async def removed_together(place: Place) -> object:
    own, others = own_and_others(place)
    with suppress(StaleObject):
        await place.door.remove_all(others)
        return "written"
    return await place.door.remove_all(own)


def of_one(method: str, **values: Any) -> Case:
    """Change the row of each key by a method that takes an object."""

    async def change(place: Place, key: int) -> None:
        # The object that the method may return holds times.
        await getattr(place.door, method)(place.note(key), **values)

    return lambda place: each(lambda key: change(place, key))


async def put(place: Place) -> object:
    base = place.tenant * 100
    return [await place.door.upsert(place.note(base + number)) for number in (1, 50)]


async def put_all(place: Place) -> object:
    base = place.tenant * 100
    return await place.door.upsert_all([place.note(base + number) for number in (1, 50)])


WRITES: dict[str, Case] = {
    "Session.bulk_update": updated_in_bulk,
    "Session.delete": of_one("delete"),
    "Session.force_delete": of_one("force_delete"),
    "Session.insert": lambda place: place.door.insert(place.note(place.tenant * 100 + 50)),
    "Session.insert_all": lambda place: place.door.insert_all(
        [place.note(place.tenant * 100 + number) for number in (50, 51)]
    ),
    "Session.remove": of_one("remove"),
    "Session.remove_all": removed_together,
    "Session.restore": of_one("restore"),
    "Session.soft_delete": of_one("soft_delete"),
    "Session.update": of_one("update", body="changed"),
    "Session.upsert": put,
    "Session.upsert_all": put_all,
    "Transaction.add": added,
    "Transaction.add_all": added_all,
    "Transaction.attach": written_back,
    "Transaction.flush": written_back,
    "Query.delete": lambda place: place.changeable.delete(),
    "Query.update": lambda place: place.changeable.update(body="changed"),
    "Change.returning": lambda place: place.changeable.update(views=0).returning(),
    "Related objects.add": in_links(lambda related, tags: related.add(*tags)),
    "Related objects.remove": in_links(lambda related, tags: related.remove(*tags)),
    "Related objects.set": in_links(lambda related, tags: related.set(tags)),
    "Related objects.clear": in_links(lambda related, tags: related.clear()),
}


async def forged_link(place: Place, method: str) -> object:
    """Relate a note of the tenant's own to a tag of another tenant."""
    related = place.door.related(place.note(101), place.models.Note.tags)
    tag = place.models.Tag(id=201, tenant=2, name="tag of 2")
    return await (related.add(tag) if method == "add" else related.set([tag]))


async def forged_later(place: Place, change: Callable[[Any], None]) -> object:
    change(place.door)
    return await place.door.flush()


async def given_away(place: Place) -> object:
    """Write back a note of the tenant's own as one of another tenant."""
    note = await place.door.get(place.models.Note, 101)
    note.tenant = 2
    return await place.door.flush()


#: How tenant 1 would write rows of tenant 2, or over them.
FORGERIES: dict[str, Case] = {
    "Session.bulk_update": lambda place: place.door.bulk_update([place.note(101, tenant=2)]),
    "Session.insert": lambda place: place.door.insert(place.note(250)),
    "Session.insert_all": lambda place: place.door.insert_all([place.note(150), place.note(250)]),
    "Session.update": lambda place: place.door.update(place.note(101), tenant=2),
    "Session.upsert": lambda place: place.door.upsert(place.note(201, tenant=1)),
    "Session.upsert_all": lambda place: place.door.upsert_all(
        [place.note(101), place.note(201, tenant=1)]
    ),
    "Session.copy_in": lambda place: place.door.copy_in(place.models.Note, [place.note(250)]),
    "Session.execute_raw_many": lambda place: place.door.execute_raw_many(
        "UPDATE notes SET tenant = 2 WHERE id = $1", [[101]]
    ),
    "Session.execute_raw": lambda place: place.door.execute_raw("UPDATE notes SET tenant = 2"),
    "Transaction.add": lambda place: forged_later(place, lambda tx: tx.add(place.note(250))),
    "Transaction.add_all": lambda place: forged_later(
        place, lambda tx: tx.add_all([place.note(250)])
    ),
    "Transaction.attach": given_away,
    "Transaction.flush": given_away,
    "Query.update": lambda place: place.changeable.update(tenant=2),
    "Change.returning": lambda place: place.changeable.update(tenant=2).returning(),
    "Related objects.add": lambda place: forged_link(place, "add"),
    "Related objects.set": lambda place: forged_link(place, "set"),
}
#: What only takes away or marks, so that there is no row to forge.
UNFORGEABLE = {
    *("Session.remove", "Session.force_delete", "Session.soft_delete", "Session.restore"),
    *("Session.delete", "Session.remove_all", "Query.delete"),
    *("Related objects.remove", "Related objects.clear"),
}
