"""make migration-coverage: which changes of which kinds of objects `ormkit migrate new` plans.

Every change of `tests/ormkit/catalog/changes.py` is planned, forward and back, and so is a drop of
each kind of object and part that its database has. What stands in the table is what came out.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ormkit import EmbeddedServer
from ormkit.catalog import Catalog, Fact, compare
from ormkit_gen.diagnostics.refusal import Refusal
from ormkit_gen.drift import objects
from ormkit_gen.drift.parts import changed
from ormkit_gen.drift.shadow import expected_catalog
from ormkit_gen.drift.sides import Sides, kind_and_name
from ormkit_gen.ir import Schema, SqlObject
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.drafting import draft
from tests.ormkit.catalog.changes import BASE, CHANGES
from tests.ormkit_gen.migrations.changes import schema_of

DOCUMENT = Path(__file__).parents[3] / "docs/migrations/coverage.md"
BEGIN, END = "<!-- make migration-coverage -->\n", "<!-- end -->"
ADDED, DROPPED, ALTERED, RENAMED = WAYS = ("added", "dropped", "altered", "renamed")
_FLAG = re.compile(r"--(drop|consent) ([^\s,;]+)")
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
#: What is renamed, in TOML: the schema before, the one after.
_USERS = "[models.User]\ntable = 'users'\n%s\n[models.User.columns]\n"
_USERS += "id = { type = 'bigint', primary_key = true }\n%s\n%s"
RENAMES: dict[tuple[str, str], tuple[str, str]] = {
    ("table", "object"): (
        _USERS % ("", "", ""),
        (_USERS % ("renamed_from = 'User'", "", ""))
        .replace("User]", "Man]")
        .replace("User.", "Man.")
        .replace("'users'", "'men'"),
    ),
    ("table", "column"): (
        _USERS % ("", "a = 'int?'", ""),
        _USERS % ("", "b = { type = 'int?', renamed_from = 'a' }", ""),
    ),
    **{
        ("table", kind): (
            _USERS % ("", "a = 'int?'", f"[[models.User.{part}]]\nname = 'one'\n{text}"),
            _USERS
            % (
                *("", "a = 'int?'"),
                f"[[models.User.{part}]]\nname = 'other'\nrenamed_from = 'one'\n{text}",
            ),
        )
        for kind, part, text in (
            ("constraint", "checks", "expression = 'a > 0'"),
            ("index", "indexes", "columns = ['a']"),
        )
    },
    ("type", "object"): (
        _USERS % ("", "a = 'Mood?'", "[enums.Mood]\nvalues = ['a']"),
        _USERS % ("", "a = 'Temper?'", "[enums.Temper]\nvalues = ['a']\nrenamed_from = 'Mood'"),
    ),
}


@dataclass
class Cells:
    """What came out, by the kinds of the object and of its part, and by the way they change."""

    found: defaultdict[tuple[str, str], defaultdict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    #: Each change that nobody plans, and the reason.
    refused: dict[str, str] = field(default_factory=dict[str, str])
    tried: int = 0

    def table(self, kinds: Iterable[tuple[str, str]]) -> str:
        """Return the table in Markdown, with a row for each of the kinds."""
        lines = [
            "| object | part | added | dropped | altered | renamed |",
            "|---|---|---|---|---|---|",
        ]
        for whole, part in sorted({*kinds, *self.found}):
            ways = self.found.get((whole, part), {})
            cells = ["; ".join(sorted(ways.get(way, ()))) or "·" for way in WAYS]
            lines.append(f"| {whole} | {'' if part == 'object' else part} | {' | '.join(cells)} |")
        lines += ["", f"{self.tried} changes were tried, {len(CHANGES)} of them written by hand."]
        if self.refused:
            lines += ["These are refused or not planned:", ""]
        lines += [f"- `{sql}`: {why}" for sql, why in sorted(self.refused.items())]
        return "\n".join(lines).rstrip() + "\n"


def kinds_of(catalog: Catalog) -> set[tuple[str, str]]:
    """Return the kinds of the facts of a catalog, each with the kind of its object."""
    return {(kind_and_name(fact.object)[0], fact.kind) for fact in catalog}


async def outcome(old: Schema, new: Schema, server: str) -> tuple[str, str]:
    """Return what becomes of a change, and why it is not planned if it is not."""
    drops: set[str] = set()
    consents: set[str] = set()
    while True:
        answers = Answers((), tuple(sorted(drops)), tuple(sorted(consents)))
        try:
            drafts = (await draft(old, new, answers, server)).drafts
        except Refusal as refusal:
            told = [found for each in refusal.diagnostics for found in _FLAG.findall(each.remedy)]
            before = len(drops) + len(consents)
            drops |= {name for flag, name in told if flag == "drop"}
            consents |= {name for flag, name in told if flag == "consent"}
            if len(drops) + len(consents) > before:
                continue
            first = refusal.diagnostics[0]
            return ("not planned" if first.code == "not-planned" else "refused"), first.message
        if not drafts:
            return "no change", ""
        reasons = {each.partition(":")[0] for each in consents}
        words = [f"`--consent {reason}`" for reason in sorted(reasons)] or ["online"]
        return ", ".join(["`--drop`", *words] if drops else words), ""


def schema_of_sql(*sql: str) -> Schema:
    """Return the schema that statements make."""
    text = "\n".join(each.rstrip().rstrip(";") + ";" for each in sql)
    return Schema(models=(), objects=(SqlObject(kind="statement", name="all", text=text),))


async def _expected(server: str, *sql: str) -> Catalog | None:
    try:
        return await expected_catalog([schema_of_sql(*sql)], server)
    except Refusal:
        return None


def drops(catalog: Catalog) -> Iterator[str]:
    """Yield SQL that drops an object of each kind, and a part of each kind."""
    sides = Sides(Catalog((), catalog.server_version), catalog)
    seen: set[tuple[str, str]] = set()
    for fact in catalog:
        kinds = (kind_and_name(fact.object)[0], fact.kind)
        if kinds in seen:
            continue
        seen.add(kinds)
        statements = list(_dropping(fact, sides))
        if statements:
            yield "\n".join(statements)


def _dropping(fact: Fact, sides: Sides) -> Iterator[str]:
    found = objects.dropped(fact, sides) if fact.kind == "object" else changed(None, fact, sides)
    for each in found:
        yield each.sql.replace(" CONCURRENTLY", "")


async def try_all(server: str, cells: Cells, sql: Sequence[str]) -> None:
    """Plan changes in both directions."""
    before = await expected_catalog([schema_of_sql(BASE)], server)
    for each in sql:
        after = await _expected(server, BASE, each)
        if after is None and each.startswith("DROP "):
            each = each.replace(";", " CASCADE;")
            after = await _expected(server, BASE, each)
        if after is None:
            continue
        old, new = schema_of_sql(BASE), schema_of_sql(BASE, each)
        await _try(server, cells, each, (old, new), (before, after))
        await _try(server, cells, f"{each} (back)", (new, old), (after, before))


async def _try(
    server: str,
    cells: Cells,
    name: str,
    schemas: tuple[Schema, Schema],
    catalogs: tuple[Catalog, Catalog],
) -> None:
    differences = compare(catalogs[1], catalogs[0])
    if not differences:
        return
    found, why = await outcome(*schemas, server)
    cells.tried += 1
    if why:
        cells.refused[" ".join(name.split())] = why
    for each in differences:
        kinds = (kind_and_name(each.fact.object)[0], each.fact.kind)
        way = ALTERED if not each.is_one_sided else ADDED if each.found is None else DROPPED
        cells.found[kinds][way].add(found)


async def try_renames(server: str, cells: Cells) -> None:
    """Plan renames of what schema files can rename."""
    for kinds, texts in RENAMES.items():
        old, new = map(schema_of, texts)
        found, why = await outcome(old, new, server)
        cells.tried += 1
        cells.found[kinds][RENAMED].add(found)
        if why:
            cells.refused[f"rename of {' '.join(kinds)}"] = why


async def coverage(server: str) -> str:
    """Return the text of the table."""
    base = await expected_catalog([schema_of_sql(BASE)], server)
    cells = Cells()
    await try_renames(server, cells)
    await try_all(server, cells, [*CHANGES, *drops(base)])
    return cells.table(kinds_of(base))


def main() -> int:
    """Print the table; write it into the documentation where asked to."""
    parser = argparse.ArgumentParser(prog="migration-coverage", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedServer.start(Path(directory) / "data", version=18, settings=_FAST) as server,
    ):
        text = asyncio.run(coverage(server.url))
    print(text)
    if arguments.write:
        before, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
        after = rest.partition(END)[2]
        DOCUMENT.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
