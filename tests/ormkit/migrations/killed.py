"""Processes that run migrations, to be killed: `python -m tests.ormkit.migrations.killed`.

Each line of its input is a database and a folder. It forks a process that runs them, which takes
no time to import anything, and prints its number, a line for each thing that happens, and `ended`.
A process that is stepwise waits for a line after each, so that the test decides between which two
of them it dies.
"""

from __future__ import annotations

import asyncio
import os

from ormkit import create_engine
from ormkit.migrations import Progress, migrate


def say(text: str) -> None:
    """Print a line at once."""
    os.write(1, f"{text}\n".encode())


def read() -> str:
    """Return the next line; the test writes one at a time."""
    return os.read(0, 65536).decode().strip()


async def run(url: str, directory: str, *, is_stepwise: bool) -> None:
    """Run the migrations of a folder on a database."""

    def tell(progress: Progress) -> None:
        say(f"{progress.what} {progress.step} {progress.batches}")
        if is_stepwise:
            read()

    async with await create_engine(url) as engine:
        await migrate(engine, directory, progress=tell)


def main() -> None:
    """Fork a process for each line, and wait for its end."""
    while line := read():
        url, directory, stepwise = line.split("\t")
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(run(url, directory, is_stepwise=stepwise == "stepwise"))
            except Exception as error:
                say(f"raised {error}")
            os._exit(0)
        say(f"{pid}")
        os.waitpid(pid, 0)
        say("ended")


if __name__ == "__main__":
    main()
