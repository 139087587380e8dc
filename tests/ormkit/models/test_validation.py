"""Validators: methods of a model that check values before they are sent."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, UsageError, ValidationError, create_engine, validates
from tests.methods import import_application

SCHEMA = """
[models.Member]
methods = "APP:MemberMethods"

[models.Member.columns]
id = { type = "bigint", primary_key = true }
name = { type = "text", unique = true }
email = "text?"
age = { type = "integer", default = 0 }
"""

SOURCE = """
from DB import MemberBase
from ormkit import ValidationError, validates


class Trimmed:
    __slots__ = ()

    @validates("name")
    def trim(self, value):
        return value.strip()


class MemberMethods(Trimmed, MemberBase):
    @validates("name")
    def check_name(self, value):
        if not value:
            raise ValueError("is empty")

    @validates(MemberBase.email, MemberBase.name)
    def check_length(self, value):
        if value is not None and len(value) > 10:
            raise ValueError("is too long")

    @validates("age")
    def check_age(self, value):
        if value < 0:
            raise ValueError

    def validate(self):
        if self.age > 99 and not self.email:
            raise ValidationError({"email": "is missing", "age": "is suspicious"})
        if self.name == "nobody":
            raise ValueError("nobody is nobody")

    def before_insert(self):
        if self.name == "long":
            self.email = "x" * 11
"""


@pytest.fixture
def models(tmp_path: Path) -> Any:
    return import_application(tmp_path, SCHEMA, SOURCE)


@pytest.fixture
async def members(database_url: str, models: Any) -> AsyncIterator[AsyncSession]:
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        yield AsyncSession(engine)


def errors_of(caught: pytest.ExceptionInfo[ValidationError]) -> dict[str, str]:
    return caught.value.errors


def test_the_constructor_runs_the_validators_of_what_it_is_passed(models: Any) -> None:
    assert models.Member(name="  Ada ").name == "Ada"
    with pytest.raises(ValidationError) as caught:
        models.Member(name=" ", email="x" * 11, age=-1)
    assert errors_of(caught) == {
        "name": "is empty",
        "email": "is too long",
        "age": "is not valid",
    }
    text = "this Member is not valid: name: is empty; email: is too long; age: is not valid"
    assert sorted(str(caught.value).partition(": ")[2].split("; ")) == sorted(
        text.partition(": ")[2].split("; ")
    )
    assert str(caught.value).startswith("this Member is not valid: ")
    assert isinstance(caught.value.instance, models.Member)
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ValueError)
    assert models.Member(name="Ada", age=100).age == 100, "the whole is not checked yet"


async def test_nothing_is_sent_that_is_not_valid(members: AsyncSession, models: Any) -> None:
    def wrong(**changed: Any) -> Any:
        member = models.Member(name="Ada")
        for name, value in changed.items():
            setattr(member, name, value)
        return member

    good = models.Member(name="good")
    writes = {
        "insert": lambda: members.insert(wrong(age=-1)),
        "insert_all": lambda: members.insert_all([good, wrong(age=-1)]),
        "upsert": lambda: members.upsert(wrong(age=-1), conflict_target=["name"]),
        "upsert_all": lambda: members.upsert_all([good, wrong(age=-1)], conflict_target=["name"]),
    }
    for name, write in writes.items():
        with pytest.raises(ValidationError) as caught:
            await write()
        assert errors_of(caught) == {"age": "is not valid"}, name
    with pytest.raises(ValidationError):
        async with members.begin() as tx:
            tx.add_all([good, wrong(age=-1)])
    assert await members.query(models.Member).count() == 0
    with pytest.raises(ValidationError) as caught:
        await members.insert(models.Member(name="Ada", age=100))
    assert errors_of(caught) == {"email": "is missing", "age": "is suspicious"}
    with pytest.raises(ValidationError) as caught:
        await members.insert(models.Member(name="nobody"))
    assert errors_of(caught) == {"__all__": "nobody is nobody"}
    assert str(caught.value) == "this Member is not valid: nobody is nobody"
    with pytest.raises(ValidationError, match="email: is too long"):
        await members.insert(models.Member(name="long"))


async def test_an_update_checks_what_it_writes(members: AsyncSession, models: Any) -> None:
    member = await members.insert(models.Member(name="Ada"))
    await members.execute_raw("UPDATE member SET age = -5")
    read = await members.get_or_raise(models.Member, member.id)
    assert read.age == -5, "what is read is not validated"
    await members.update(read, name=" Bea ")
    assert read.name == "Bea"
    with pytest.raises(ValidationError) as caught:
        await members.update(read, age=-6, email="x" * 11)
    assert errors_of(caught) == {"email": "is too long", "age": "is not valid"}
    assert (read.age, read.email) == (-5, None)
    with pytest.raises(ValidationError, match="email: is missing; age: is suspicious"):
        await members.update(read, age=100)
    await members.update(read, age=models.Member.age + 6)
    assert read.age == 1
    read.name = " "
    with pytest.raises(ValidationError, match="name: is empty"):
        await members.bulk_update([read])
    read.name = " Cleo "
    await members.bulk_update([read], ["name"])
    assert read.name == "Cleo"
    with pytest.raises(ValidationError, match="name: is empty"):
        async with members.begin() as tx:
            own = await tx.get_or_raise(models.Member, member.id)
            own.name = " "
    async with members.begin() as tx:
        own = await tx.get_or_raise(models.Member, member.id)
        own.name = " Dora "
    rows = await members.query(models.Member).values_list("name", "age")
    assert rows == [("Dora", 1)]


async def test_changes_by_query_are_not_validated(members: AsyncSession, models: Any) -> None:
    await members.insert(models.Member(name="Ada"))
    await members.query(models.Member).update(age=-1)
    assert await members.query(models.Member).filter(age=-1).count() == 1


def test_an_error_can_be_pickled(models: Any) -> None:
    error = pickle.loads(pickle.dumps(ValidationError({"name": "is empty"})))
    assert error.errors == {"name": "is empty"}
    assert str(error) == "name: is empty"
    assert ValidationError("no").errors == {"__all__": "no"}


def test_a_validator_names_columns() -> None:
    with pytest.raises(UsageError, match="takes columns or their names, not int"):
        validates(3)  # type: ignore[call-overload]
