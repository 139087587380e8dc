"""Wrong code with models that have methods of their own: each marked line is reported."""

from __future__ import annotations

from ormkit import AsyncSession, ValidationError, validates
from tests.typing.people import Person, PersonBase, Pet


class Wrong(PersonBase):
    @validates(PersonBase.age)  # expect-error
    def check_age(self, value: str) -> None: ...

    def check_self(self) -> None:
        self.age = "3"  # expect-error
        print(self.nope)  # expect-error


async def use(session: AsyncSession, person: Person, pet: Pet) -> None:
    Person(nam="Ada")  # expect-error
    Person(name=3)  # expect-error
    person.greet()  # expect-error
    person.greeting(3)  # expect-error
    person.greeting() + 1  # expect-error
    print(person.is_adult.nope)  # expect-error
    person.domain.upper()  # expect-error
    person.name = 3  # expect-error
    person.domain = "x"  # expect-error
    person.adopt("x")  # expect-error
    pet.owner.bark()  # expect-error
    pet.owner.greeting(word=3)  # expect-error
    Person.pet(3)  # expect-error
    await Person.by_name(session)  # expect-error
    await session.update(person, nam="x")  # expect-error
    await session.update(person, name=3)  # expect-error
    session.query(Person).filter(nam="x")  # expect-error
    session.query(Person).filter(age__gte="x")  # expect-error
    (await session.query(Person).all())[0].nope()  # expect-error
    ValidationError(3)  # expect-error
    validates(3)  # expect-error
    validates()  # expect-error
    (await session.update(person, name="x")).nope()  # expect-error
    (await session.soft_delete(person)).is_deleted = False  # expect-error
    print(pet.is_deleted)  # expect-error
    await session.remove_all(person)  # expect-error
    await session.remove_all([1])  # expect-error
    await session.remove_all("x")  # expect-error
    await session.get(Person, "x", include_deleted=True)  # expect-error
    async with session.begin() as tx:
        tx.add(3)  # expect-error
        tx.add(person).nope()  # expect-error
        await tx.add(person).update(person, nope=1)  # expect-error
