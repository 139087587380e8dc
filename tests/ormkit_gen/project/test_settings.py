"""The settings file: where it is found, and what is said about every mistake in it."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import quote

import pytest

from ormkit_gen.diagnostics.diagnostic import MAX_PROBLEMS, Diagnostic
from ormkit_gen.project.settings import Settings, SettingsError, find_settings, read_settings
from ormkit_gen.project.targets import MAX_FILES, MAX_TARGETS

SECTION = '[[tool.ormkit.targets]]\nschemas = ["schemas/*.toml"]\noutput = "app/db"\n'
OWN = '[[targets]]\nschemas = ["schemas/*.toml"]\noutput = "app/db"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with two schema files."""
    (tmp_path / "schemas").mkdir()
    for name in ("blog.toml", "shop.toml", "types.py", "notes.md"):
        (tmp_path / "schemas" / name).touch()
    return tmp_path


def read(root: Path, text: str) -> Settings:
    (root / "ormkit.toml").write_text(text)
    return read_settings(root / "ormkit.toml")


def problems(root: Path, text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SettingsError) as caught:
        read(root, text)
    return caught.value.diagnostics


def target(schemas: str = '["schemas/*.toml"]', output: str = '"app/db"') -> str:
    return f"[[targets]]\nschemas = {schemas}\noutput = {output}\n"


@pytest.mark.parametrize(("name", "text"), [("pyproject.toml", SECTION), ("ormkit.toml", OWN)])
def test_settings_are_found_above(root: Path, name: str, text: str) -> None:
    """From any directory below; paths start from the file's own directory."""
    (root / name).write_text(text)
    (root / "deep" / "down").mkdir(parents=True)
    settings = read_settings(find_settings(root / "deep" / "down"))
    assert settings.root == root
    (only,) = settings.targets
    assert only.label == "app/db"
    assert only.output == root / "app/db"
    assert only.schemas == (root / "schemas/blog.toml", root / "schemas/shop.toml")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("embedded://.pgdata", "embedded://{}/.pgdata"),
        ("embedded://.pgdata?dbname=app", "embedded://{}/.pgdata?dbname=app"),
        ("embedded:///var/pg", "embedded:///var/pg"),
        ("embedded://~/pg", "embedded://~/pg"),
        ("postgresql://localhost/app", "postgresql://localhost/app"),
    ],
)
def test_an_embedded_server_is_below_the_settings_file(root: Path, given: str, found: str) -> None:
    """From any directory: another one below it would be another database."""
    settings = read(root, f'database = "{given}"\nshadow = "{given}"\n{OWN}')
    expected = found.format(quote(str(root)))
    assert (settings.database, settings.shadow) == (expected, expected)


def test_a_pyproject_without_a_section_is_passed_over(root: Path) -> None:
    (root / "ormkit.toml").write_text(OWN)
    (root / "inner").mkdir()
    (root / "inner/pyproject.toml").write_text("[tool.black]\nline-length = 100\n")
    assert find_settings(root / "inner") == root / "ormkit.toml"


def test_without_any_file_the_way_to_begin_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        find_settings(tmp_path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "no-settings"
    assert str(tmp_path) in diagnostic.message
    assert "ormkit init" in diagnostic.remedy


def test_two_settings_files_in_one_directory_are_refused(root: Path) -> None:
    (root / "pyproject.toml").write_text(SECTION)
    (root / "ormkit.toml").write_text(OWN)
    with pytest.raises(SettingsError) as caught:
        find_settings(root)
    assert caught.value.diagnostics[0].code == "two-settings"


def test_several_targets_are_read_in_their_order(root: Path) -> None:
    text = target(output='"b/db"') + target('["schemas/types.py"]', '"a/db"')
    assert [each.label for each in read(root, text).targets] == ["b/db", "a/db"]


def test_files_with_sql_are_found_and_may_be_missing(root: Path) -> None:
    text = target() + 'sql = ["sql/**/*.sql", "sql/view/*"]\n'
    assert read(root, text).targets[0].sql == ()
    (root / "sql/view").mkdir(parents=True)
    for name in ("a.sql", "b.sql", "notes.md"):
        (root / "sql/view" / name).write_text("SELECT 1;")
    assert [each.name for each in read(root, text).targets[0].sql] == ["a.sql", "b.sql"]


def test_a_file_that_two_patterns_match_is_read_once(root: Path) -> None:
    (only,) = read(root, target('["schemas/blog.toml", "schemas/*", "**/*.toml"]')).targets
    assert [path.name for path in only.schemas] == ["blog.toml", "shop.toml", "types.py"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("targets = 3", "no-targets", "names no targets"),
        ("", "no-targets", "names no targets"),
        ("targets = [3]", "bad-target", "a target is a table"),
        (target() + "colour = 1", "unknown-setting", "no setting 'colour'"),
        ("extra = 1\n" + target(), "unknown-setting", "no setting 'extra'"),
        (target(schemas="[]"), "bad-schemas", "a list of strings"),
        (target(schemas='"schemas/blog.toml"'), "bad-schemas", "a list of strings"),
        (target(schemas="[1]"), "bad-schemas", "a list of strings"),
        ('[[targets]]\noutput = "db"', "bad-schemas", "a list of strings"),
        (target(schemas='["schemas/none.toml"]'), "no-schema-file", "'schemas/none.toml'"),
        (target(schemas='["schemas/notes.md"]'), "no-schema-file", "'schemas/notes.md'"),
        (target(schemas='["../*.toml"]'), "path-outside", "'../*.toml'"),
        (target(schemas='["/etc/*.toml"]'), "path-outside", "'/etc/*.toml'"),
        (target(schemas='[""]'), "path-outside", "''"),
        (target() + "sql = 'sql'", "bad-schemas", "a list of strings"),
        (target() + "sql = ['../sql/*.sql']", "path-outside", "'../sql/*.sql'"),
        ('[[targets]]\nschemas = ["schemas/*.toml"]', "bad-output", "in 'output'"),
        (target(output="3"), "bad-output", "in 'output'"),
        (target(output='""'), "bad-output", "in 'output'"),
        (target(output='"."'), "path-outside", "'.'"),
        (target(output='"../db"'), "path-outside", "'../db'"),
        (target(output='"app/../../db"'), "path-outside", "'app/../../db'"),
        (target(output='"/tmp/db"'), "path-outside", "'/tmp/db'"),
        (target(output="'C:\\db'"), "path-outside", "'C:\\db'"),
        (target(output='"my-db"'), "bad-output", "'my-db'"),
        (target(output='"app/class"'), "bad-output", "'class'"),
        (target(output='"schemas/notes.md/db"'), "bad-output", "is a file"),
        (target() + target(), "outputs-overlap", "'app/db' and 'app/db'"),
        (target() + target(output='"app/db/inner"'), "outputs-overlap", "'app/db/inner'"),
        (target() + target(output='"app/DB"'), "outputs-overlap", "'app/DB'"),
        ("targets = [", "broken-toml", ""),
    ],
)
def test_every_mistake_is_named_with_a_remedy(
    root: Path, text: str, code: str, message: str
) -> None:
    (diagnostic,) = problems(root, text)
    assert diagnostic.code == code
    assert message in diagnostic.message
    assert diagnostic.remedy


