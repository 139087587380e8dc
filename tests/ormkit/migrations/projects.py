"""Folders of migrations for tests, written by hand as `ormkit migrate new` would."""

from __future__ import annotations

from pathlib import Path

from ormkit.migrations.files import (
    DATA,
    DOWN,
    STATE,
    UP,
    Batches,
    Header,
    Migration,
    Phase,
    Step,
    read_migration,
    render_steps,
)


class Project:
    """A folder of migrations, each of which follows the one before it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.last: Migration | None = None

    def add(
        self,
        slug: str,
        *steps: str | Step,
        down: tuple[str | Step, ...] = (),
        data: str = "",
        phase: Phase = "expand",
        replaces: tuple[str, ...] = (),
        minimum_server: int | None = None,
    ) -> Migration:
        """Write a migration. A text is the SQL of a step in a transaction."""
        number = 0 if self.last is None else int(self.last.id[:8]) - 20260100
        folder = self.directory / f"{20260101 + number}-0000-{slug}-aaaa"
        folder.mkdir(parents=True)
        header = Header(
            parent=self.last.id if self.last else None,
            parent_hash=self.last.hash if self.last else "",
            phase=phase,
            replaces=replaces,
            minimum_server=minimum_server,
        )
        (folder / UP).write_text(render_steps([step_of(each) for each in steps], header))
        (folder / STATE).write_text("{}\n")
        if down:
            (folder / DOWN).write_text(render_steps([step_of(each) for each in down]))
        if data:
            (folder / DATA).write_text(data)
        self.last = read_migration(folder)
        return self.last

    def edit(self, migration: Migration, old: str, new: str) -> None:
        """Change the text of up.sql."""
        file = self.directory / migration.id / UP
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


def step_of(step: str | Step) -> Step:
    """Return a step; a text is one in a transaction."""
    return Step(sql=step) if isinstance(step, str) else step


def alone(sql: str) -> Step:
    """Return a step without a transaction."""
    return Step(sql=sql, mode="no transaction")


def in_batches(sql: str, size: int, table: str, *key: str) -> Step:
    """Return a step in batches."""
    return Step(sql=sql, mode="batches", batches=Batches(size, table, key))


def check(sql: str, message: str) -> Step:
    """Return a step that checks which rows there are."""
    return Step(sql=sql, mode="check", message=message)


DATA_STEP = Step(mode="data")
