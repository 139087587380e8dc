"""Files made to cost time and memory: read within bounds of both, or refused within them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ormkit_gen.diagnostics.diagnostic import MAX_PROBLEMS, SchemaError
from ormkit_gen.schema import load
from ormkit_gen.schema.toml_positions import MAX_ENTRIES
from ormkit_gen.schema.toml_reader import MAX_BYTES
from tests.lengths import IS_NIGHTLY

ROOT = Path(__file__).parents[3]
KEY = "id = { type = 'bigint', primary_key = true }\n"
USER = f"[models.User.columns]\n{KEY}"
#: Reads a file in a process of its own, and tells how that ended and what it took.
READ = """
import json, resource, sys, time
from pathlib import Path
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.schema import load

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started, file = time.process_time(), Path(sys.argv[1])
try:
    load([file], file.parent)
    codes = []
except SchemaError as error:
    codes = [each.code for each in error.diagnostics]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
megabytes = grown / (1 << 20 if sys.platform == "darwin" else 1 << 10)
print(json.dumps([time.process_time() - started, megabytes, codes]))
"""
#: At the limits a file takes some 3 s of a processor and 150 MB on a machine with two slow cores.
MOST_SECONDS = 30
MOST_MEGABYTES = 400


def many(line: str, count: int) -> str:
    """Return the line so many times, each with its number in the place of #."""
    return "".join(line.replace("#", str(number)) for number in range(count))


#: Texts up to the limits, which are read, and beyond them; with the only kinds of problems.
BOMBS: dict[str, tuple[Callable[[], str], set[str]]] = {
    "models": (lambda: many(f"[models.M#.columns]\n{KEY}", 20_000), set()),
    "too many models": (
        lambda: many("[models.M#.columns]\nid='text'\n", 100_000),
        {"too-many-entries"},
    ),
    "headers": (lambda: many("[a#]\n", 350_000), {"too-many-entries"}),
    "tables of arrays": (lambda: many("[[a]]\n", 350_000), {"too-many-entries"}),
    "keys": (lambda: many("k#=1\n", 200_000), {"too-many-entries"}),
    "keys of an inline table": (
        lambda: f"a={{{many('k#=1,', 200_000)}z=1}}",
        {"too-many-entries"},
    ),
    "values": (lambda: f"a=[{'1,' * 500_000}]", {"too-many-entries"}),
    "unknown keys": (lambda: many("k#=1\n", 90_000) + USER, {"unknown-key"}),
    "columns": (lambda: USER + many("c#='text'\n", 60_000), {"too-many-columns"}),
    "wrong types": (lambda: USER + many("c#='txt'\n", 60_000), {"unknown-type"}),
    "enums": (lambda: "[enums]\n" + many("E#=['a']\n", 40_000) + USER, set()),
    "labels": (lambda: "[enums]\nE=[" + many("'l#',", 90_000) + f"]\n{USER}", set()),
    "equal labels": (lambda: "[enums]\nE=[" + "'a'," * 90_000 + f"]\n{USER}", {"enum-clash"}),
    "members": (
        lambda: "[enums]\nE={values=['a'],members=[" + "'a'," * 90_000 + f"]}}\n{USER}",
        {"enum-members"},
    ),
    "relationships": (
        lambda: f"{USER}[models.User.relationships]\n" + many("r#={target='User'}\n", 30_000),
        {"unexplained-relationship"},
    ),
    "secondaries": (
        lambda: f"{USER}[models.User.relationships]\n"
        + many("r#={target='User',secondary='t#'}\n", 15_000),
        set(),
    ),
    "foreign keys": (
        lambda: USER + many("f#={type='bigint',foreign_key='none.id'}\n", 1500),
        {"unknown-table"},
    ),
    "indexes": (
        lambda: USER + many("[[models.User.indexes]]\ncolumns=['id']\n", 20_000),
        {"name-clash"},
    ),
    "columns of an index": (
        lambda: f"{USER}[[models.User.indexes]]\ncolumns=[" + "'id'," * 90_000 + "]\n",
        {"too-many-keys"},
    ),
    "checks": (lambda: USER + many("[[models.User.checks]]\nexpression='id>#'\n", 40_000), set()),
    "mixins": (
        lambda: "[models.User]\nmixins=[" + "'none'," * 90_000 + f"]\n{USER}",
        {"unknown-mixin"},
    ),
    "a text": (lambda: f"[models.User]\ncomment='{'x' * 4_000_000}'\n{USER}", set()),
    "a default": (lambda: f"{USER}t={{type='text',default='{'x' * 4_000_000}'}}\n", set()),
    "an expression": (
        lambda: f"{USER}t={{type='text',server_default='{'(' * 4_000_000}'}}\n",
        set(),
    ),
    "quotes": (
        lambda: f'{USER}t={{type="text",server_default="{chr(39) * 4_000_000}"}}\n',
        set(),
    ),
    "a name": (lambda: f"[models.User]\ntable='{'x' * 4_000_000}'\n{USER}", {"long-name"}),
    "a label": (lambda: f"[enums]\nE=['{'x' * 4_000_000}']\n{USER}", {"long-name"}),
    "blank lines": (lambda: "\n" * 4_000_000 + USER, set()),
    "comments": (lambda: "#\n" * 2_000_000 + USER, set()),
    "a long line": (lambda: " " * 4_000_000 + USER, set()),
    "bytes": (lambda: "#" * (MAX_BYTES + 1), {"file-too-large"}),
}  # fmt: skip


@pytest.mark.one_interpreter
@pytest.mark.nightly
@pytest.mark.parametrize("name", list(BOMBS)[:: 1 if IS_NIGHTLY else 4])
def test_a_file_costs_no_more_than_its_bounds(tmp_path: Path, name: str) -> None:
    make, expected = BOMBS[name]
    file = tmp_path / "schema.toml"
    file.write_text(make(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=20 * MOST_SECONDS,
    )
    seconds, megabytes, codes = json.loads(done.stdout)
    assert set(codes) - {"too-many-problems"} == expected
    assert len(codes) <= MAX_PROBLEMS + 1
    assert seconds < MOST_SECONDS
    assert megabytes < MOST_MEGABYTES


def diagnosed(directory: Path, text: str) -> SchemaError:
    file = directory / "schema.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError) as caught:
        load([file], directory)
    return caught.value


def test_the_first_problems_are_told_and_that_there_are_more(tmp_path: Path) -> None:
    found = diagnosed(tmp_path, USER + many("c#='txt'\n", MAX_PROBLEMS)).diagnostics
    assert len(found) == MAX_PROBLEMS + 1
    assert {each.code for each in found[:-1]} == {"unknown-type"}
    assert found[-1].code == "too-many-problems"
    assert found[-1].message.startswith(f"there are {MAX_PROBLEMS} problems")
    assert found[-1].remedy == "fix these first"
    few = diagnosed(tmp_path, USER + many("c#='txt'\n", MAX_PROBLEMS - 1)).diagnostics
    assert len(few) == MAX_PROBLEMS - 1


def test_the_entry_that_is_too_many_is_shown(tmp_path: Path) -> None:
    (found,) = diagnosed(tmp_path, many("k#=1\n", MAX_ENTRIES)).diagnostics
    assert found.code == "too-many-entries"
    assert found.message == "the file has more than 300,000 keys and values"
    assert found.at is not None
    assert found.at.line == MAX_ENTRIES // 2 + 1