def test_all_mistakes_are_named_at_once(root: Path) -> None:
    text = target(schemas='["none/*.toml"]', output='"my-db"') + "outptu = 1\n" + target("3")
    assert [item.code for item in problems(root, text)] == [
        "unknown-setting",
        "no-schema-file",
        "bad-output",
        "bad-schemas",
    ]


def test_a_misspelt_setting_is_recognised(root: Path) -> None:
    (diagnostic,) = problems(root, target() + "output_dir = 1\n")
    assert diagnostic.remedy == "did you mean 'output'?"


def test_a_mistake_is_shown_at_its_place(root: Path) -> None:
    text = "# a comment\n" + target(output='"my-db"') + "# between\n" + target() + "colour = 1\n"
    places = [(item.at.file, item.at.line) for item in problems(root, text) if item.at]
    assert places == [("ormkit.toml", 4), ("ormkit.toml", 9)]


def test_a_mistake_in_pyproject_is_shown_at_its_place(root: Path) -> None:
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n\n" + SECTION + "colour = 1\n")
    with pytest.raises(SettingsError) as caught:
        read_settings(root / "pyproject.toml")
    at = caught.value.diagnostics[0].at
    assert at is not None
    assert (at.file, at.line, at.column) == ("pyproject.toml", 7, 1)


def test_broken_toml_is_shown_at_its_place(root: Path) -> None:
    at = problems(root, "a = 1\nb = = 2\n")[0].at
    assert at is not None
    assert (at.line, at.column) == (2, 5)


def test_a_file_that_cannot_be_read_is_named(root: Path) -> None:
    (root / "ormkit.toml").write_bytes(b"\xff\xfe")
    for file, text in (("ormkit.toml", "is not UTF-8"), ("none.toml", "cannot read")):
        with pytest.raises(SettingsError) as caught:
            read_settings(root / file)
        assert text in caught.value.diagnostics[0].message


def test_a_pattern_that_matches_too_many_files_is_refused_at_once(root: Path) -> None:
    for number in range(MAX_FILES + 1):
        (root / f"schemas/s{number}.toml").touch()
    (found,) = problems(root, target())
    assert found.code == "too-many-schema-files"
    assert found.message == "more than 1,000 schema files match 'schemas/*.toml'"
    assert found.remedy == "name a narrower path"
    assert found.at is not None
    assert (found.at.line, found.at.column) == (2, 11)


def test_links_in_a_circle_lead_to_each_schema_once(root: Path) -> None:
    """Two links in each directory are two to the power of the pattern's levels of paths."""
    for name in ("up", "back"):
        (root / "schemas" / name).symlink_to("..")
    (root / "schemas/same.toml").symlink_to("blog.toml")
    (root / "schemas/itself.toml").symlink_to("itself.toml")
    patterns = ["schemas/*.toml", "schemas/*/schemas/*/schemas/*.toml", "**/*.toml"]
    (read_target,) = read(root, target(str(patterns).replace("'", '"'))).targets
    assert [file.resolve().name for file in read_target.schemas] == ["blog.toml", "shop.toml"]
    started = time.monotonic()
    (found,) = problems(root, target(f'["{"*/" * 15}none.toml"]'))
    assert found.code == "no-schema-file"
    assert time.monotonic() - started < 30


def test_a_pattern_of_too_many_levels_is_refused(root: Path) -> None:
    (found,) = problems(root, target(f'["{"*/" * 40}none.toml"]'))
    assert (found.code, found.remedy) == ("bad-schemas", "write ** for any number of them")
    assert found.message.endswith("has more than 16 levels")


def test_too_many_targets_are_refused_before_any_is_read(root: Path) -> None:
    (found,) = problems(root, "[[targets]]\nschemas = 1\n" * (MAX_TARGETS + 1))
    assert (found.code, found.message) == ("too-many-targets", "there are more than 200 targets")


def test_too_many_mistakes_are_told_up_to_a_number(root: Path) -> None:
    found = problems(root, OWN + "".join(f"key{number} = 1\n" for number in range(MAX_PROBLEMS)))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1].code == "too-many-problems"
