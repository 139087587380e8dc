"""A schema in TOML is data: while it is read, nothing of it is run, imported or started."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ormkit_gen.schema.toml_texts import PlainWriter

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "schemas"
#: Reads, renders and writes as SQL each file that a line of standard input names, after another one
#: that brings in what is imported late. It answers with what the interpreter's own auditing saw
#: meanwhile: https://peps.python.org/pep-0578/
WATCH = """
import json, sys
from pathlib import Path
from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.ddl.schema import schema_sql
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load

def work(file):
    try:
        described = load([file], file.parent).schema
    except SchemaError as error:
        return [each.code for each in error.diagnostics]
    render(described)
    schema_sql(described)
    return []

seen, is_watching = [], False
HARMLESS = ("array.__new__", "sys._getframe")

def note(event, arguments):
    if is_watching and not event.startswith(HARMLESS):
        seen.append([event, ascii(arguments)[:300]])

work(Path(sys.argv[1]))
sys.addaudithook(note)
for line in sys.stdin:
    name, extra = json.loads(line)
    file = Path(name)
    seen.clear()
    is_watching = True
    codes = work(file)
    if extra == "evaluated":
        eval("1 + 1")
    is_watching = False
    print(json.dumps([codes, seen]), flush=True)
"""
#: Each a different thing that running the text would do.
PAYLOADS = [
    "__import__('os').system('true')",
    "exec('1')",
    "[].__class__.__base__.__subclasses__()",
    "{{ ''.__class__.__mro__ }}",
    "{% set x = cycler.__init__.__globals__.os.popen('true') %}",
    "!!python/object/apply:os.system ['true']",
    "Annotated[int, __import__('os')]",
    "f'{__import__(1)}'",
]


Watch = Callable[..., tuple[list[str], list[list[str]]]]


@pytest.fixture(scope="module")
def watcher() -> Iterator[subprocess.Popen[str]]:
    """The process that reads schemas and is watched. To start it takes longer than all it reads."""
    command = [sys.executable, "-c", WATCH, str(SCHEMAS / "everything.toml")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture
def watched(watcher: subprocess.Popen[str], tmp_path: Path) -> Watch:
    """Return the kinds of the problems of a schema, and the events while it was read."""

    def watch(text: str, extra: str = "nothing") -> tuple[list[str], list[list[str]]]:
        file = tmp_path / "schema.toml"
        file.write_text(text, encoding="utf-8")
        assert watcher.stdin is not None
        assert watcher.stdout is not None
        watcher.stdin.write(json.dumps([str(file), extra]) + "\n")
        watcher.stdin.flush()
        codes, seen = json.loads(watcher.stdout.readline())
        return codes, seen

    return watch


def schema_of(payload: str) -> dict[str, Any]:
    """Return a schema with the text at every place that takes one."""
    return {
        "enums": {"Mood": {"values": [payload[:60]], "members": ["a"], "comment": payload}},
        "models": {
            "Item": {
                "table": payload[:60],
                "comment": payload,
                "columns": {
                    "id": {"type": "bigint", "primary_key": True},
                    "note": {"type": "text", "column": payload[:60], "default": payload},
                    "document": {"type": "jsonb", "default": {payload: [payload]}},
                    "made": {"type": "text", "server_default": payload, "comment": payload},
                    "twice": {"type": "text", "generated": payload},
                    "mood": {"type": "Mood", "default": payload[:60]},
                },
                "checks": [{"name": payload[:60], "expression": payload}],
                "indexes": [{"columns": [{"expression": payload}], "where": payload}],
            }
        },
    }


def unwanted(seen: list[list[str]], file: str = "schema.toml") -> list[list[str]]:
    """Return the events but the reading of the file, and the parsing of an annotation."""
    return [each for each in seen if each[0] != "open" or file not in each[1]]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_text_is_not_run_wherever_it_stands(watched: Watch, payload: str) -> None:
    codes, seen = watched(PlainWriter().document(schema_of(payload)))
    assert codes == []
    assert unwanted(seen) == []


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("key", ["type", "python_type", "default", "foreign_key", "column"])
def test_a_text_in_the_place_of_a_word_is_not_run(watched: Watch, key: str, payload: str) -> None:
    columns = {
        "id": {"type": "bigint", "primary_key": True},
        "odd": {"type": "jsonb" if key == "python_type" else "bigint", key: payload},
    }
    text = PlainWriter().document({"models": {"Item": {"columns": columns}}})
    codes, seen = watched(text)
    assert codes or key == "column"
    # An annotation is parsed to be checked, and what is parsed is not run.
    events = [each[0] for each in unwanted(seen)]
    assert events == ([] if key != "python_type" else ["compile"] * len(events))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_text_that_is_no_toml_is_not_run(watched: Watch, payload: str) -> None:
    codes, seen = watched(f"[models.Item]\n{payload} = {payload}\n")
    assert codes == ["broken-toml"]
    assert {each[0] for each in unwanted(seen)} <= {"compile"}


@pytest.mark.parametrize("name", ["blog.toml", "everything.toml"])
def test_a_whole_schema_is_read_without_running_anything(watched: Watch, name: str) -> None:
    codes, seen = watched((SCHEMAS / name).read_text(encoding="utf-8"))
    assert codes == []
    assert {each[0] for each in unwanted(seen)} <= {"compile"}


def test_what_is_run_is_seen(watched: Watch) -> None:
    """The watch itself: an eval() beside the reading is among the events."""
    _, seen = watched((SCHEMAS / "blog.toml").read_text(encoding="utf-8"), "evaluated")
    assert "exec" in {each[0] for each in seen}
