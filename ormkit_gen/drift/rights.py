"""Owners and grants as a file of the project records them, to compare them with a database's.

They are texts, and are never built on the shadow: its server has other roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ormkit.catalog import RIGHTS, Catalog, Fact
from ormkit_gen.diagnostics.diagnostic import Diagnostic, Problems, did_you_mean
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.grants import right_and_option
from ormkit_gen.ir import Position
from ormkit_gen.schema.document import Document, is_table
from ormkit_gen.schema.toml_reader import read_toml

#: The key of the owner of every object that has no owner of its own in the file.
OWNER = "owner"
#: What somebody may do with an object.
PRIVILEGES = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"),
    *("USAGE", "CREATE", "EXECUTE"),
)
#: Its owner is no decision of the project, unless the file says so.
PUBLIC = "schema public"
#: How the objects are called that are rights on objects to come.
DEFAULTS = "default rights of "
_EXAMPLE = 'write reader = "SELECT, UPDATE" or owner = "app"'


@dataclass(frozen=True, slots=True)
class Rights:
    """The owners and grants of the objects of a database."""

    #: The owner of all objects that have no other one, as PostgreSQL prints it.
    owner: str | None
    facts: tuple[Fact, ...]
    #: Where the file says them: by object and name of the grant, or by object.
    places: Mapping[tuple[str, str], Position]

    @property
    def objects(self) -> frozenset[str]:
        """The objects that the file names."""
        return frozenset(fact.object for fact in self.facts)

    def place(self, fact: Fact) -> Position | None:
        """Return where the file says something about an owner or a grant."""
        if fact.kind not in RIGHTS:
            return None
        return self.places.get((fact.object, fact.name)) or self.places.get((fact.object, ""))

    def beside(self, wanted: Catalog, found: Catalog) -> tuple[Catalog, Catalog]:
        """Return two catalogs with what is to be compared of owners and grants.

        What no object of the schema has, and the file does not name, is left out.
        """
        named, live = self.objects, frozenset(f.object for f in found if f.kind in RIGHTS)
        defaults = {each for each in (*live, *named) if each.startswith(DEFAULTS)}
        wholes = [Fact(each, "object", "", "") for each in defaults]
        managed = wanted.objects | named | defaults
        there = (f for f in found if f.kind not in RIGHTS or f.object in managed)
        recorded = (f for f in self.facts if f.object in live | wanted.objects | defaults)
        both = [*wanted, *wholes, *recorded, *self._other_owners(wanted, found)]
        return (
            Catalog(both, wanted.server_version),
            Catalog((*there, *wholes), found.server_version),
        )

    def _other_owners(self, wanted: Catalog, found: Catalog) -> Iterator[Fact]:
        """Yield the owners of objects of which the file says none."""
        said = {fact.object for fact in self.facts if fact.kind == "owner"}
        others = (wanted.objects | self.objects) - said
        for fact in found:
            if fact.kind == "owner" and fact.object in others:
                is_free = self.owner is None or fact.object == PUBLIC
                owner = fact.definition if is_free else str(self.owner)
                yield Fact(fact.object, "owner", "", owner)

    def unknown(self, wanted: Catalog, found: Catalog) -> Iterator[Diagnostic]:
        """Yield a problem for each object that neither catalog has."""
        known = wanted.objects | found.objects
        for each in sorted(self.objects - known):
            if not each.startswith(DEFAULTS):
                message = f"neither the database nor the schema files have '{each}'"
                remedy = did_you_mean(each, sorted(known))
                at = self.places.get((each, ""))
                yield Diagnostic("error", "unknown-object", message, remedy, at)


def read_rights(files: Iterable[Path], root: Path) -> Rights | None:
    """Return what files record; None where there is no file.

    Raises:
        Refusal: A file is missing, or has mistakes.
    """
    found = [_read(file, root) for file in files]
    if not found:
        return None
    return Rights(
        next((each.owner for each in found if each.owner is not None), None),
        tuple(fact for each in found for fact in each.facts),
        {key: at for each in found for key, at in each.places.items()},
    )


def _read(file: Path, root: Path) -> Rights:
    name = file.relative_to(root).as_posix()
    if not file.exists():
        message = f"there is no file {name}, which the setting `rights` names"
        raise Refusal(problem("no-rights", message, "let `ormkit pull` write it"))
    problems = Problems()
    document = read_toml(file, name, problems)
    if document is None:
        raise Refusal(*problems.found)
    reader = _Reader(document, problems)
    rights = reader.read()
    if problems.has_errors:
        raise Refusal(*problems.in_order())
    return rights


class _Reader:
    """Reads one file, and collects its problems."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems
        self._facts: list[Fact] = []
        self._places: dict[tuple[str, str], Position] = {}
        self._owner: str | None = None

    def read(self) -> Rights:
        for key, value in self._document.data.items():
            if key == OWNER:
                self._owner = self._text((key,), value)
            elif is_table(value):
                self._object(key, value)
            else:
                self._wrong((key,), f"'{key}' is no table of an object")
        return Rights(self._owner, tuple(self._facts), self._places)

    def _object(self, whole: str, table: Mapping[str, Any]) -> None:
        self._places[whole, ""] = self._document.key_at((whole,))
        for key, value in table.items():
            path = (whole, key)
            if key == OWNER:
                self._fact(whole, "owner", "", self._text(path, value))
            elif key == "grants" and is_table(value):
                for role, rights in value.items():
                    self._grant((*path, role), whole, role, rights)
            else:
                self._wrong(path, f"'{whole}' has owner and grants, and no '{key}'")

    def _grant(self, path: tuple[str, ...], whole: str, role: str, value: object) -> None:
        text = value if value == "" else self._text(path, value)
        if text is not None:
            words = sorted(filter(None, (each.strip() for each in str(text).split(","))))
            for each in words:
                right, _ = right_and_option(each)
                if right not in PRIVILEGES:
                    remedy = did_you_mean(right, PRIVILEGES)
                    self._wrong(path, f"there is no right '{right}'", remedy)
            self._places[whole, role] = self._document.key_at(path)
            self._fact(whole, "grant", role, ", ".join(words))

    def _fact(self, whole: str, kind: str, name: str, text: str | None) -> None:
        if text is not None:
            self._facts.append(Fact(whole, kind, name, text))

    def _text(self, path: tuple[str, ...], value: object) -> str | None:
        if isinstance(value, str) and value:
            return value
        self._wrong(path, f"'{path[-1]}' must be a text")
        return None

    def _wrong(self, path: tuple[str, ...], message: str, remedy: str = _EXAMPLE) -> None:
        self._problems.error("wrong-right", message, remedy, self._document.key_at(path))
