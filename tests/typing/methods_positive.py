"""Right code with models that have methods of their own: no type checker reports a line."""

from __future__ import annotations

from typing import assert_type

from ormkit import AsyncSession, Transaction, ValidationError, validates
from tests.typing.people import Person, PersonBase, Pet


class PersonMethods(PersonBase):
    planet = "Earth"

    def greeting(self, word: str = "Hello") -> str:
        return f"{word}, {self.name}"

    @property
    def domain(self) -> str | None:
        return self.email.partition("@")[2] if self.email else None

    @property
    def is_adult(self) -> bool:
        return self.age >= 18

    @classmethod
    async def by_name(cls, session: AsyncSession, name: str) -> Person | None:
        return await session.query(Person).filter(name=name).first()

    @staticmethod
    def pet(name: str) -> Pet:
        return Pet(name=name, owner=Person(name="Ada"))

    def __str__(self) -> str:
        return self.name

    def adopt(self, pet: Pet) -> None:
        pet.owner_id = self.id

    async def rename(self, session: AsyncSession, name: str) -> None:
        await session.update(self, name=name)

    @validates("name")
    def check_name(self, value: str) -> str:
        return value.strip()

    @validates("name", "email")
    def check_texts(self, value: str | None) -> None:
        if value is not None and len(value) > 100:
            raise ValueError("is too long")

    @validates(PersonBase.email)
    def check_email(self, value: str | None) -> None:
        if value is not None and "@" not in value:
            raise ValueError("has no @")

    @validates(PersonBase.age)
    def check_age(self, value: int) -> int:
        return max(value, 0)

    def validate(self) -> None:
        if self.age < 0:
            raise ValidationError({"age": "is negative"})

    def before_insert(self) -> None:
        if self.email is None:
            self.email = f"{self.name}@example.org"
        name = self.name
        self.name = name.strip()
        self.age += 1

    def after_delete(self) -> None:
        print(self.greeting())


async def use(session: AsyncSession) -> None:
    person = Person(name="Ada")
    assert_type(person, Person)
    assert_type(person.greeting(), str)
    assert_type(person.domain, str | None)
    assert_type(person.is_adult, bool)
    assert_type(person.name, str)
    assert_type(person.age, int)
    assert_type(Person.pet("x"), Pet)
    assert_type(person.planet, str)
    found = await session.query(Person).filter(age__gte=3).order_by("name").all()
    assert_type(found, list[Person])
    assert_type(found[0].greeting("Hi"), str)
    assert_type(await Person.by_name(session, "Ada"), Person | None)
    assert_type(await session.get(Person, 1), Person | None)
    assert_type((await session.get_or_raise(Person, 1)).domain, str | None)
    pet = await session.get_or_raise(Pet, 1)
    assert_type(pet.owner, Person)
    assert_type(pet.owner.greeting(), str)
    assert_type(person.pets, list[Pet])
    assert_type(await session.insert(person), Person)
    assert_type(await session.update(person, name="Bea", age=Person.age + 1), Person)
    assert_type(await session.update(pet, name="Rex"), Pet)
    assert_type((await session.soft_delete(person)).is_deleted, bool)
    assert_type(await session.restore(person), Person)
    assert_type(await session.get(Person, 1, include_deleted=True), Person | None)
    assert_type(await session.get_or_raise(Person, 1, include_deleted=True), Person)
    await session.remove_all([person, pet])
    await session.remove_all(found)
    await session.delete(pet)
    async with session.begin() as tx:
        assert_type(
            tx.add(Person(name="Dora")).add_all([Pet(name="Rex", owner=person)]), Transaction
        )
        assert_type(await tx.update(pet, name="Max"), Pet)
    person.adopt(pet)
    try:
        await person.rename(session, "Cleo")
    except ValidationError as error:
        assert_type(error.errors, dict[str, str])
