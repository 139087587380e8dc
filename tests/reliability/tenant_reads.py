"""What each reading method of the reference is asked for by tenants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from ormkit import (
    AsyncSession,
    NotFound,
    StaleObject,
    current_session,
    exists,
    func,
    joinedload,
    jsonload,
    noload,
    selectinload,
    session_context,
)
from tests.reliability.tenants import KEYS, Place

Case = Callable[[Place], Awaitable[object]]

BODIES = "SELECT id, body FROM notes ORDER BY id"


async def each(work: Callable[[int], Awaitable[object]]) -> list[object]:
    """Do the work with the key of every note there is; return what it returned or raised."""
    found: list[object] = []
    for key in KEYS:
        try:
            found.append(await work(key))
        except (NotFound, StaleObject) as error:
            found.append(type(error).__name__)
    return found


async def gathered(values: Any) -> list[Any]:
    return [value async for value in values]


async def engine_transaction(place: Place) -> object:
    async with place.engine.transaction(settings=place.settings) as tx:
        return (await tx.execute_raw(BODIES)).tuples()


async def read_in(tx: Any) -> object:
    return (await tx.execute_raw(BODIES)).tuples()


async def copied(door: Any, source: Any) -> bytes:
    data = bytearray()

    async def write(part: bytes) -> None:
        data.extend(part)

    await door.copy_out(source, write)
    return bytes(data)


async def copied_out(place: Place) -> object:
    return [await copied(place.door, place.models.Note), await copied(place.door, BODIES)]


async def nested(place: Place) -> object:
    async with place.door.begin() as inner:
        return await inner.query(place.models.Note).order_by("id").all()


async def nested_transaction(place: Place) -> object:
    """Begin a transaction by the other name, which a transaction's own door has not."""
    begin = getattr(place.door, "transaction", place.door.begin)
    async with begin() as inner:
        return await inner.query(place.models.Note).order_by("id").all()


@dataclass
class Written:
    """An owner, with the bodies of the notes of his."""

    name: str
    notes: list[Body]


@dataclass
class Body:
    """A note, shortened."""

    body: str


async def shaped(place: Place) -> object:
    return [asdict(owner) for owner in await place.owners.into(Written)]


async def loaded(place: Place) -> object:
    """Load by objects that nobody has read, with every tenant's keys."""
    notes = [place.note(key) for key in KEYS]
    await place.door.load(notes, "owner", "tags")
    return [(note.owner, note.tags) for note in notes]


async def committed(place: Place) -> object:
    async with place.transaction() as tx:
        found = await tx.query(place.models.Note).count()
        await tx.commit()
        return found


async def rolled_back(place: Place) -> object:
    async with place.transaction() as tx:
        found = await tx.query(place.models.Note).count()
        await tx.rollback()
        return found


async def let_go(place: Place) -> object:
    async with place.transaction() as tx:
        query = tx.query(place.models.Note).order_by("id")
        before = await query.all()
        tx.expunge_all()
        return [before, await query.all()]


async def paged(place: Place) -> object:
    found, place_of_next = [], None
    while True:
        page = await place.notes.limit(2).page(place_of_next)
        found.append(page.items)
        if (place_of_next := page.next) is None:
            return found


async def behind(place: Place) -> object:
    """Begin behind the key of the last row of tenant 1, from which tenant 2's rows follow."""
    return await place.notes.after(place.notes.cursor(place.note(103))).all()


async def explained(place: Place) -> object:
    return "of 1" in await place.notes.explain(analyze=True, verbose=True)


async def closed_stream(place: Place) -> object:
    stream, found = place.notes.stream(chunk=1), []
    async for note in stream:
        found.append(note)
        await stream.aclose()
    return found


async def in_context(place: Place) -> object:
    async with session_context(place.engine) as session:
        assert current_session() is session
        async with session.begin(settings=place.settings):
            return await current_session().query(place.models.Note).order_by("id").all()


