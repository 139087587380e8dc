"""The files of a migration: their format, and the hash over them.

A migration is a folder, whose name is its ID. `up.sql` and `down.sql` are plain SQL in numbered
steps; comments say how each step runs:

    -- ormkit: migration 1
    -- ormkit: parent 20261128-0900-start-ab12 sha256:9f86d081...
    -- ormkit: phase expand

    -- ormkit: step 1
    -- measured: AccessExclusive on public.users
    ALTER TABLE public.users ADD COLUMN age integer;

    -- ormkit: step 2, no transaction
    CREATE INDEX CONCURRENTLY users_age_idx ON public.users (age);
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import MigrationError
from .line_endings import without_conversion

#: How a step runs. `transaction`: its statements in one transaction of their own. `no transaction`:
#: its one statement, sent alone. `batches`: its one UPDATE or DELETE again and again, each time for
#: a range of keys, in a transaction of its own. `data`: the function `migrate` of data.py. `check`:
#: its one SELECT, whose rows are what keeps the migration from running.
Mode = Literal["transaction", "no transaction", "batches", "data", "check"]
#: `expand` adds what new programs need, and old ones run on. `contract` removes what only old
#: programs use.
Phase = Literal["expand", "contract"]
#: What a run may be told to stop at; `all` stops at neither.
ChosenPhase = Literal["expand", "contract", "all"]

UP, DOWN, DATA, STATE = "up.sql", "down.sql", "data.py", "state.json"
#: The text in a step of batches that stands for the condition of a range of keys. As it is, the
#: statement is valid SQL for the whole table.
BATCH = "/* batch */ true"
#: The version of the format.
FORMAT = 1

_ID = re.compile(r"\d{8}-\d{4}-[a-z0-9]+(?:-[a-z0-9]+)*-[a-z0-9]{4}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_LINE = re.compile(r"-- ormkit: *(\S+) *(.*)")
_STEP = re.compile(r"(\d+)(?:, (.+))?")
_NAME = r'(?:"(?:[^"]|"")+"|[^\s"(),.]+)'
_KEY = re.compile(_NAME)
_BATCHES = re.compile(
    rf"batches of (\d+) over ({_NAME}(?:\.{_NAME})?) \(({_NAME}(?:, *{_NAME})*)\)"
)
_PLAIN: dict[str, Mode] = {
    each: each for each in ("transaction", "no transaction", "data", "check")
}
_MEASURED, _MESSAGE, _NOTE, _ALLOW, _UNDO = "measured", "message", "note", "allow", "undo"
_REMARK = re.compile(rf"-- ({_MEASURED}|{_MESSAGE}|{_NOTE}|{_ALLOW}|{_UNDO}): *(.*)")
#: The undo of a step whose work goes with that of a step before it.
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Batches:
    """How a step walks over a table."""

    #: The number of keys in a batch.
    size: int
    #: The table, as SQL.
    table: str
    #: The columns of the key by which it walks, as SQL.
    key: tuple[str, ...]

    def __str__(self) -> str:
        return f"batches of {self.size} over {self.table} ({', '.join(self.key)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a migration, which is done or not done as a whole."""

    sql: str = ""
    mode: Mode = "transaction"
    batches: Batches | None = None
    #: What PostgreSQL did when the step ran on the shadow server, such as `scans public.users`.
    measured: tuple[str, ...] = ()
    #: What the rows mean that a step of the mode `check` finds.
    message: str = ""
    #: What a person has to know who reads the file.
    notes: tuple[str, ...] = ()
    #: Rules that the step may break, each with its reason: `RULE because REASON`.
    allowed: tuple[str, ...] = ()
    #: The SQL that undoes it, if nothing that is of use was made of it yet: in one line. `nothing`
    #: if what undoes a step before it does so. Empty if only down.sql does.
    undo: str = ""

    def lines(self, number: int) -> Iterator[str]:
        """Yield the lines of a file for this step."""
        mode = str(self.batches) if self.batches else self.mode
        yield f"-- ormkit: step {number}" + ("" if mode == "transaction" else f", {mode}")
        yield from (f"-- {_ALLOW}: {each}" for each in self.allowed)
        yield from (f"-- {_NOTE}: {each}" for each in self.notes)
        if self.undo:
            yield f"-- {_UNDO}: {self.undo}"
        if self.message:
            yield f"-- {_MESSAGE}: {self.message}"
        if self.measured:
            yield f"-- {_MEASURED}: {'; '.join(self.measured)}"
        if self.sql:
            yield self.sql.strip("\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands at the top of up.sql."""

    parent: str | None = None
    #: The hash of the parent.
    parent_hash: str = ""
    phase: Phase = "expand"
    #: The oldest major version of PostgreSQL that runs the steps.
    minimum_server: int | None = None
    #: The migrations in whose place it is, oldest first.
    replaces: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the lines of a file."""
        yield f"-- ormkit: migration {FORMAT}"
        yield f"-- ormkit: parent {f'{self.parent} {self.parent_hash}' if self.parent else 'none'}"
        if self.minimum_server is not None:
            yield f"-- ormkit: postgresql >= {self.minimum_server}"
        yield f"-- ormkit: phase {self.phase}"
        if self.replaces:
            yield f"-- ormkit: replaces {' '.join(self.replaces)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration, as its files say."""

    id: str
    header: Header
    steps: tuple[Step, ...]
    #: The steps of down.sql; None where there is none.
    down: tuple[Step, ...] | None = None
    #: The texts of its files by their names, which the hash covers.
    files: dict[str, str] = field(hash=False)
    #: The folder; None if it was read from a database.
    directory: Path | None = None

    @property
    def hash(self) -> str:
        """The hash over the parent's hash and the files."""
        digest = hashlib.sha256(self.header.parent_hash.encode())
        for name in sorted(self.files):
            digest.update(f"\0{name}\0{self.files[name]}".encode())
        return f"sha256:{digest.hexdigest()}"

    @property
    def has_data(self) -> bool:
        """Whether it has steps in Python."""
        return DATA in self.files

    @property
    def state(self) -> str:
        """The text of state.json: the schema after the migration."""
        return self.files.get(STATE, "")


def render_steps(steps: Sequence[Step], header: Header | None = None) -> str:
    """Return the text of a file with steps. up.sql has the header, down.sql has none."""
    paragraphs = ["\n".join(header.lines())] if header else [f"-- ormkit: migration {FORMAT}"]
    paragraphs += ("\n".join(step.lines(number)) for number, step in enumerate(steps, 1))
    return "\n\n".join(paragraphs) + "\n"


def is_migration_id(name: str) -> bool:
    """Return whether a folder of this name is a migration."""
    return _ID.fullmatch(name) is not None


def is_left_behind(directory: Path) -> bool:
    """Return whether a folder has nothing but folders, such as `before/` with `__pycache__/`.

    Version control leaves them behind when it removes a migration.
    """
    inside = list(directory.iterdir())
    return bool(inside) and all(each.is_dir() for each in inside)


def read_migration(directory: Path) -> Migration:
    """Read the files of a migration.

    Raises:
        MigrationError: A file is missing, cannot be read, or is not of the format.
    """
    texts: dict[str, str] = {}
    for name in (UP, DOWN, DATA, STATE):
        file = directory / name
        try:
            # Editors and git on Windows write other line ends, and a mark before the first line.
            texts[name] = without_conversion(file.read_bytes()).decode("utf-8-sig")
        except FileNotFoundError:
            if name == UP:
                raise MigrationError(
                    f"the migration {directory.name} has no {UP}: restore {file} from version "
                    "control"
                ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise MigrationError(f"{file} cannot be read: {error}") from error
    return parse_migration(directory.name, texts, directory)


def parse_migration(name: str, texts: dict[str, str], directory: Path | None = None) -> Migration:
    """Return a migration from the texts of its files.

    Raises:
        MigrationError: A text is not of the format.
    """
    header, steps = _parse(f"{name}/{UP}", texts[UP])
    down = _parse(f"{name}/{DOWN}", texts[DOWN])[1] if DOWN in texts else None
    return Migration(
        id=name, header=header, steps=steps, down=down, files=texts, directory=directory
    )


def _parse(place: str, text: str) -> tuple[Header, tuple[Step, ...]]:
    """Return the header and the steps of one file.

    place: the file's name in messages.
    """
    blocks = _blocks(place, text)
    head = next(blocks, None)
    if head is None or not head[1] or head[1][0][1] != "migration":
        raise MigrationError(f"{place}:1: expected `-- ormkit: migration {FORMAT}`")
    header = _header(place, head[1])
    if body := "\n".join(head[2]).strip():
        raise MigrationError(
            f"{place}:{head[0]}: {_shortened(body)} is in no step: put `-- ormkit: step 1` above it"
        )
    steps = tuple(_step(place, *block, number) for number, block in enumerate(blocks, 1))
    return header, steps


_Directive = tuple[int, str, str]
_Block = tuple[int, list[_Directive], list[str]]


def _blocks(place: str, text: str) -> Iterator[_Block]:
    """Yield the header's lines, and then those of each step: their first line's number, what the
    comments for OrmKit say, and all other lines.
    """
    first, directives, rest = 1, list[_Directive](), list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        found = _LINE.fullmatch(line.rstrip())
        if found is None:
            if line.startswith("-- ormkit"):
                raise MigrationError(f"{place}:{number}: expected `-- ormkit: WORD ...`")
            rest.append(line)
            continue
        if found[1] == "step":
            yield first, directives, rest
            first, directives, rest = number, [], []
        directives.append((number, found[1], found[2].strip()))
    yield first, directives, rest


def _header(place: str, directives: Iterable[_Directive]) -> Header:
    values: dict[str, str] = {}
    for number, word, rest in directives:
        if word in values:
            raise MigrationError(f"{place}:{number}: `{word}` is given twice")
        if word not in ("migration", "parent", "postgresql", "phase", "replaces"):
            raise MigrationError(f"{place}:{number}: there is no `{word}` in a header")
        values[word] = rest
        problem = _header_problem(word, rest)
        if problem:
            raise MigrationError(f"{place}:{number}: {problem}")
    parent, _, parent_hash = values.get("parent", "none").partition(" ")
    server = values.get("postgresql")
    phase: Phase = "contract" if values.get("phase") == "contract" else "expand"
    return Header(
        parent=None if parent == "none" else parent,
        parent_hash=parent_hash,
        phase=phase,
        minimum_server=int(server.removeprefix(">=")) if server else None,
        replaces=tuple(values.get("replaces", "").split()),
    )


def _header_problem(word: str, rest: str) -> str:
    if word == "migration" and rest != str(FORMAT):
        return f"this version of ormkit reads the format {FORMAT}, not {rest}: update ormkit"
    if word == "phase" and rest not in ("expand", "contract"):
        return f"the phase is expand or contract, not {rest}"
    if word == "postgresql" and not re.fullmatch(r">= *\d+", rest):
        return f"expected `postgresql >= 15`, not {rest}"
    if word == "parent" and rest != "none":
        name, _, parent_hash = rest.partition(" ")
        if not (is_migration_id(name) and _HASH.fullmatch(parent_hash)):
            return "expected `parent ID sha256:...`, or `parent none`"
    return ""


def _step(
    place: str, first: int, directives: list[_Directive], lines: list[str], number: int
) -> Step:
    at = f"{place}:{first}"
    if len(directives) > 1:
        line, word, _ = directives[1]
        raise MigrationError(f"{place}:{line}: there is no `{word}` in a step")
    found = _STEP.fullmatch(directives[0][2])
    if found is None:
        raise MigrationError(f"{at}: expected `-- ormkit: step {number}`")
    if int(found[1]) != number:
        raise MigrationError(f"{at}: step {found[1]} stands where step {number} is expected")
    mode, batches = _mode(at, found[2] or "transaction")
    remarks, body = _remarks(lines)
    sql = "\n".join(body).strip("\n")
    if not sql.strip() and mode != "data":
        raise MigrationError(f"{at}: step {number} has no SQL")
    if batches is not None and sql.count(BATCH) != 1:
        raise MigrationError(f"{at}: step {number} needs `{BATCH}` once in its WHERE")
    return Step(
        sql="" if mode == "data" else sql,
        mode=mode,
        batches=batches,
        measured=tuple(each for text in remarks[_MEASURED] for each in text.split("; ")),
        message=" ".join(remarks[_MESSAGE]),
        notes=tuple(remarks[_NOTE]),
        allowed=tuple(remarks[_ALLOW]),
        undo=" ".join(remarks[_UNDO]),
    )


def _mode(at: str, words: str) -> tuple[Mode, Batches | None]:
    if words in _PLAIN:
        return _PLAIN[words], None
    found = _BATCHES.fullmatch(words)
    if found is None or int(found[1]) < 1:
        raise MigrationError(
            f"{at}: a step runs as `no transaction`, `check`, `data` or "
            f"`batches of 5000 over TABLE (KEY)`, not `{words}`"
        )
    return "batches", Batches(int(found[1]), found[2], tuple(_KEY.findall(found[3])))


def _remarks(lines: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return what the comments at the top of a step say, by their kind, and its other lines."""
    remarks: dict[str, list[str]] = {_MEASURED: [], _MESSAGE: [], _NOTE: [], _ALLOW: []}
    remarks[_UNDO] = []
    body: list[str] = []
    for line in lines:
        found = None if any(each.strip() for each in body) else _REMARK.fullmatch(line.rstrip())
        if found is None:
            body.append(line)
        else:
            remarks[found[1]].append(found[2])
    return remarks, body


def _shortened(text: str) -> str:
    line = text.splitlines()[0]
    return repr(line if len(line) <= 40 else f"{line[:37]}...")
