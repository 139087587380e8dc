"""`ormkit generate --watch`: run again whenever a file of the schema changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import click

from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.project.settings import find_settings, read_settings

#: Seconds between two looks. Notices of the file system differ by system, and get lost.
INTERVAL = 0.3

#: What tells whether a file has changed; None for one that is not there.
Stamps = Mapping[Path, tuple[int, int] | None]


def watched_files(config: Path | None) -> list[Path]:
    """Return the settings file and the files that its targets name now."""
    try:
        file = (config or find_settings(Path.cwd())).resolve()
    except Refusal:
        return []
    try:
        targets = read_settings(file, needs_schemas=False).targets
    except Refusal:
        # A mistake in the settings was reported; its next edit may mend it.
        return [file]
    found = [file]
    for target in targets:
        found += (*target.schemas, *target.sql)
        # A schema in Python may import what lies beside it.
        found += sorted({each for path in target.schemas for each in path.parent.glob("*.py")})
    return found


def stamps_of(files: Iterable[Path]) -> Stamps:
    """Return what tells whether these files have changed."""
    found: dict[Path, tuple[int, int] | None] = {}
    for file in files:
        try:
            status = file.stat()
            found[file] = (status.st_mtime_ns, status.st_size)
        except OSError:
            found[file] = None
    return found


def changed(before: Stamps, after: Stamps) -> list[Path]:
    """Return the files that were changed, came or went, in the order of their names."""
    return sorted(each for each in {*before, *after} if before.get(each) != after.get(each))


def watch(
    run: Callable[[], None],
    files: Callable[[], Iterable[Path]],
    sleep: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Run now, and again after each change, until Ctrl-C.

    run: reports errors itself.
    files: names the files anew each time, as a pattern may match others.
    """
    seen = stamps_of(files())
    run()
    while True:
        sleep(INTERVAL)
        now = stamps_of(files())
        if not (found := changed(seen, now)):
            continue
        # An editor may write in several steps: wait until two looks are the same.
        while True:
            sleep(INTERVAL / 3)
            later = stamps_of(files())
            if not changed(now, later):
                break
            now = later
        seen = now
        click.echo(f"changed: {', '.join(each.name for each in found)}", err=True)
        run()