def with_tags(load: Any) -> Case:
    return lambda place: place.owners.options(
        load(place.models.Owner.notes).selectinload(place.models.Note.tags)
    ).all()


def refined(refine: Callable[[Any, Any], Any]) -> Case:
    def case(place: Place) -> Any:
        load = selectinload(place.models.Owner.notes)
        return place.owners.options(refine(load, place.models.Note)).all()

    return case


def of_note(read: Callable[[Any, Any], Awaitable[object]]) -> Case:
    return lambda place: read(place.notes, place.models.Note)


def of_owner(read: Callable[[Any, Any, Any], Awaitable[object]]) -> Case:
    return lambda place: read(place.owners, place.models.Owner, place.models.Note)


def grouped(place: Place) -> Any:
    return place.changeable.annotate(many=func.count()).group_by("tenant")


async def read_outside(place: Place) -> object:
    return (await place.engine.execute(BODIES)).tuples()


READS: dict[str, Case] = {
    "Engine.transaction": engine_transaction,
    "Engine.run": lambda place: place.engine.run(read_in, settings=place.settings),
    "Session.begin": nested,
    "Session.transaction": nested_transaction,
    "Session.copy_out": copied_out,
    "Session.execute_raw": lambda place: read_in(place.door),
    "Session.execute_raw_many": lambda place: place.door.execute_raw_many(
        "SELECT body FROM notes WHERE id = $1", [[key] for key in KEYS]
    ),
    "Session.get": lambda place: each(lambda key: place.door.get(place.models.Note, key)),
    "Session.get_or_raise": lambda place: each(
        lambda key: place.door.get_or_raise(place.models.Note, key)
    ),
    "Session.load": loaded,
    "Session.query": lambda place: place.door.query(place.models.Tag).all(),
    "Session.run": lambda place: AsyncSession(place.engine).run(read_in, settings=place.settings),
    "Transaction.begin": nested,
    "Transaction.commit": committed,
    "Transaction.rollback": rolled_back,
    "Transaction.expunge_all": let_go,
    "Query.after": behind,
    "Query.cursor": behind,
    "Query.all": lambda place: place.notes.all(),
    "Query.annotate": of_note(
        lambda query, note: query.annotate(twice=note.views * 2).values("id", "twice")
    ),
    "Query.avg": of_note(lambda query, note: query.avg(note.views)),
    "Query.count": lambda place: place.notes.count(),
    "Query.distinct": of_note(lambda query, note: query.distinct().values_list("id", "tenant")),
    "Query.distinct_on": lambda place: place.changeable.distinct_on("tenant")
    .order_by("tenant", "id")
    .all(),
    "Query.exclude": lambda place: place.notes.exclude(views=1).all(),
    "Query.exists": lambda place: each(lambda key: place.notes.filter(id=key).exists()),
    "Query.explain": explained,
    "Query.filter": lambda place: place.notes.filter(tenant__in=[1, 2]).all(),
    "Query.filter_by": lambda place: place.notes.filter_by(tenant__in=[1, 2]).all(),
    "Query.first": lambda place: place.notes.first(),
    "Query.for_share": lambda place: place.notes.for_share().all(),
    "Query.for_update": lambda place: place.notes.for_update().all(),
    "Query.get": lambda place: each(place.notes.get),
    "Query.group_by": lambda place: grouped(place).order_by("tenant").values("tenant", "many"),
    "Query.having": lambda place: grouped(place).having(func.count() > 1).values("tenant", "many"),
    "Query.iterate": lambda place: gathered(place.door.query(place.models.Note).iterate(2)),
    "Query.limit": lambda place: place.notes.limit(100).all(),
    "Query.max": of_note(lambda query, note: query.max(note.id)),
    "Query.min": of_note(lambda query, note: query.min(note.id)),
    "Query.offset": lambda place: place.notes.offset(1).all(),
    "Query.one": lambda place: each(lambda key: place.notes.filter(id=key).one()),
    "Query.one_or_none": lambda place: each(lambda key: place.notes.filter(id=key).one_or_none()),
    "Query.only": lambda place: place.notes.only("body").all(),
    "Query.only_deleted": lambda place: place.notes.only_deleted().all(),
    "Query.options": with_tags(selectinload),
    "Query.order_by": lambda place: place.notes.order_by("-views").all(),
    "Query.page": paged,
    "Query.scalars": of_note(lambda query, note: query.scalars(note.body)),
    "Query.stream": lambda place: gathered(place.notes.stream(2)),
    "Query.subquery": lambda place: place.owners.filter(
        place.models.Owner.id.in_(place.notes.subquery(place.models.Note.owner_id))
    ).all(),
    "Query.sum": of_note(lambda query, note: query.sum(note.views)),
    "Query.values": lambda place: place.notes.values("id", "body"),
    "Query.into": shaped,
    "Query.with_computed": lambda place: place.owners.with_computed("written").all(),
    "Query.values_list": lambda place: place.notes.values_list("id", "body"),
    "Query.with_deleted": lambda place: place.notes.with_deleted().all(),
    "Query.with_values": of_note(lambda query, note: query.with_values(note.views + 1)),
    "Rows.all": lambda place: place.notes.values("id").all(),
    "Rows.first": lambda place: place.notes.values("id").first(),
    "Rows.stream": lambda place: gathered(place.notes.values("id").stream(2)),
    "Stream.aclose": closed_stream,
    "Stream.chunks": lambda place: gathered(place.notes.stream(2).chunks()),
    "Load options.with_computed": lambda place: place.notes.options(
        selectinload(place.models.Note.tags).with_computed("spread")
    ).all(),
    "Load options.filter": refined(lambda load, note: load.filter(note.views > 0)),
    "Load options.filter_by": refined(lambda load, note: load.filter_by(views=1)),
    "Load options.joinedload": refined(lambda load, note: load.joinedload(note.owner)),
    "Load options.jsonload": refined(lambda load, note: load.jsonload(note.tags)),
    "Load options.limit": refined(lambda load, note: load.limit(2)),
    "Load options.noload": refined(lambda load, note: load.noload(note.tags)),
    "Load options.offset": refined(lambda load, note: load.offset(1)),
    "Load options.order_by": refined(lambda load, note: load.order_by("-id")),
    "Load options.selectinload": refined(lambda load, note: load.selectinload(note.tags)),
    "To-one relationships.has": of_note(lambda query, note: query.filter(note.owner.has()).all()),
    "To-one relationships.value": lambda place: place.notes.values_list(
        "id", place.models.Note.owner.value(place.models.Owner.name)
    ),
    "To-many relationships.any": of_owner(
        lambda query, owner, note: query.filter(owner.notes.any(note.views > 0)).all()
    ),
    "To-many relationships.count": of_owner(
        lambda query, owner, note: query.values_list("id", owner.notes.count())
    ),
    "To-many relationships.value": of_owner(
        lambda query, owner, note: query.values_list("id", owner.notes.value(func.max(note.id)))
    ),
    "Functions to import.exists": of_owner(
        lambda query, owner, note: query.filter(
            exists(query._source.query(note).filter(note.owner_id == owner.id))
        ).all()
    ),
    "Functions to import.joinedload": of_note(
        lambda query, note: query.options(joinedload(note.owner)).all()
    ),
    "Functions to import.jsonload": with_tags(jsonload),
    "Functions to import.noload": of_note(
        lambda query, note: query.options(noload(note.tags)).all()
    ),
    "Functions to import.selectinload": with_tags(selectinload),
    "Functions to import.session_context": in_context,
    "Functions to import.current_session": in_context,
}
#: Methods of the engine itself, which is outside of every transaction.
OUTSIDE: dict[str, Case] = {
    "Engine.execute": read_outside,
    "Engine.execute_many": lambda place: place.engine.execute_many(
        "SELECT body FROM notes WHERE id = $1", [[key] for key in KEYS]
    ),
    "Engine.copy_out": lambda place: copied(place.engine, BODIES),
}
