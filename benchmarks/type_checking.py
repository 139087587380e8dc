"""What type checkers take for generated models and for SQLAlchemy's:
python -m benchmarks.type_checking [--write] [50 200 1000]

Each checker, in its strict mode and without a cache, checks a package of models with 12 columns and
a relationship each, and then code that uses some of them. `--write` puts the figures into
docs/typing.md, together with what the checkers find in the project's right and wrong code. It needs
SQLAlchemy and the checkers, which `make bench-typing` installs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from benchmarks.documents import replace
from benchmarks.machine import describe_machine
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.big_schema import big_schema
from tests.generated import ROOT
from tests.typing.checkers import CHECKERS, environment, expected, findings, user_code

COUNTS = (50, 200, 1000)
#: How often the checkers run that take seconds; the others take minutes, and run once.
RUNS = {"ty": 3, "pyrefly": 3, "zuban": 3}
DOCUMENT = ROOT / "docs/typing.md"
#: The columns beside the eight of `big_schema` and the key of the relationship.
MORE = """\
bio = "text?"
status = { type = "text", default = "active" }
settings = { type = "jsonb", default = {} }
"""
SQLALCHEMY_BASE = """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
"""
SQLALCHEMY_MODEL = """\
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, Numeric, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base

if TYPE_CHECKING:
    from .model{before} import Model{before}


class Model{number}(Base):
    __tablename__ = "model{number}"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(unique=True)
    age: Mapped[int | None]
    score: Mapped[float] = mapped_column(default=0.0)
    balance: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    is_active: Mapped[bool] = mapped_column(default=True)
    bio: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="active")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    before_id: Mapped[int | None] = mapped_column(ForeignKey("model{before}.id"), index=True)
    before: Mapped[Model{before} | None] = relationship()
"""


#: How many of the models an application uses, and what of each: an import, and a function.
USED = 20
USES = {
    "OrmKit": (
        "from ormkit import AsyncSession\n",
        """\
from models import Model{number}

async def find{number}(session: AsyncSession) -> list[str]:
    query = session.query(Model{number}).filter(age__gte=3).order_by("-created_at")
    return [each.name for each in await query.all()]
""",
    ),
    "SQLAlchemy": (
        "from sqlalchemy import select\nfrom sqlalchemy.ext.asyncio import AsyncSession\n",
        """\
from models import Model{number}

async def find{number}(session: AsyncSession) -> list[str]:
    query = select(Model{number}).where(Model{number}.age >= 3)
    found = await session.scalars(query.order_by(Model{number}.created_at.desc()))
    return [each.name for each in found]
""",
    ),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one check of a package took."""

    models: int
    checker: str
    library: str
    #: Seconds of the processor, with those of child processes.
    seconds: float
    #: The greatest resident size of one process, in MB.
    megabytes: float


def write_ormkit(count: int, directory: Path) -> None:
    """Generate a package of that many models."""
    text = big_schema(count, related=True).replace("created_at =", f"{MORE}created_at =")
    schema = directory / "schema.toml"
    schema.write_text(text, encoding="utf-8")
    package = directory / "models"
    package.mkdir()
    # As it is rendered: black would take minutes, and change nothing that a type checker sees.
    for name, rendered in render(load([schema], directory).schema).items():
        (package / name).write_text(rendered, encoding="utf-8")


def write_sqlalchemy(count: int, directory: Path) -> None:
    """Write a package of that many mapped classes, a module each, as the generated ones."""
    package = directory / "models"
    package.mkdir(parents=True)
    (package / "base.py").write_text(SQLALCHEMY_BASE)
    for number in range(count):
        before = max(number - 1, 0)
        text = SQLALCHEMY_MODEL.format(number=number, before=before)
        if before == number:
            text = text.replace(f"    from .model{before} import Model{before}\n", "    pass\n")
        (package / f"model{number}.py").write_text(text)
    names = [f"from .model{number} import Model{number}" for number in range(count)]
    exported = [f'    "Model{number}",' for number in range(count)]
    lines = [*names, "", "__all__ = [", *exported, "]"]
    (package / "__init__.py").write_text("\n".join(lines) + "\n")


LIBRARIES: dict[str, Callable[[int, Path], None]] = {
    "OrmKit": write_ormkit,
    "SQLAlchemy": write_sqlalchemy,
}


