"""Attributes that cannot be assigned, and writes of what cannot be written; none may pass."""

from __future__ import annotations

from decimal import Decimal

from examples.blog.db import PartialPost, Post, Tag, User
from ormkit import AsyncSession
from tests.typing.people import AdultPerson, PartialReading, Reading


def generated(reading: Reading, part: PartialReading) -> None:
    reading.fahrenheit = Decimal(3)  # expect-error
    reading.number = 3  # expect-error
    reading.celsius = "3"  # expect-error
    part.fahrenheit = Decimal(3)  # expect-error
    part.number = 3  # expect-error
    Reading(fahrenheit=Decimal(3))  # expect-error
    Reading(number=3)  # expect-error
    Reading.fahrenheit = Decimal(3)  # expect-error


async def generated_by_query(session: AsyncSession, reading: Reading) -> None:
    await session.query(Reading).update(fahrenheit=Decimal(3))  # expect-error
    await session.query(Reading).update(number=3)  # expect-error
    await session.update(reading, fahrenheit=Decimal(3))  # expect-error
    await session.update(reading, number=3)  # expect-error


def lists(post: Post, user: User, part: PartialPost, tag: Tag) -> None:
    post.tags = [tag]  # expect-error
    post.tags = []  # expect-error
    post.comments = None  # expect-error
    user.posts += [post]  # expect-error
    part.tags = [tag]  # expect-error
    post.headline = "x"  # expect-error
    user.post_count = 3  # expect-error
    user.post_count += 1  # expect-error
    post.author = None  # expect-error
    post.author = tag  # expect-error
    Post(title="x", author=user, tags=[tag])  # expect-error
    Post(title="x", author=user, headline="x")  # expect-error


async def read_only(session: AsyncSession, person: AdultPerson) -> None:
    person.name = "x"  # expect-error
    person.age += 1  # expect-error
    AdultPerson(id=1, name="x", age=18)  # expect-error
    await session.query(AdultPerson).update(name="x")  # expect-error
    await session.update(person, name="x")  # expect-error
