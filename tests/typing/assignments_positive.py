"""Attributes that can be assigned, beside those that cannot. Never run."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from examples.blog.db import PartialPost, Post, User
from ormkit import AsyncSession
from tests.typing.people import AdultPerson, PartialAdultPerson, Reading, ReadingQuery


async def values(session: AsyncSession, post: Post, part: PartialPost, user: User) -> None:
    reading = Reading(celsius=Decimal(3))
    reading.celsius = Decimal(4)
    assert_type(reading.fahrenheit, Decimal)
    assert_type(reading.number, int)
    assert_type(await session.update(reading, celsius=Decimal(5)), Reading)
    assert_type(session.query(Reading).filter(fahrenheit__gt=3).order_by("-number"), ReadingQuery)
    await session.query(Reading).update(celsius=Reading.celsius + 1)
    post.author = user
    part.title = "x"
    post.tags.append(post.tags[0])
    assert_type(await session.get(AdultPerson, 1), AdultPerson | None)
    assert_type(await session.query(AdultPerson).only("name").one(), PartialAdultPerson)
