"""Formatting: when it happens, in how many processes, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import black
import black.mode
import pytest

from ormkit_gen.formatting import parallel as formatting
from ormkit_gen.formatting.formatter import BrokenCode, format_text
from ormkit_gen.formatting.parallel import format_texts
from ormkit_gen.formatting.process import FormattingProcess, ProcessGone
from ormkit_gen.output import package
from ormkit_gen.output.package import Draft, finish
from ormkit_gen.output.plan import make_plan
from ormkit_gen.output.write import write
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load

pytestmark = pytest.mark.one_interpreter


def silent(done: int, of: int) -> None:
    pass


@pytest.fixture
def formatted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which the name of every text that is really formatted is added."""
    names: list[str] = []

    def recorded(texts: Mapping[str, str], progress: formatting.Progress) -> dict[str, str]:
        names.extend(Path(name).name for name in texts)
        return format_texts(texts, progress)

    monkeypatch.setattr(package, "format_texts", recorded)
    return names


def test_processes_give_what_one_process_gives() -> None:
    """Every text goes in and comes back under its own name, line ends and non-ASCII included."""
    texts = {f"m{n}.py": f"x = {{'a': {n},'é\\n': '\u2028'}}\n" for n in range(30)}
    counts: list[tuple[int, int]] = []
    assert formatting.process_count(30) > 1 or formatting.usable_cpus() == 1
    result = format_texts(texts, lambda done, of: counts.append((done, of)))
    assert result == {name: format_text(name, text) for name, text in texts.items()}
    assert counts == [(n, 30) for n in range(1, 31)]


@pytest.mark.parametrize("count", [1, 30])
def test_text_that_is_not_python_is_refused_by_name(count: int) -> None:
    texts = {f"m{n}.py": "x = 1\n" for n in range(count - 1)} | {"bad.py": "def (:\n"}
    with pytest.raises(BrokenCode) as caught:
        format_texts(texts, silent)
    assert caught.value.name == "bad.py"


def test_text_that_black_takes_and_python_does_not_is_refused() -> None:
    with pytest.raises(BrokenCode, match="cannot assign to None"):
        format_text("bad.py", "None = 1\n")


def test_generated_modules_are_as_black_leaves_them() -> None:
    """One pass is enough for what the templates write; black's own function makes two."""
    root = Path(__file__).parents[3]
    schema = load([root / "schemas/blog.toml"], root).schema
    mode = black.Mode(target_versions={black.mode.TargetVersion.PY311}, line_length=100)
    for name, text in render(schema).items():
        if name.endswith(".py"):
            assert format_text(name, text) == black.format_str(text, mode=mode), name


def test_where_no_process_can_start_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ProcessGone), FormattingProcess():
        pass
    texts = {f"m{n}.py": "x  =  1\n" for n in range(20)}
    assert set(format_texts(texts, silent).values()) == {"x = 1\n"}


def test_a_process_that_dies_is_noticed() -> None:
    with FormattingProcess() as process:
        process.process.kill()
        with pytest.raises(ProcessGone):
            process.format("m.py", "x = 1\n")


def test_a_process_ends_with_its_parent() -> None:
    """It reads its standard input, and that ends when the parent does, killed or not."""
    process = FormattingProcess()
    assert process.format("m.py", "x  = 1\n") == "x = 1\n"
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.process.wait(10) == 0
    assert process.process.stdout is not None
    process.process.stdout.close()


def test_only_texts_that_have_changed_are_formatted(tmp_path: Path, formatted: list[str]) -> None:
    texts = {"a.py": "a  = 1\n", "b.py": "b  = 1\n", "schema.sql": "SELECT 1;\n"}
    write(finish([Draft(tmp_path / "db", "db", ("s",), texts)], silent)[0])
    assert formatted == ["a.py", "b.py"]
    formatted.clear()
    texts["b.py"] = "b  = 2\n"
    write(finish([Draft(tmp_path / "db", "db", ("s",), texts)], silent)[0])
    assert formatted == ["b.py"]
    assert "b = 2" in (tmp_path / "db/b.py").read_text()


def test_an_edited_file_is_formatted_anew(tmp_path: Path, formatted: list[str]) -> None:
    """What is on disk is taken for formatted only if it is what the manifest records."""
    drafts = [Draft(tmp_path / "db", "db", ("s",), {"a.py": "a  = 1\n"})]
    (built,) = finish(drafts, silent)
    write(built)
    formatted.clear()
    (tmp_path / "db/a.py").write_text("a = 2\n")
    assert finish(drafts, silent) == [built]
    assert formatted == ["a.py"]


def test_other_sources_format_anew(tmp_path: Path, formatted: list[str]) -> None:
    write(finish([Draft(tmp_path / "db", "db", ("s",), {"a.py": "a  = 1\n"})], silent)[0])
    formatted.clear()
    finish([Draft(tmp_path / "db", "db", ("other",), {"a.py": "a  = 1\n"})], silent)
    assert formatted == ["a.py"]


def test_another_release_of_ormkit_formats_anew(
    tmp_path: Path, formatted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts = [Draft(tmp_path / "db", "db", ("s",), {"a.py": "a  = 1\n"})]
    write(finish(drafts, silent)[0])
    formatted.clear()
    monkeypatch.setattr(package, "ormkit_version", lambda: "another 0.0")
    finish(drafts, silent)
    assert formatted == ["a.py"]


def test_another_formatter_changes_only_what_the_schema_changed(
    tmp_path: Path, formatted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members of a team may have several versions of black, and CI another one."""
    texts = {"a.py": "a  = 1\n", "b.py": "b  = 1\n"}
    write(finish([Draft(tmp_path / "db", "db", ("s",), texts)], silent)[0])
    before = (tmp_path / "db/a.py").read_bytes()
    formatted.clear()
    monkeypatch.setattr(package, "formatter_name", lambda: "another 0.0")
    monkeypatch.setattr(formatting, "format_text", lambda name, text: f"{text}# otherwise\n")
    unchanged = finish([Draft(tmp_path / "db", "db", ("s",), texts)], silent)[0]
    assert make_plan(unchanged).changes == ()
    texts["b.py"] = "b  = 2\n"
    plan = write(finish([Draft(tmp_path / "db", "db", ("s",), texts)], silent)[0])
    assert [change.name for change in plan.changes] == ["b.py", "manifest.json"]
    assert (tmp_path / "db/a.py").read_bytes() == before
    assert "# otherwise" in (tmp_path / "db/b.py").read_text()
    assert '"formatter": "another 0.0"' in (tmp_path / "db/manifest.json").read_text()
