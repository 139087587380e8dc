"""The file of owners and grants: written for a database, and edited where this has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Set

from ormkit.catalog import Fact
from ormkit_gen.drift.rights import DEFAULTS, OWNER, PUBLIC, Rights
from ormkit_gen.pull.toml_editor import TomlEditor
from ormkit_gen.pull.toml_text import assignment, key

_HEAD = """\
# Owners and grants, which `ormkit check` and `ormkit diff` compare. `ormkit pull` edits them.
"""
#: Whoever owns the database owns its schema `public`, unless somebody has changed that.
_USUAL_OWNER = Fact(PUBLIC, OWNER, "", "pg_database_owner")


def rights_text(facts: Iterable[Fact], scope: Set[str], before: Rights | None, content: str) -> str:
    """Return the text of the file.

    facts: all owners and grants of the database.
    scope: the objects that are described; what the file says of others stays.
    before: what the file says now, with its text; None writes a new one.
    """
    facts = [fact for fact in facts if fact != _USUAL_OWNER]
    there = {fact.object for fact in facts}
    found = [fact for fact in facts if fact.object in scope or fact.object.startswith(DEFAULTS)]
    owner = _most_common(found) if before is None else before.owner
    said = {fact.key: fact for fact in found if not _is_implied(fact, owner)}
    if before is None:
        return _HEAD + _new(said.values(), owner)
    editor = TomlEditor(content)
    known = {fact.key: fact for fact in before.facts}
    for fact in before.facts:
        is_here = fact.object in scope or fact.object not in there
        if is_here and fact.key not in said:
            editor.delete(_path(fact))
    for fact in said.values():
        if known.get(fact.key) != fact:
            editor.set(_path(fact), fact.definition)
    return editor.text


def _is_implied(fact: Fact, owner: str | None) -> bool:
    return fact.kind == OWNER and fact.object != PUBLIC and fact.definition == owner


def _most_common(facts: Iterable[Fact]) -> str | None:
    owners = Counter(fact.definition for fact in facts if fact.kind == OWNER)
    return owners.most_common(1)[0][0] if owners else None


def _path(fact: Fact) -> tuple[str, ...]:
    return (fact.object, OWNER) if fact.kind == OWNER else (fact.object, "grants", fact.name)


def _new(facts: Iterable[Fact], owner: str | None) -> str:
    """Return the text for the facts, which are in the order of their objects."""
    text = assignment(OWNER, owner) if owner else ""
    by_object: dict[str, list[Fact]] = {}
    for fact in facts:
        by_object.setdefault(fact.object, []).append(fact)
    for whole, own in sorted(by_object.items()):
        owners = [assignment(OWNER, fact.definition) for fact in own if fact.kind == OWNER]
        grants = [assignment(fact.name, fact.definition) for fact in own if fact.kind != OWNER]
        if owners:
            text += f"\n[{key(whole)}]\n{owners[0]}"
        if grants:
            text += f"\n[{key(whole)}.grants]\n{''.join(sorted(grants))}"
    return text
