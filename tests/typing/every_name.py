"""Every name at every place: two packages of models, which must import and pass all six checkers.

`python -m tests.typing.every_name` generates them, uses each column by its name on a database, runs
the checkers, and prints how many names were tried at each place. With `--write` the table goes into
docs/typing.md. It takes up to an hour. tests/ormkit_gen/rendering/test_own_names.py is the short
form.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import json
import keyword
import sys
import tempfile
import typing
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typing_extensions

import ormkit
from ormkit import AsyncSession, Q, create_engine
from ormkit.testing.factories import Factory, sample
from ormkit_gen.rendering.dto import LIBRARIES
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from ormkit_gen.schema.names import RESERVED_CLASSES, attribute_name, is_attribute, is_class_name
from ormkit_gen.schema.naming import module_name
from tests.generated import import_models
from tests.typing.checkers import CHECKERS, reported

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/typing.md"
BEGIN, END = "<!-- every name -->\n", "<!-- /every name -->"
#: Modules whose public names an application may see.
MODULES = (
    *("ormkit", "ormkit.testing", "ormkit.fastapi", "ormkit.litestar", "ormkit.catalog"),
    *("ormkit.models.hooks", "ormkit.testing.factories", "ormkit_gen.declarative"),
)
#: Names that generated code derives from the name of a model.
DERIVED = (
    *("Partial{}", "{}Query", "{}Filter", "{}Values", "{}Given", "{}Name", "{}Path", "{}Order"),
    *("{}Relation", "{}Base", "{}Create", "{}Update", "{}Read", "{}Methods"),
)
#: Names that the schemas below need themselves.
OWN = {"Kind", "Words", "Plain", "pk"}
TYPES = (
    *("bigint?", "text?", "numeric?", "timestamptz?", "boolean?", "jsonb?", "text[]?", "Kind?"),
    *("interval?", "uuid?", "int4range?", "bytea?", "double precision?", "date?", "Plain?"),
)
WIDTH = 60


def words() -> set[str]:
    """Return the names: exported, built in, reserved, and those that generated code consists of."""
    found: set[str] = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, *typing.__all__}
    extended: list[str] = typing_extensions.__all__
    found |= {*extended, *dir(object), *dir(type)}
    for name in MODULES:
        module = import_module(name)
        public = [each for each in dir(module) if not each.startswith("_")]
        found |= {*getattr(module, "__all__", public)}
    for path in (ROOT / "examples").glob("*/db/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for field in ("id", "arg", "attr", "name", "asname", "module"):
                found |= {*str(getattr(node, field, None) or "").split(".")}
    return {*filter(None, found | parameters())} - OWN


def parameters() -> set[str]:
    """Return the attributes of the exported classes, and the parameters of all that is exported."""
    found: set[str] = set()
    for name in ormkit.__all__:
        value = getattr(ormkit, name)
        members = [value]
        if isinstance(value, type):
            found |= {*dir(value)}
            members += [inspect.getattr_static(value, each, None) for each in dir(value)]
        for member in members:
            try:
                found |= {*inspect.signature(member).parameters}
            except (TypeError, ValueError):
                continue
    return found


def distinct(names: Iterable[str], made: Callable[[str], str]) -> list[str]:
    """Return the first name of those that become the same in Python."""
    return sorted({made(name): name for name in sorted(names, reverse=True)}.values())


def parts(names: list[str], width: int = WIDTH) -> Iterator[tuple[int, list[str]]]:
    for start in range(0, len(names), width):
        yield start, names[start : start + width]


def model(name: str, lines: Iterable[str], settings: str = "") -> str:
    key = 'pk = { type = "bigint", primary_key = true }'
    return "\n".join([f"[models.{name}]", settings, f"[models.{name}.columns]", key, *lines, ""])


class Names:
    """The names for each place, and the schemas that have them there."""

    def __init__(self) -> None:
        every = words()
        self.attributes = distinct(filter(is_attribute, every), attribute_name)
        self.others = sorted(each for each in every if not is_attribute(each))
        camel = {"".join(map(str.capitalize, each.split("_"))) for each in self.attributes}
        derived = {each.format(of) for each in DERIVED for of in ("User", "Order", "Item")}
        usable = {*filter(is_class_name, every | camel | derived)} - RESERVED_CLASSES - OWN
        self.classes = distinct(usable, lambda each: module_name(each).casefold())
        self.labels = sorted(every)
        self.wide = [f"Wide{start}" for start, _ in parts(self.attributes)]

    def counts(self) -> dict[str, int]:
        """Return how many names there are, by place."""
        attributes = len(self.attributes)
        return {
            "column": attributes,
            "column in PostgreSQL only (dunders and others)": len(self.others),
            "relationship to one": attributes,
            "relationship to many": attributes,
            "computed attribute": attributes,
            "model, its module and its table": len(self.classes),
            "enum": len(self.classes),
            "label of an enum": len(self.labels),
            "domain": attributes,
            "index": attributes,
            "field of a class for input": attributes,
        }

    def models(self) -> str:
        """Return the schema with models, columns, relationships and computed attributes."""
        labels = ", ".join(map(json.dumps, self.labels))
        text = [f'[enums]\nKind = ["a", "str", "class"]\nWords = [{labels}]\n[domains.Plain]']
        text.append('type = "text"')
        for start, names in parts(self.attributes):
            columns = [f'{each} = "{TYPES[n % len(TYPES)]}"' for n, each in enumerate(names)]
            indexes = [
                f"[[models.Wide{start}.indexes]]\ncolumns = ['pk']\nname = {json.dumps(f'{n}!')}"
                for n in names
            ]
            text += [model(f"Wide{start}", columns), *indexes]
        for start, names in parts(self.others):
            columns = [
                f"c{n} = {{ type = 'text?', column = {json.dumps(each)} }}"
                for n, each in enumerate(names)
            ]
            text.append(model(f"Other{start}", columns))
        for start, names in parts(self.attributes, 200):
            text += self._related(start, names)
        for each in self.classes:
            table = f"table = {json.dumps(each)}"
            text.append(model(each, ['name = "text?"', 'kind = "Kind?"'], table))
        return "\n".join(text)

    def _related(self, start: int, names: list[str]) -> Iterator[str]:
        to = f"foreign_key = 'holder_fk', target = 'Holder{start}', many = true"
        many = [f"{each} = {{ {to} }}" for each in names]
        yield model(f"Target{start}", [f"[models.Target{start}.relationships]", *many])
        key = f"holder_fk = {{ type = 'bigint?', foreign_key = 'target{start}.pk' }}"
        to = f"foreign_key = 'holder_fk', target = 'Target{start}', many = false"
        one = [f"{each} = {{ {to} }}" for each in names]
        yield model(f"Holder{start}", [key, f"[models.Holder{start}.relationships]", *one])
        counted = [f"{each} = {{ type = 'bigint', expression = '1' }}" for each in names]
        yield model(f"Counted{start}", [f"[models.Counted{start}.computed]", *counted])

    def enums(self) -> str:
        """Return the schema with enums and domains of these names."""
        every = [each for each in self.classes if each[0].isupper()]
        text = ["[enums]", *[f'{each} = ["a", "b"]' for each in every]]
        free = [each for each in self.attributes if each not in every]
        text += [
            f"[domains.{json.dumps(each)}]\ntype = 'text'\nname = {json.dumps(f'{each}!')}"
            for each in free
        ]
        for start, names in parts(every, 200):
            columns = [f'c{n} = "{each}?"' for n, each in enumerate(names)]
            text.append(model(f"ZzUses{start}", columns))
        return "\n".join(text)


async def use(package: Any, names: Names, url: str) -> int:
    """Use each column, relationship and computed attribute by its name; return how often."""
    done = 0
    async with await create_engine(url) as engine:
        await engine.create_all(package.SCHEMA)
        session = AsyncSession(engine)
        for name in names.wide:
            wide = getattr(package, name)
            values = {c.slot: sample(c, 1) for c in wide.__table__.columns if c.slot != "pk"}
            found = await session.insert(wide(**values))
            assert wide.from_dict(found.to_dict()).to_dict() == found.to_dict()
            for each, value in values.items():
                query = session.query(wide)
                by: Any = {each: value}
                for wanted in (query.filter(**by), query.filter(Q(**by)), query.filter_by(**by)):
                    await wanted.filter(**{f"{each}__isnull": False}).order_by(f"-{each}").all()
                await query.update(**by)
                await session.update(found, **by)
                await Factory(wide, **by).using(session).create()
                await query.group_by(each).values(each)
                done += 1
        for start, _ in parts(names.attributes, 200):
            target, holder = getattr(package, f"Target{start}"), getattr(package, f"Holder{start}")
            one = await session.insert(target())
            await session.insert(holder(holder_fk=one.pk))
            for each in holder.__table__.relationships:
                rows = session.query(holder).filter(Q(**{f"{each}__pk": one.pk, each: one}))
                await rows.options(ormkit.joinedload(each)).order_by(f"{each}__pk").all()
                await session.query(target).options(ormkit.selectinload(each)).all()
                await session.load(one, each)
                assert holder(**{each: one}).holder_fk == one.pk
                done += 1
            counted = getattr(package, f"Counted{start}")
            for each in counted.__table__.computed:
                rows = session.query(counted).filter(**{each: 1}).with_computed(each)
                await rows.order_by(each).all()
                done += 1
    return done


def input_classes(text: str, directory: Path) -> None:
    """Write the classes for input of both libraries beside the enums, as packages."""
    (directory / "dto.toml").write_text(text, encoding="utf-8")
    schema = load([directory / "dto.toml"], directory).schema
    for library in LIBRARIES:
        files = {**render(schema, library), "__init__.py": ""}
        for name in ("__init__.py", "dto.py", "enums.py"):
            (directory / f"with_{library}").mkdir(exist_ok=True)
            (directory / f"with_{library}" / name).write_text(files[name], encoding="utf-8")


def main() -> int:
    """Print the table; return 1 for an error of a checker."""
    warnings.simplefilter("ignore")
    chosen = [each for each in sys.argv[1:] if not each.startswith("-")] or [*CHECKERS]
    names, wrong = Names(), 0
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        packages: list[Any] = []
        for name, text in (("models", names.models()), ("enums", names.enums())):
            (directory / f"{name}.toml").write_text(text, encoding="utf-8")
            packages.append(import_models(directory, directory / f"{name}.toml"))
            assert all(getattr(packages[-1], each) for each in packages[-1].__all__)
        input_classes(names.models(), directory)
        used = asyncio.run(use(packages[0], names, f"embedded://{directory}/server"))
        print(f"{used} attributes used on a database")
        files = [each for each in directory.rglob("*.py") if "server" not in each.parts]
        found: dict[str, int] = {}
        for checker in chosen:
            errors = reported(checker, files, directory)
            found[checker] = len(errors)
            print(f"{checker}: {len(errors)} errors {sorted(errors)[:5]}", flush=True)
            wrong += len(errors)
    lines = ["| place | names |", "|---|---:|"]
    lines += [f"| {place} | {count:,} |" for place, count in names.counts().items()]
    told = ", ".join(f"{name} {count}" for name, count in found.items())
    text = "\n".join([*lines, "", f"Errors of the checkers: {told}."]) + "\n"
    print(text)
    if "--write" in sys.argv:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}", encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
