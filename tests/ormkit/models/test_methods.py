"""Models with methods of their own, from a class of the application."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pickle
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    UnknownName,
    UsageError,
    create_engine,
    joinedload,
    jsonload,
    selectinload,
)
from ormkit.loading.standard_decoder import is_standard
from tests.methods import import_application, import_in_turn, write_application

SCHEMA = """
[enums]
Mood = ["calm", "wild"]

[models.Person]
methods = "APP:PersonMethods"

[models.Person.columns]
id = { type = "bigint", primary_key = true }
name = "text"
mood = { type = "Mood", default = "calm" }

[models.Person.relationships]
notes = { target = "Note", back_populates = "person" }

[models.Note.columns]
id = { type = "bigint", primary_key = true }
person_id = { type = "bigint", foreign_key = "person.id" }
text = "text"

[models.Note.relationships]
person = { target = "Person", back_populates = "notes" }
"""

SOURCE = """
from DB import Note, Person, PersonBase


class PersonMethods(PersonBase):
    planet = "Earth"

    def greeting(self):
        return f"Hello, {self.name}"

    @property
    def initial(self):
        return self.name[0]

    @initial.setter
    def initial(self, value):
        self.name = value + self.name[1:]

    @classmethod
    async def by_name(cls, session, name):
        return await session.query(cls).filter(cls.name == name).one()

    @staticmethod
    def note(text):
        return Note(text=text)

    def __str__(self):
        return self.name

    def __eq__(self, other):
        return isinstance(other, Person) and self.name == other.name

    __hash__ = PersonBase.__hash__
"""


@pytest.fixture
def models(tmp_path: Path) -> Any:
    return import_application(tmp_path, SCHEMA, SOURCE)


@pytest.fixture
async def people(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


def test_an_object_has_the_methods_of_the_class(models: Any) -> None:
    person = models.Person(name="Ada")
    assert (person.greeting(), person.initial, str(person)) == ("Hello, Ada", "A", "Ada")
    assert models.Person.planet == "Earth"
    assert models.Person.note("hi").text == "hi"
    assert person == models.Person(name="Ada")
    person.initial = "I"
    assert repr(person) == "Person(name='Ida', mood=<Mood.calm: 'calm'>)"
    with pytest.raises(AttributeError):
        person.nmae = "typo"
    assert type(models.Person).__name__ == "PersonBaseColumns"
    assert models.Person.__table__.label == "Person"
    assert models.Person.name.label == "Person.name"


async def test_objects_have_the_methods_wherever_they_come_from(
    people: AsyncSession, models: Any
) -> None:
    person = await people.insert(models.Person(name="Ada"))
    await people.insert_all([models.Note(person=person, text=text) for text in "ab"])
    key = person.id
    query = people.query(models.Person)
    found = [
        await people.get(models.Person, key),
        await people.get(models.Person, key, coalesce=False),
        await people.get_or_raise(models.Person, key),
        *await query.all(),
        *await query.options(selectinload("notes")).all(),
        *[each async for each in query.stream()],
        *[each async for each in query.iterate()],
        (await people.query(models.Note).options(joinedload("person")).all())[0].person,
        (await people.query(models.Note).options(selectinload("person")).all())[0].person,
        await models.Person.by_name(people, "Ada"),
        (await query.limit(1).page()).items[0],
    ]
    async with people.begin() as tx:
        found.append(await tx.get_or_raise(models.Person, key))
    for each in found:
        assert type(each) is models.Person
        assert each.greeting() == "Hello, Ada"
    many = await people.insert_all([models.Person(name=f"p{n}") for n in range(200)])
    assert [each.initial for each in many] == ["p"] * 200
    read = await query.filter(name__startswith="p").order_by("id").all()
    assert [each.greeting() for each in read] == [f"Hello, p{n}" for n in range(200)]
    await people.bulk_update(many)


def test_the_decoder_stays_the_standard_one(models: Any) -> None:
    assert is_standard(models.Person.__decode__)
    assert is_standard(models.Note.__decode__)


def test_an_object_can_be_copied_and_pickled(models: Any) -> None:
    person = models.Person(name="Ada")
    assert copy.copy(person).greeting() == "Hello, Ada"
    assert pickle.loads(pickle.dumps(person)).initial == "A"


@pytest.mark.parametrize("first", ["package", "module"])
def test_either_side_can_be_imported_first(tmp_path: Path, first: str) -> None:
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    names = [package, module] if first == "package" else [module, package]
    loaded = {each.__name__: each for each in import_in_turn(tmp_path, *names)}
    assert loaded[package].Person.__bases__ == (loaded[module].PersonMethods,)
    assert loaded[package].Person(name="Ada").greeting() == "Hello, Ada"


@pytest.mark.parametrize("use", ["construct", "query", "engine"])
async def test_a_class_that_comes_from_a_third_module_is_awaited(
    tmp_path: Path, database_url: str, use: str
) -> None:
    """The module that the schema names imports the class; neither exists when the package does."""
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    (tmp_path / f"{module}.py").rename(tmp_path / f"inner_{module}.py")
    (tmp_path / f"{module}.py").write_text(
        f"import {package}\nfrom inner_{module} import PersonMethods\n"
    )
    _, models = import_in_turn(tmp_path, module, package)
    if use == "construct":
        assert models.Person(name="Ada").greeting() == "Hello, Ada"
    async with await create_engine(database_url) as engine:
        session = AsyncSession(engine)
        if use == "query":
            session.query(models.Person)
        assert models.Person.greeting
        assert not {"__init__", "__query__"} & set(vars(models.Person))


def test_the_module_can_use_the_model_before_its_class(tmp_path: Path) -> None:
    source = "from DB import Person\nfirst = Person(name='Ada')\n" + SOURCE
    package, module = write_application(tmp_path, SCHEMA, source)
    loaded, models = import_in_turn(tmp_path, module, package)
    assert loaded.first.greeting() == "Hello, Ada"
    assert models.Person(name="Bea").greeting() == "Hello, Bea"


def test_shared_behaviour_can_be_a_class_of_its_own(tmp_path: Path) -> None:
    source = """
