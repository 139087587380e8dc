"""What editors say of schema files: `make editors`, which installs tombi and taplo.

They read the files of the tests as an editor reads those of a user: beside the JSON Schema, by the
first line, without a network. Exit with 1 if one refuses a schema without mistakes, accepts a
mistake of shape, or tells it in another line than OrmKit.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import SchemaError
from ormkit_gen.json_schema.editor_files import LINE, NAME, json_text
from ormkit_gen.schema import load
from tests.golden_files import DIRECTORY
from tests.ormkit_gen.json_schema.test_json_schema import (
    CASES,
    FILES,
    NOT_OF_SHAPE,
    OF_SHAPE,
    SCHEMA,
    documents_of,
)

TOOLS = {
    "tombi": ("lint", "--offline"),
    "taplo": ("lint", "--colors", "never"),
}
_BIN = Path(sys.executable).parent
_LINES = {
    # It also warns of a style that it does not like, such as tables that are not in order.
    "tombi": re.compile(r"(?:Error: |in strict mode).*\n\s+at .*?\.toml:(\d+):"),
    "taplo": re.compile(r"\.toml:(\d+):"),
}
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


def lines_told(tool: str, directory: Path, text: str) -> set[int]:
    """Return the lines of a schema in which a tool finds something."""
    (directory / "schema.toml").write_text(LINE + text, encoding="utf-8")
    done = subprocess.run(
        [_BIN / tool, *TOOLS[tool], "schema.toml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    found = _LINES[tool].findall(_COLORS.sub("", done.stdout + done.stderr))
    # The first line is that of the editors. What is about the whole file is told there.
    return {max(1, int(each) - 1) for each in found} or ({0} if done.returncode else set())


def lines_of(directory: Path) -> set[int]:
    """Return the lines of a golden case in which OrmKit finds something."""
    try:
        load([directory / "schema.toml"], directory, (), sorted(directory.glob("sql/**/*.sql")))
    except SchemaError as error:
        return {each.at.line for each in error.diagnostics if each.at is not None}
    return set()


def codes_of(directory: Path) -> set[str]:
    """Return the codes of a golden case."""
    words = re.findall(r"error: .*\[([a-z-]+)\]$", (directory / "expected.txt").read_text(), re.M)
    return set(words)


def complaints(tool: str, directory: Path) -> list[str]:
    """Return where a tool does not say what OrmKit says."""
    found: list[str] = []
    for file in FILES:
        if told := lines_told(tool, directory, file.read_text(encoding="utf-8")):
            found.append(f"{file.name} is refused in lines {sorted(told)}")
    for case in CASES:
        golden = DIRECTORY / "diagnostics" / case
        is_of_shape = codes_of(golden) & OF_SHAPE and case not in NOT_OF_SHAPE
        if not (golden / "schema.toml").exists() or not is_of_shape:
            continue
        if all(SCHEMA.is_valid(each) for each in documents_of(golden)):
            continue
        text = (golden / "schema.toml").read_text(encoding="utf-8")
        told, wanted = lines_told(tool, directory, text), lines_of(golden)
        if not told:
            found.append(f"{case} is accepted")
        elif not told & wanted:
            found.append(f"{case} is told in {sorted(told)}, and by OrmKit in {sorted(wanted)}")
    return found


def main() -> int:
    """Print what each tool says, and how many files it read."""
    is_wrong = False
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, NAME).write_text(json_text("schema"), encoding="utf-8")
        for tool in TOOLS:
            version = subprocess.run(
                [_BIN / tool, "--version"], capture_output=True, text=True, check=True
            )
            found = complaints(tool, Path(directory))
            print(f"{version.stdout.strip()}: {len(FILES)} schemas, {len(found)} complaints")
            print("".join(f"    {each}\n" for each in found), end="")
            is_wrong |= bool(found)
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
