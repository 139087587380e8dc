"""The mixins: soft deletes, versions and timestamps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from examples.blog.db import User
from ormkit import AsyncSession, NotFound, StaleObject, UsageError, create_engine, selectinload
from tests.generated import import_models

SCHEMA = """
[models.Note]
mixins = ["soft_delete", "version", "timestamps"]

[models.Note.columns]
id = { type = "bigint", primary_key = true }
folder_id = { type = "bigint?", foreign_key = "folder.id" }
text = "text"

[models.Folder.columns]
id = { type = "bigint", primary_key = true }

[models.Folder.relationships]
notes = { target = "Note" }
"""


@pytest.fixture
def models(tmp_path: Path) -> Any:
    (tmp_path / "notes.toml").write_text(SCHEMA)
    return import_models(tmp_path, tmp_path / "notes.toml")


@pytest.fixture
async def notes(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


async def test_softly_deleted_rows_stay_out_of_queries_that_were_asked_before(
    notes: AsyncSession, models: Any
) -> None:
    for _ in range(2):
        note = await notes.insert(models.Note(text="gone"))
        query = notes.query(models.Note).filter(text="gone")
        assert await query.count() == 1
        await notes.soft_delete(note)
        assert not await query.exists()
        assert await query.all() == []
        assert [each.id for each in await query.only_deleted().all()] == [note.id]
        assert await query.with_deleted().count() == 1
        await notes.force_delete(note)


async def test_a_softly_deleted_row_is_left_out_until_it_is_restored(
    notes: AsyncSession, models: Any
) -> None:
    kept, gone = await notes.insert_all([models.Note(text="kept"), models.Note(text="gone")])
    await notes.soft_delete(gone)
    assert gone.deleted_at is not None
    query = notes.query(models.Note)
    assert [note.id for note in await query.all()] == [kept.id]
    assert await query.count() == 1
    assert await notes.get(models.Note, gone.id) is None
    assert [note.id for note in await query.only_deleted().all()] == [gone.id]
    assert await query.with_deleted().count() == 2
    await notes.restore(gone)
    assert gone.deleted_at is None
    assert await query.count() == 2
    await notes.force_delete(gone)
    assert await query.with_deleted().count() == 1


async def test_loading_leaves_out_what_is_softly_deleted(notes: AsyncSession, models: Any) -> None:
    folder = await notes.insert(models.Folder())
    both = [models.Note(text=text, folder_id=folder.id) for text in ("kept", "gone")]
    await notes.insert_all(both)
    await notes.soft_delete(both[1])
    loaded = await notes.query(models.Folder).options(selectinload("notes")).one()
    assert [note.text for note in loaded.notes] == ["kept"]


async def test_a_model_without_the_mixin_says_so(session: AsyncSession) -> None:
    user = await session.insert(User(name="Ada"))
    with pytest.raises(UsageError, match="add the mixin soft_delete"):
        await session.soft_delete(user)


async def test_a_version_tells_a_lost_update(notes: AsyncSession, models: Any) -> None:
    note = await notes.insert(models.Note(text="first"))
    other = await notes.get_or_raise(models.Note, note.id)
    await notes.update(note, text="second")
    assert (note.version, note.text) == (2, "second")
    with pytest.raises(StaleObject, match="changed or deleted since it was read"):
        await notes.update(other, text="third")
    with pytest.raises(StaleObject):
        await notes.remove(other)
    assert (await notes.get_or_raise(models.Note, note.id)).text == "second"


async def test_every_update_notes_its_time(notes: AsyncSession, models: Any) -> None:
    note = await notes.insert(models.Note(text="first"))
    created = note.updated_at
    await notes.update(note, text="second")
    assert note.updated_at > created
    before = note.updated_at
    await notes.query(models.Note).update(text="third")
    found = await notes.get_or_raise(models.Note, note.id)
    assert found.updated_at > before
    assert found.version == 3
    await notes.upsert(models.Note(id=note.id, text="fourth"))
    found = await notes.get_or_raise(models.Note, note.id)
    assert (found.text, found.version) == ("fourth", 4)


async def test_a_row_is_deleted_by_either_name(notes: AsyncSession, models: Any) -> None:
    one, two = await notes.insert_all([models.Note(text="a"), models.Note(text="b")])
    await notes.delete(one)
    async with notes.begin() as tx:
        await tx.delete(two)
    assert await notes.query(models.Note).with_deleted().count() == 0
    with pytest.raises(StaleObject):
        await notes.delete(one)


async def test_many_objects_are_deleted_together(notes: AsyncSession, models: Any) -> None:
    folder = await notes.insert(models.Folder())
    made = [models.Note(text=str(n), folder_id=folder.id) for n in range(5)]
    await notes.insert_all(made)
    await notes.remove_all([])
    await notes.remove_all(made[:2])
    assert await notes.query(models.Note).count() == 3
    other = await notes.insert(models.Note(text="x"))
    await notes.execute_raw("UPDATE note SET version = version + 1 WHERE id = $1", [other.id])
    with pytest.raises(StaleObject, match="changed or deleted since it was read"):
        await notes.remove_all([made[2], other])
    assert await notes.query(models.Note).count() == 4
    await notes.query(models.Note).filter(id=other.id).delete()
    async with notes.begin() as tx:
        with pytest.raises(UsageError, match="the same Note is given twice"):
            await tx.remove_all([made[2], await tx.get_or_raise(models.Note, made[2].id)])
    # The folder's row has to go last.
    await notes.remove_all([folder, *made[2:]])
    assert await notes.query(models.Note).with_deleted().count() == 0
    assert await notes.query(models.Folder).count() == 0


async def test_a_deleted_object_is_forgotten_by_its_transaction(
    notes: AsyncSession, models: Any
) -> None:
    made = await notes.insert_all([models.Note(text="a"), models.Note(text="b")])
    async with notes.begin() as tx:
        found = await tx.query(models.Note).order_by("id").all()
        await tx.remove_all(found)
        for each in found:
            each.text = "changed after its row went"
    assert await notes.query(models.Note).count() == 0
    with pytest.raises(UsageError, match=r"remove_all\(\) takes a list"):
        await notes.remove_all(made[0])
    with pytest.raises(UsageError, match="an object of a generated model"):
        await notes.remove_all(["text"])
    with pytest.raises(UsageError, match="insert it first"):
        await notes.remove_all([models.Note(text="new")])


async def test_writes_return_their_object(notes: AsyncSession, models: Any) -> None:
    note = await notes.insert(models.Note(text="a"))
    assert await notes.update(note, text="b") is note
    assert await notes.soft_delete(note) is note
    assert note.is_deleted
    assert await notes.restore(note) is note
    assert not note.is_deleted
    async with notes.begin() as tx:
        chained = tx.add(models.Note(text="c")).add_all(models.Note(text=text) for text in "de")
        assert chained is tx
    assert await notes.query(models.Note).count() == 4


async def test_a_softly_deleted_row_is_read_where_it_is_asked_for(
    notes: AsyncSession, models: Any
) -> None:
    note = await notes.soft_delete(await notes.insert(models.Note(text="gone")))
    assert await notes.get(models.Note, note.id) is None
    found = await notes.get(models.Note, note.id, include_deleted=True)
    assert found is not None
    assert found.is_deleted
    assert (await notes.get_or_raise(models.Note, note.id, include_deleted=True)).id == note.id
    with pytest.raises(NotFound):
        await notes.get_or_raise(models.Note, note.id)
    async with notes.begin() as tx:
        assert await tx.get(models.Note, note.id) is None
        assert await tx.get(models.Note, note.id, include_deleted=True) is not None
    assert await notes.get(models.Folder, 1, include_deleted=True) is None