from DB import PersonBase

class Loud:
    __slots__ = ()

    def shout(self):
        return self.greeting().upper()

class PersonMethods(Loud, PersonBase):
    def greeting(self):
        return self.name

    def __init__(self, **given):
        super().__init__(**{**given, "name": given["name"].title()})
"""
    models = import_application(tmp_path, SCHEMA, source)
    person = models.Person(name="ada")
    assert (person.name, person.shout()) == ("Ada", "ADA")


#: The body of the module, and what the error says.
UNUSABLE = {
    "missing class": (
        "from DB import PersonBase\nPersonMethod = 1",
        r"has no PersonMethods: write",
    ),
    "no base": (
        "exec('class PersonMethods:\\n    pass')",
        r"PersonMethods does not derive from PersonBase: write `class PersonMethods\(Person",
    ),
    "no class": ("def f(): return 3\n(PersonMethods) = f()", "does not derive from PersonBase"),
    "column": (
        "from DB import PersonBase\nname = lambda self: 1\n"
        "PersonMethods = type('PersonMethods', (PersonBase,), {'name': name})",
        r"PersonMethods\.name would hide the column Person\.name: rename it",
    ),
    "column of a mixin": (
        "from DB import PersonBase\nclass Mixin:\n    __slots__ = ()\n\n    @property\n"
        "    def name(self): return 1\n\nclass PersonMethods(Mixin, PersonBase):\n    pass",
        r"app_\w+\.py:5: Mixin\.name would hide the column Person\.name: rename it",
    ),
    "relationship": (
        "from DB import PersonBase\nclass Mixin:\n    __slots__ = ()\n    notes = 3\n"
        "class PersonMethods(Mixin, PersonBase):\n    pass",
        r"app_\w+\.py:2: Mixin\.notes would hide the relationship Person\.notes",
    ),
    "generated": (
        "from DB import PersonBase\nclass Mixin:\n    __slots__ = ()\n"
        "    def __decode__(self): ...\nclass PersonMethods(Mixin, PersonBase):\n    pass",
        r"app_\w+\.py:4: Mixin defines __decode__, which is generated",
    ),
    "dict": (
        "from DB import PersonBase\nclass Mixin:\n    pass\n"
        "class PersonMethods(Mixin, PersonBase):\n    pass",
        r"app_\w+\.py:2: Mixin has no `__slots__ = \(\)`.*: write `__slots__ = \(\)` in it",
    ),
    "slots": (
        "from DB import PersonBase\n"
        "class PersonMethods(PersonBase):\n    __slots__: tuple = ('x',)",
        r"app_\w+\.py:2: PersonMethods has slots of its own.*write `__slots__ = \(\)`",
    ),
    "cached property": (
        "from functools import cached_property\nfrom DB import PersonBase\n"
        "class PersonMethods(PersonBase):\n    @cached_property\n    def size(self): return 1",
        r"app_\w+\.py:4: PersonMethods\.size is a cached_property.*make it a property",
    ),
    "async hook": (
        "from DB import PersonBase\nclass Mixin:\n    __slots__ = ()\n"
        "    async def before_insert(self): ...\nclass PersonMethods(Mixin, PersonBase):\n    pass",
        r"app_\w+\.py:4: before_insert\(\) of Person is async",
    ),
    "hook with parameters": (
        "from DB import PersonBase\nclass PersonMethods(PersonBase):\n"
        "    def after_update(self, session): ...",
        r"app_\w+\.py:3: after_update\(\) of Person is called with only self",
    ),
    "hook that is no method": (
        "from DB import PersonBase\nclass PersonMethods(PersonBase):\n"
        "    @property\n    def before_delete(self): ...",
        r"before_delete of Person is not a plain method",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_class_that_cannot_be_a_base_is_refused_with_its_place(tmp_path: Path, case: str) -> None:
    body, message = UNUSABLE[case]
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    text = body.replace("DB", package).replace("APP", module)
    (tmp_path / f"{module}.py").write_text(text)
    with pytest.raises(UsageError, match=message):
        import_in_turn(tmp_path, package)


@pytest.mark.parametrize("field", ["nme", "'notes'"])
def test_a_validator_of_an_unknown_column_is_refused(tmp_path: Path, field: str) -> None:
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    (tmp_path / f"{module}.py").write_text(
        f"from ormkit import validates\nfrom {package} import PersonBase\n"
        f"field = {field.strip(chr(39))!r}\n"
        f"class PersonMethods(PersonBase):\n    @validates(field)\n    def check(self, value): ..."
    )
    with pytest.raises(UnknownName, match=r":5: check\(\) validates '\w+', which is not a column"):
        import_in_turn(tmp_path, package)


def test_a_missing_module_is_refused(tmp_path: Path) -> None:
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    (tmp_path / f"{module}.py").unlink()
    with pytest.raises(UsageError, match=rf"there is no module {module}: create it, or correct"):
        import_in_turn(tmp_path, package)


def test_an_error_within_the_module_passes_through(tmp_path: Path) -> None:
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    (tmp_path / f"{module}.py").write_text("import nothing_of_this_name")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        import_in_turn(tmp_path, package)


async def test_a_plain_subclass_cannot_be_queried(people: AsyncSession, models: Any) -> None:
    for model in (models.Person, models.Note):

        class Mine(model):  # type: ignore[misc]
            pass

        how = rf'query {model.__name__}; .* methods = "{__name__}:{model.__name__}Methods"'
        with pytest.raises(UsageError, match=how):
            people.query(Mine)
        with pytest.raises(UsageError, match=how):
            await people.get(Mine, 1)
        with pytest.raises(UsageError, match=how):
            await people.get(Mine, 1, coalesce=False)
        with pytest.raises(UsageError, match=how):
            await people.get_or_raise(Mine, 1)
        async with people.begin() as tx:
            with pytest.raises(UsageError, match=how):
                await tx.get(Mine, 1)


def test_a_module_can_be_reloaded(tmp_path: Path) -> None:
    package, module = write_application(tmp_path, SCHEMA, SOURCE)
    models, loaded = import_in_turn(tmp_path, package, module)
    person = models.Person(name="Ada")
    file = tmp_path / f"{module}.py"
    file.write_text(file.read_text().replace("Hello", "Goodbye"))
    sys.path.insert(0, str(tmp_path))
    try:
        importlib.invalidate_caches()
        cache = Path(importlib.util.cache_from_source(str(file)))
        cache.unlink(missing_ok=True)
        importlib.reload(loaded)
    finally:
        sys.path.remove(str(tmp_path))
    assert person.greeting() == "Goodbye, Ada"


EVERYTHING = """
[models.Author]
methods = "APP:AuthorMethods"
mixins = ["soft_delete", "version", "timestamps"]