def measured(counts: Sequence[int]) -> Iterator[Cost]:
    """Yield what each checker takes for each library; raise where one finds an error."""
    for count in counts:
        with written(count) as directory:
            for checker in CHECKERS:
                yield from compared(checker, directory, count, "models/*.py")


def measured_use(count: int) -> Iterator[Cost]:
    """Yield what each checker takes for code that imports some of that many models."""
    with written(count) as directory:
        for library, (imported, used) in USES.items():
            numbers = range(max(count - USED, 0), count)
            functions = [used.format(number=number) for number in numbers]
            text = "\n\n".join([imported, *functions])
            (directory / library / "application.py").write_text(text)
        for checker in CHECKERS:
            yield from compared(checker, directory, count, "application.py")


@contextmanager
def written(count: int) -> Iterator[Path]:
    """Return a directory with a package of that many models of each library."""
    with tempfile.TemporaryDirectory() as temporary:
        for library, write in LIBRARIES.items():
            directory = Path(temporary) / library
            directory.mkdir()
            write(count, directory)
        yield Path(temporary)


def compared(checker: str, directory: Path, count: int, pattern: str) -> Iterator[Cost]:
    """Yield the least that a checker takes for each library; runs of both follow each other.

    Other work on the machine then slows down both.
    """
    runs = [
        [check(checker, directory / library, count, library, pattern) for library in LIBRARIES]
        for _ in range(RUNS.get(checker, 1))
    ]
    for costs in zip(*runs, strict=True):
        yield min(costs, key=attrgetter("seconds"))


def check(checker: str, directory: Path, count: int, library: str, pattern: str) -> Cost:
    """Check these files of the directory once, and return what it took."""
    names = [os.path.relpath(file, directory) for file in sorted(directory.glob(pattern))]
    with (directory / "output").open("w") as output:
        process = subprocess.Popen(
            CHECKERS[checker](names, directory),
            cwd=directory,
            env=environment(directory),
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{checker} on {library}: {(directory / 'output').read_text()[-2000:]}")
    return Cost(count, checker, library, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def costs_table(costs: Sequence[Cost]) -> str:
    """Return seconds and megabytes of both libraries beside each other."""
    lines = [
        "| models | checker | OrmKit | SQLAlchemy | time | memory |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    found = {(each.models, each.checker, each.library): each for each in costs}
    for count in sorted({each.models for each in costs}):
        for checker in CHECKERS:
            ours, theirs = (found[count, checker, library] for library in LIBRARIES)
            lines.append(
                f"| {count} | {checker} | {ours.seconds:.1f} s, {ours.megabytes:.0f} MB "
                f"| {theirs.seconds:.1f} s, {theirs.megabytes:.0f} MB "
                f"| {ours.seconds / theirs.seconds:.2f} | {ours.megabytes / theirs.megabytes:.2f} |"
            )
    return "\n".join(lines)


def matrix() -> str:
    """Return what each checker finds in the project's own right and wrong code."""
    total = len(expected(user_code()))
    with ThreadPoolExecutor(2) as pool:
        every = list(pool.map(findings, CHECKERS))
    lines = ["| checker | false errors | wrong lines reported |", "|---|---:|---:|"]
    lines += [
        f"| {each.checker} | {len(each.false)} | {total - len(each.missed)} of {total} |"
        for each in every
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the document where asked to."""
    parser = argparse.ArgumentParser(prog="type_checking", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/typing.md")
    parser.add_argument("counts", type=int, nargs="*", default=COUNTS, help="numbers of models")
    arguments = parser.parse_args()
    began = time.time()
    costs: list[Cost] = []
    for cost in measured(arguments.counts):
        print(cost, flush=True)
        costs.append(cost)
    used: list[Cost] = []
    for cost in measured_use(max(arguments.counts)):
        print(cost, flush=True)
        used.append(cost)
    text = (
        f"{matrix()}\n\nProcessor time and the largest process, without a cache; the last two "
        f"columns are ratios, below 1 where OrmKit takes less.\n\n{costs_table(costs)}\n\n"
        f"Code that uses {USED} of the models, which are imported and not checked themselves:\n\n"
        f"{costs_table(used)}\n\n"
        f"{describe_machine()}."
    )
    print(f"{text}\n{time.time() - began:.0f} s")
    if arguments.write:
        replace(DOCUMENT, "type checking", text)


if __name__ == "__main__":
    main()
