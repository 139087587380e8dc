"""Hooks: methods of a model that run before and after its objects are written."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import ormkit
from ormkit import (
    AsyncSession,
    StaleObject,
    UniqueViolation,
    UsageError,
    create_engine,
)
from tests.methods import import_application

SCHEMA = """
[models.Task]
methods = "APP:TaskMethods"
mixins = ["soft_delete"]

[models.Task.columns]
id = { type = "bigint", primary_key = true }
owner_id = { type = "bigint?", foreign_key = "owner.id" }
title = "text"
slug = { type = "text?", unique = true }
notes = { type = "jsonb", default = {} }
count = { type = "integer", default = 0 }

[models.Task.relationships]
owner = { target = "Owner", back_populates = "tasks" }

[models.Owner.columns]
id = { type = "bigint", primary_key = true }
name = "text"

[models.Owner.relationships]
tasks = { target = "Task", back_populates = "owner" }
"""

SOURCE = """
from DB import TaskBase

#: The calls of hooks, with the title of the object.
calls = []
#: What hooks do besides, by name.
acts = {}


class TaskMethods(TaskBase):
    def before_insert(self):
        self.slug = self.slug or self.title.lower()
        self._note("before_insert")

    def after_insert(self):
        self._note("after_insert")

    def before_update(self):
        self._note("before_update")

    def after_update(self):
        self._note("after_update")

    def before_delete(self):
        self._note("before_delete")

    def after_delete(self):
        self._note("after_delete")

    def _note(self, name):
        calls.append((name, self.title))
        if name in acts:
            acts[name](self)
