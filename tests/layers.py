"""The rooms of both packages, and the arrows between them: `python -m tests.layers`.

A room is a folder of `runtime/ormkit` or `ormkit_gen`, or a module at the root of one. An arrow is
an import, those for type checkers only included. It points down where it leads to a lower floor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.imports import imports_of

ROOT = Path(__file__).parents[1]

#: The floors of the runtime from the bottom up: a room imports from lower floors only.
FLOORS = (
    ("_version", "_accelerator", "other_names"),
    ("accelerator", "errors", "hints"),
    ("postgres",),
    ("connecting", "sql"),
    ("driver", "models"),
    ("events", "embedded", "shapes"),
    ("pool",),
    ("statements",),
    ("loading",),
    ("persistence",),
    ("queries",),
    ("transactions",),
    ("engine",),
    ("session", "catalog"),
    ("migrations", "testing", "integrations"),
    ("fastapi", "litestar", "msgspec"),
    ("__init__",),
)
#: Those of the generator.
GENERATOR_FLOORS = (
    ("version", "postgres", "filesystem", "spellings"),
    ("declarations",),
    ("declarative",),
    ("ir",),
    ("diagnostics", "ddl"),
    ("schema",),
    ("rendering", "formatting", "documenting"),
    ("output",),
    ("project",),
    ("generation", "drift", "json_schema"),
    ("pull", "migrations"),
    ("cli",),
    ("__main__", "__init__"),
)


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """One import of a module by another; both named from the package on, as `driver.errors`."""

    source: str
    target: str
    is_typing_only: bool = False

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms of both ends."""
        return room_of(self.source), room_of(self.target)

    @property
    def is_within(self) -> bool:
        """True where both ends are in one room."""
        source, target = self.rooms
        return source == target


def room_of(module: str) -> str:
    """Return the room of a module: its folder, or itself at the root."""
    return module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class House:
    """A package in rooms."""

    package: str
    root: Path
    floors: tuple[tuple[str, ...], ...]
    #: Modules that are no Python, by their names.
    stubs: Mapping[str, str] = field(default_factory=dict[str, str])

    def floor_of(self, room: str) -> int:
        """Return the number of a room's floor, from 0; KeyError for a room that is not known."""
        for number, rooms in enumerate(self.floors):
            if room in rooms:
                return number
        raise KeyError(f"{room} has no floor: add it to the floors of {self.package}")

    def modules(self) -> dict[str, Path]:
        """Return every module by its name from the package on."""
        found = {self._name(file): file for file in sorted(self.root.rglob("*.py"))}
        return {**found, **{name: self.root / file for name, file in self.stubs.items()}}

    def arrows(self) -> list[Arrow]:
        """Return every import of one module by another."""
        known = self.modules()
        found = {each for name, file in known.items() for each in self._from(name, file, known)}
        return sorted(found)

    def arrows_up(self) -> list[Arrow]:
        """Return those that lead to another room of their own floor or of a higher one."""
        return [arrow for arrow in self.arrows() if self._is_up(*arrow.rooms)]

    def _is_up(self, source: str, target: str) -> bool:
        return source != target and self.floor_of(target) >= self.floor_of(source)

    def _name(self, file: Path) -> str:
        parts = file.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)

    def _from(self, name: str, file: Path, known: Mapping[str, Path]) -> Iterator[Arrow]:
        if file.suffix != ".py":
            return
        package = ".".join((self.package, *file.relative_to(self.root).parts[:-1]))
        for each in imports_of(file, package):
            if each.module != self.package and not each.module.startswith(f"{self.package}."):
                continue
            module = each.module.removeprefix(self.package).removeprefix(".")
            inner = {f"{module}.{taken}".removeprefix(".") for taken in each.names} & known.keys()
            for target in inner or {module or "__init__"}:
                if target != name:
                    yield Arrow(name, target, each.is_typing_only)


RUNTIME = House("ormkit", ROOT / "runtime/ormkit", FLOORS, {"_accelerator": "_accelerator.pyi"})
GENERATOR = House("ormkit_gen", ROOT / "ormkit_gen", GENERATOR_FLOORS)


def circles(pairs: Iterable[tuple[str, str]]) -> list[set[str]]:
    """Return the groups in which each member reaches every other one along the arrows."""
    graph: dict[str, set[str]] = {}
    for source, target in pairs:
        graph.setdefault(source, set()).add(target)
        graph.setdefault(target, set())
    reached = {each: _reachable(each, graph) for each in graph}
    groups = {
        frozenset(other for other in reached[each] if each in reached[other])
        for each in graph
        if each in reached[each]
    }
    return sorted((set(group) for group in groups), key=sorted)


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        fresh = graph[waiting.pop()] - found
        found |= fresh
        waiting += fresh
    return found


def main() -> None:
    """Print the floors of both packages, and how many arrows lead where."""
    for house in (RUNTIME, GENERATOR):
        print(f"{house.root.relative_to(ROOT)}/")
        show(house)
        print()


def show(house: House) -> None:
    """Print the floors of a package, and its arrows."""
    found = house.arrows()
    between = {arrow.rooms for arrow in found if not arrow.is_within}
    for number, rooms in reversed(list(enumerate(house.floors))):
        print(f"{number:2}  {', '.join(rooms)}")
    sizes = Counter(map(room_of, house.modules()))
    entries = [path for path in house.root.iterdir() if _counts(path)]
    print(f"\n{len(house.modules())} modules, at most {max(sizes.values())} in a room")
    print(f"{len(entries)} entries at the root")
    print(f"{len(found)} imports, {len(between)} arrows between rooms")
    up = house.arrows_up()
    print(f"{len(up)} imports up")
    for arrow in up:
        print(f"    {arrow.source} -> {arrow.target}{' (typing only)' * arrow.is_typing_only}")
    rooms_in_circles = circles(between)
    print(f"{len(rooms_in_circles)} circles of rooms")
    for group in rooms_in_circles:
        print(f"    {', '.join(sorted(group))}")
    inside = circles((arrow.source, arrow.target) for arrow in found)
    print(f"{len(inside)} circles of modules")
    for group in inside:
        print(f"    {', '.join(sorted(group))}")


def _counts(path: Path) -> bool:
    """Tell whether it is a room or a module beside the package's own files and the accelerator."""
    if path.is_dir():
        return path.name != "__pycache__"
    return path.suffix == ".py" and path.stem not in ("__init__", "_version", "accelerator")


if __name__ == "__main__":
    main()
