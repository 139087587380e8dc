"""The texts of diagnostics: for each kind of mistake a schema, and what is said about it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ormkit_gen.diagnostics.diagnostic import Diagnostic, SchemaError, format_diagnostic
from ormkit_gen.schema import load
from tests.golden_files import DIRECTORY, Golden

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

CASES = sorted(path.name for path in (DIRECTORY / "diagnostics").iterdir())
READER = Path(__file__).parents[3] / "ormkit_gen/schema"
#: Kinds that need a file which no golden directory can hold.
ELSEWHERE = {"file-too-large", "not-utf8", "unreadable-file", "unknown-spelling"}
#: Kinds that a file is too long to be shown for; tests of their own show them.
IN_LONG_FILES = {"too-many-entries"}


def diagnose(directory: Path) -> tuple[Diagnostic, ...]:
    files = sorted({*directory.glob("*.toml"), *directory.glob("*.py")})
    try:
        return load(files, directory, (), sorted(directory.glob("sql/**/*.sql"))).warnings
    except SchemaError as error:
        return error.diagnostics


def told(directory: Path) -> str:
    texts = []
    for diagnostic in diagnose(directory):
        file = diagnostic.at.file if diagnostic.at else ""
        lines = (directory / file).read_text(encoding="utf-8").split("\n") if file else []
        texts.append(format_diagnostic(diagnostic, lines))
    return "\n\n".join(texts) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_with_its_place_and_remedy(case: str, golden: Golden) -> None:
    golden.check(f"diagnostics/{case}/expected.txt", told(DIRECTORY / "diagnostics" / case))


@pytest.mark.parametrize("case", CASES)
def test_every_diagnostic_has_a_place_and_a_remedy(case: str) -> None:
    found = diagnose(DIRECTORY / "diagnostics" / case)
    assert found
    for diagnostic in found:
        assert diagnostic.at is not None
        assert diagnostic.remedy


def codes_in_the_source() -> set[str]:
    """The kinds that the reader can tell: the first argument of each error() and warning()."""
    found: set[str] = set()
    for file in READER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                function = ast.unparse(node.func).rpartition(".")[2]
                if function in ("error", "warning", "BadType", "wrong"):
                    found.add(str(node.args[0].value))
    return found


def test_every_kind_of_diagnostic_has_a_golden_case() -> None:
    seen = {each.code for case in CASES for each in diagnose(DIRECTORY / "diagnostics" / case)}
    assert codes_in_the_source() - ELSEWHERE - IN_LONG_FILES <= seen
    assert len(seen) >= 45


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"a = 1\n\xff\xfe")
    (tmp_path / "large.toml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    (tmp_path / "schema.yaml").write_text("")
    files = [*tmp_path.iterdir(), tmp_path / "missing.toml"]
    with pytest.raises(SchemaError) as caught:
        load(files, tmp_path)
    assert {each.code for each in caught.value.diagnostics} == ELSEWHERE


def test_the_caret_stands_under_what_is_meant() -> None:
    diagnostic, *_ = diagnose(DIRECTORY / "diagnostics/unknown-type")
    assert diagnostic.at is not None
    line = (DIRECTORY / "diagnostics/unknown-type/schema.toml").read_text().splitlines()
    start = diagnostic.at.column - 1
    assert line[diagnostic.at.line - 1][start : start + diagnostic.at.width] == '"strng"'