[models.Author.columns]
id = { type = "bigint", primary_key = true }
first = "text"
last = "text"
tags = "text[]?"
data = { type = "jsonb", default = {} }

[models.Author.computed]
full = { type = "text", expression = "first || ' ' || last" }

[models.Author.relationships]
books = { target = "Book", back_populates = "author" }

[models.Book.columns]
id = { type = "bigint", primary_key = true }
author_id = { type = "bigint", foreign_key = "author.id" }

[models.Book.relationships]
author = { target = "Author", back_populates = "books" }
"""
METHODS = """
from DB import AuthorBase
from ormkit import validates


class AuthorMethods(AuthorBase):
    def shout(self):
        return self.full.upper()

    def before_update(self):
        self.count()

    def count(self):
        self.data["updates"] = self.data.get("updates", 0) + 1

    @validates("last")
    def capitalize(self, value):
        return value.title()
"""


async def test_a_model_with_methods_has_what_other_models_have(
    database_url: str, tmp_path: Path
) -> None:
    models = import_application(tmp_path, EVERYTHING, METHODS)
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        session = AsyncSession(engine)
        author = await session.insert(models.Author(first="Ada", last="king", tags=["a"]))
        await session.insert(models.Book(author=author))
        query = session.query(models.Author)
        assert (await query.with_computed("full").one()).shout() == "ADA KING"
        book = await session.query(models.Book).options(jsonload("author")).one()
        assert type(book.author) is models.Author
        assert len((await query.options(jsonload("books")).one()).books) == 1
        part = await query.only("first", "version", "data").one()
        await session.update(part, first="Bea")
        read = await query.one()
        assert (read.first, read.version, read.data) == ("Bea", 2, {"updates": 1})
        read.tags.append("b")
        await session.bulk_update([read])
        async with session.begin() as tx:
            own = await tx.get_or_raise(models.Author, author.id)
            own.tags.append("c")
        read = await query.one()
        assert (read.tags, read.data) == (["a", "b", "c"], {"updates": 3})
        await session.upsert(models.Author(id=author.id, first="Cleo", last="x"))
        assert (await query.one()).last == "X"
