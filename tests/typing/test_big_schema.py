"""A package of many related models stays checkable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.big_schema import big_schema
from tests.generated import generate
from tests.lengths import IS_NIGHTLY
from tests.typing.checkers import expected, reported

#: How many models there are; two hundred at night.
COUNT = 200 if IS_NIGHTLY else 40
APPLICATION = """
from typing import assert_type

from models import Model3, Model4, Model199, Model199Query
from ormkit import AsyncSession, ToOne, joinedload


async def application(session: AsyncSession) -> None:
    query = session.query(Model199)
    assert_type(query, Model199Query)
    assert_type(Model4.before, ToOne[Model4, Model3])
    found = await query.filter(age__gte=3, name__icontains="x").order_by("-created_at").all()
    assert_type(found, list[Model199])
    loaded = await session.query(Model4).options(joinedload("before")).one()
    assert_type(loaded.before, Model3 | None)
    query.filter(Model4.before.has(Model3.age > 3))  # expect-error
    query.filter(age__gte="3")  # expect-error
    query.filter(nmae="x")  # expect-error
    query.order_by("nmae")  # expect-error
    Model4(name="x", email="y")  # expect-error
    await session.get(Model3, "1")  # expect-error
"""


@pytest.mark.one_interpreter
@pytest.mark.nightly
# basedpyright is pyright with further rules, and takes as long.
@pytest.mark.parametrize("checker", ["mypy", "pyright", "ty", "pyrefly", "zuban"])
def test_many_models_are_clean_and_wrong_code_over_them_is_not(
    checker: str, tmp_path: Path
) -> None:
    package = generate(tmp_path, big_schema(COUNT, related=True))
    application = tmp_path / "application.py"
    application.write_text(APPLICATION.replace("Model199", f"Model{COUNT - 1}"))
    files = [application, *sorted(package.glob("*.py"))]
    assert reported(checker, files, tmp_path) == expected([application])
