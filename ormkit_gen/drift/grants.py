"""ALTER ... OWNER, GRANT and REVOKE: what gives an object the owner and the rights of a fact."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ormkit.catalog import Fact
from ormkit_gen.drift.sides import Sides, beside, keyword, kind_and_name
from ormkit_gen.drift.statement import Stage, Statement

_OPTION = " WITH GRANT OPTION"
_ROLE = re.compile(r'("(?:[^"]|"")+"|[^ (]+)(?: \((sequence )?(.+)\))?')
_DEFAULTS = re.compile(r'rights of ("(?:[^"]|"")+"|[^ ]+)(?: in (.+))?')
_OF_DEFAULTS = re.compile(r"on (.+?) to (.+)")
#: The rights that everybody has on a new object, by its kind.
_USUAL = {
    **dict.fromkeys(("function", "procedure", "aggregate", "functions"), "EXECUTE"),
    **dict.fromkeys(("type", "domain", "language", "schema public", "types"), "USAGE"),
}
#: How GRANT calls the kinds of objects that it does not call as ALTER does.
_WORDS = {
    **dict.fromkeys(("view", "materialized view", "foreign table"), "TABLE"),
    "aggregate": "FUNCTION",
    "server": "FOREIGN SERVER",
}


def rights_changed(expected: Fact | None, found: Fact | None, sides: Sides) -> Iterator[Statement]:
    """Yield the statements that give an object the expected owner or rights.

    Where no owner is expected, there is nothing to say.
    """
    fact = expected or found
    assert fact is not None
    kind, name = kind_and_name(fact.object)
    if fact.kind == "owner":
        if expected is not None:
            yield _owned(kind, name, expected.definition)
        return
    if kind == "default":
        of = _OF_DEFAULTS.fullmatch(fact.name)
        whose = _DEFAULTS.fullmatch(name)
        assert of is not None
        assert whose is not None
        where = f" IN SCHEMA {whose[2]}" if whose[2] else ""
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {whose[1]}{where} "
        # In a schema, default rights come in addition to the usual ones.
        usual = "" if where else _usual(of[1], of[2], whose[1])
        yield from _granted(expected, found, usual, head, "", of[1].upper(), of[2])
        return
    role = _ROLE.fullmatch(fact.name)
    assert role is not None
    owner = sides.wanted.get((fact.object, "owner", ""))
    usual = _usual(_key(kind, name), role[1], owner.definition if owner else None)
    columns, target = "", f"{_WORDS.get(kind, keyword(kind))} {name}"
    if role[2]:
        target = f"SEQUENCE {beside(name, role[3])}"
    elif role[3]:
        columns, usual = f" ({role[3]})", ""
    yield from _granted(expected, found, usual, "", columns, target, role[1])


def _owned(kind: str, name: str, owner: str) -> Statement:
    if kind == "aggregate" and name.endswith("()"):
        name = f"{name[:-2]}(*)"
    return Statement(Stage.OWNERS, f"ALTER {keyword(kind)} {name} OWNER TO {owner};")


def _key(kind: str, name: str) -> str:
    """Return the kind of an object in _USUAL: one schema is not like the others."""
    return "schema public" if (kind, name) == ("schema", "public") else kind


def _usual(kind: str, role: str, owner: str | None) -> str:
    """Return what a role may do with an object on which nobody has granted or revoked anything."""
    if role == "PUBLIC":
        return _USUAL.get(kind, "")
    return "ALL" if role == owner else ""


def _granted(
    expected: Fact | None,
    found: Fact | None,
    usual: str,
    head: str,
    columns: str,
    target: str,
    role: str,
) -> Iterator[Statement]:
    """Yield REVOKE of what is too much, and GRANT of what is missing."""
    wanted, there = (
        _rights(usual if each is None else each.definition) for each in (expected, found)
    )
    if "ALL" in there:
        yield Statement(Stage.GRANTS, f"{head}REVOKE ALL ON {target} FROM {role};")
        there = {}
    for right, option in there.items():
        if right not in wanted and "ALL" not in wanted:
            yield Statement(Stage.GRANTS, f"{head}REVOKE {right}{columns} ON {target} FROM {role};")
        elif option and not wanted.get(right):
            revoked = f"GRANT OPTION FOR {right}{columns}"
            yield Statement(Stage.GRANTS, f"{head}REVOKE {revoked} ON {target} FROM {role};")
    for right, option in wanted.items():
        if there.get(right, "none") != option and not there.get(right):
            granted = f"{head}GRANT {right}{columns} ON {target} TO {role}{option};"
            yield Statement(Stage.GRANTS, granted)


def _rights(text: str) -> dict[str, str]:
    """Return rights, each with the words that let a role grant it to others, or none."""
    return dict(map(right_and_option, filter(None, text.split(", "))))


def right_and_option(text: str) -> tuple[str, str]:
    """Return a right, and the words that let a role grant it to others, or none."""
    right = text.removesuffix(_OPTION)
    return right, text[len(right) :]