"""


class App:
    """The package, and what the hooks of its models have done."""

    def __init__(self, models: Any) -> None:
        self.models = models
        self._module = sys.modules[models.Task.__bases__[0].__module__]
        self.acts: dict[str, Callable[[Any], object]] = self._module.acts

    def task(self, title: str, **given: Any) -> Any:
        return self.models.Task(title=title, **given)

    def told(self) -> list[tuple[str, str]]:
        """Return the calls since the last time."""
        calls: list[tuple[str, str]] = list(self._module.calls)
        self._module.calls.clear()
        return calls


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(import_application(tmp_path, SCHEMA, SOURCE))


@pytest.fixture
async def tasks(database_url: str, app: App) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(app.models.SCHEMA)
        yield AsyncSession(engine)


async def test_hooks_run_around_each_write_of_one_object(tasks: AsyncSession, app: App) -> None:
    task = await tasks.insert(app.task("A"))
    assert app.told() == [("before_insert", "A"), ("after_insert", "A")]
    assert task.slug == "a"
    await tasks.update(task, title="B")
    assert app.told() == [("before_update", "B"), ("after_update", "B")]
    await tasks.soft_delete(task)
    await tasks.restore(task)
    assert app.told() == [("before_update", "B"), ("after_update", "B")] * 2
    await tasks.upsert(task)
    assert app.told() == [("before_insert", "B"), ("after_insert", "B")]
    await tasks.remove(task)
    assert app.told() == [("before_delete", "B"), ("after_delete", "B")]
    assert await tasks.query(app.models.Task).with_deleted().count() == 0


async def test_hooks_run_for_each_object_of_a_batch(tasks: AsyncSession, app: App) -> None:
    made = await tasks.insert_all([app.task("A"), app.task("B")])
    before, after = [("before_insert", t) for t in "AB"], [("after_insert", t) for t in "AB"]
    assert app.told() == before + after
    assert [each.slug for each in made] == ["a", "b"]
    await tasks.bulk_update(made)
    before, after = [("before_update", t) for t in "AB"], [("after_update", t) for t in "AB"]
    assert app.told() == before + after
    await tasks.upsert_all(made)
    before, after = [("before_insert", t) for t in "AB"], [("after_insert", t) for t in "AB"]
    assert app.told() == before + after
    await tasks.remove_all(made)
    before, after = [("before_delete", t) for t in "AB"], [("after_delete", t) for t in "AB"]
    assert app.told() == before + after


async def test_hooks_run_in_a_flush(tasks: AsyncSession, app: App) -> None:
    async with tasks.begin() as tx:
        tx.add_all([app.task("A"), app.task("B")])
        assert app.told() == []
        await tx.flush()
        before, after = [("before_insert", t) for t in "AB"], [("after_insert", t) for t in "AB"]
        assert app.told() == before + after
        found = await tx.query(app.models.Task).order_by("id").all()
        assert app.told() == []
        found[0].title = "C"
    assert app.told() == [("before_update", "C"), ("after_update", "C")]
    assert [each.title for each in await tasks.query(app.models.Task).order_by("id").all()] == [
        "C",
        "B",
    ]


async def test_no_hook_runs_for_queries_copy_and_raw_sql(tasks: AsyncSession, app: App) -> None:
    query = tasks.query(app.models.Task)
    await tasks.execute_raw("INSERT INTO task (title) VALUES ($1)", ["raw"])
    await tasks.copy_in(app.models.Task, [("copied",)], columns=["title"])
    await query.update(title="changed")
    await query.filter(title="changed").delete()
    owner = await tasks.insert(app.models.Owner(name="Ada"))
    await tasks.query(app.models.Owner).filter(id=owner.id).delete()
    assert app.told() == []


async def test_what_a_hook_changes_is_written(tasks: AsyncSession, app: App) -> None:
    def change(task: Any) -> None:
        task.slug = f"{task.title.lower()}!"
        task.notes["seen"] = True
        task.count += 1

    app.acts["before_update"] = change
    task = await tasks.insert(app.task("A", count=5))
    await tasks.update(task, title="B")
    assert (task.slug, task.count, task.notes) == ("b!", 6, {"seen": True})
    read = await tasks.get(app.models.Task, task.id)
    assert (read.slug, read.count, read.notes) == ("b!", 6, {"seen": True})
    read.title = "C"
    await tasks.bulk_update([read], ["title"])
    read = await tasks.get(app.models.Task, task.id)
    assert (read.title, read.slug, read.count) == ("C", "c!", 7)
    async with tasks.begin() as tx:
        own = await tx.get(app.models.Task, task.id)
        own.title = "D"
    read = await tasks.get(app.models.Task, task.id)
    assert (read.title, read.slug, read.count) == ("D", "d!", 8)


async def test_a_bulk_update_writes_what_the_hook_changed_on_each_object(
    tasks: AsyncSession, app: App
) -> None:
    made = await tasks.insert_all([app.task(title) for title in "ABC"])
    app.acts["before_update"] = lambda task: task.title == "X" and setattr(task, "count", 9)
    made[1].title = "X"
    await tasks.query(app.models.Task).update(count=1)
    await tasks.bulk_update(made, ["title"])
    rows = await tasks.query(app.models.Task).order_by("id").values_list("title", "count")
    assert rows == [("A", 1), ("X", 9), ("C", 1)]


async def test_a_hook_may_change_an_expression_or_a_relationship(
    tasks: AsyncSession, app: App
) -> None:
    owner = await tasks.insert(app.models.Owner(name="Ada"))
    task = await tasks.insert(app.task("A", count=1))
    app.acts["before_update"] = lambda task: setattr(task, "owner", owner)
    await tasks.update(task, count=app.models.Task.count + 1)
    read = await tasks.get(app.models.Task, task.id)
    assert (task.count, read.count, read.owner_id, task.owner_id) == (2, 2, owner.id, owner.id)


@pytest.mark.parametrize("how", ["hook", "statement"])
async def test_an_object_keeps_its_values_where_an_update_fails(
    tasks: AsyncSession, app: App, how: str
) -> None:
    await tasks.insert(app.task("B"))
    task = await tasks.insert(app.task("A"))
    other = await tasks.insert(app.models.Owner(name="Ada"))

    def act(task: Any) -> None:
        task.count, task.owner = 99, other
        task.slug = "b"
        if how == "hook":
            raise RuntimeError("no")

    app.acts["before_update"] = act
    app.told()
    with pytest.raises(RuntimeError if how == "hook" else UniqueViolation):
        await tasks.update(task, title="C")
    assert (task.title, task.slug, task.count, task.owner_id) == ("A", "a", 0, None)
    assert app.told() == [("before_update", "C")]


async def test_nothing_is_sent_where_a_hook_raises_before_it(tasks: AsyncSession, app: App) -> None:
    def refuse(task: Any) -> None:
        if task.title == "B":
            raise RuntimeError("no")

    app.acts["before_insert"] = app.acts["before_delete"] = refuse
    for write in (
        tasks.insert(app.task("B")),
        tasks.insert_all([app.task("A"), app.task("B")]),
        tasks.insert_all([app.models.Owner(name="Ada"), app.task("B")]),
        tasks.upsert(app.task("B"), conflict_target=["slug"]),
    ):
        with pytest.raises(RuntimeError):
            await write
    with pytest.raises(RuntimeError):
        async with tasks.begin() as tx:
            tx.add(app.models.Owner(name="Ada"))
            tx.add(app.task("B"))
    assert await tasks.query(app.models.Task).count() == 0
    assert await tasks.query(app.models.Owner).count() == 0
    app.acts.pop("before_insert")
    task = await tasks.insert(app.task("B"))
    with pytest.raises(RuntimeError):
        await tasks.remove(task)
    assert await tasks.query(app.models.Task).count() == 1


async def test_an_error_after_a_batch_undoes_the_batch(tasks: AsyncSession, app: App) -> None:
    def refuse(task: Any) -> None:
        raise RuntimeError("no")

    app.acts["after_insert"] = refuse
    with pytest.raises(RuntimeError):
        await tasks.insert_all([app.task("A"), app.task("B")])
    assert await tasks.query(app.models.Task).count() == 0


async def test_no_hook_runs_after_a_write_that_failed(tasks: AsyncSession, app: App) -> None:
    task = await tasks.insert(app.task("A"))
    app.told()
    with pytest.raises(UniqueViolation):
        await tasks.insert(app.task("A"))
    assert app.told() == [("before_insert", "A")]
    await tasks.query(app.models.Task).delete()
    with pytest.raises(StaleObject):
        await tasks.remove(task)
    with pytest.raises(StaleObject):
        await tasks.update(task, title="B")
    assert app.told() == [("before_delete", "A"), ("before_update", "B")]


async def test_objects_that_hooks_add_or_change_are_written_too(
    tasks: AsyncSession, app: App
) -> None:
    owner_of = app.models.Owner
    async with tasks.begin() as tx:
        app.acts["before_insert"] = lambda task: tx.add(owner_of(name=f"of {task.title}"))
        app.acts["after_insert"] = lambda task: setattr(task, "count", task.id)
        tx.add(app.task("A"))
        tx.add(app.task("B"))
    names = await tasks.query(owner_of).order_by("name").values_list("name")
    assert names == [("of A",), ("of B",)]
    rows = await tasks.query(app.models.Task).order_by("id").values_list("id", "count")
    assert len(rows) == 2
    assert all(key == count for key, count in rows)


async def test_objects_that_become_dirty_by_hooks_have_theirs_run_once(
    tasks: AsyncSession, app: App
) -> None:
    await tasks.insert_all([app.task(title) for title in "AB"])
    app.told()
    async with tasks.begin() as tx:
        one, two = await tx.query(app.models.Task).order_by("id").all()
        app.acts["before_update"] = lambda task: task is one and setattr(two, "count", 7)
        one.count = 1
    assert app.told() == [
        ("before_update", "A"),
        ("before_update", "B"),
        ("after_update", "A"),
        ("after_update", "B"),
    ]
    assert await tasks.query(app.models.Task).order_by("id").values_list("count") == [(1,), (7,)]


async def test_a_hook_that_changes_its_object_after_each_write_is_refused(
    tasks: AsyncSession, app: App
) -> None:
    app.acts["after_update"] = lambda task: setattr(task, "count", task.count + 1)
    task = await tasks.insert(app.task("A"))
    with pytest.raises(UsageError, match="hooks of Task change an object after every write"):
        async with tasks.begin() as tx:
            own = await tx.get(app.models.Task, task.id)
            own.title = "B"
    assert (await tasks.get(app.models.Task, task.id)).title == "A"


async def calls_of(work: Callable[[], Any]) -> Counter[str]:
    """Return the functions of the runtime that a piece of work enters."""
    calls: Counter[str] = Counter()
    directory = str(Path(ormkit.__file__).parent)

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(directory):
            calls[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"] += 1

    sys.setprofile(note)
    try:
        await work()
    finally:
        sys.setprofile(None)
    return calls


async def test_a_model_without_hooks_pays_no_call(tasks: AsyncSession, app: App) -> None:
    owner_of = app.models.Owner

    async def work() -> None:
        owners = await tasks.insert_all([owner_of(name=name) for name in "ab"])
        owner = await tasks.insert(owner_of(name="c"))
        await tasks.update(owner, name="d")
        await tasks.bulk_update(owners)
        await tasks.upsert(owner)
        async with tasks.begin() as tx:
            tx.add(owner_of(name="e"))
            own = await tx.get(owner_of, owner.id)
            assert own is not None
            own.name = "f"
        await tasks.remove(owner)

    calls = await calls_of(work)
    assert calls
    paid = [name for name in calls if name.startswith(("hooks.py", "hooked_updates.py"))]
    assert paid == []
    assert not [name for name in calls if "prepare_added" in name or "_flush_again" in name]
