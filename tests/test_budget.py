"""How much code is generated: counted, not timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.big_schema import big_schema
from tests.generated import generate

pytestmark = pytest.mark.one_interpreter


def lines(package: Path) -> dict[str, int]:
    return {
        file.name: len(file.read_text(encoding="utf-8").splitlines())
        for file in package.glob("*.py")
    }


def test_a_model_of_eight_columns_takes_at_most_a_hundred_and_fifty_lines(tmp_path: Path) -> None:
    counted = lines(generate(tmp_path, big_schema(1)))
    assert 100 < counted["model0.py"] <= 150


def test_the_lines_grow_with_the_models_and_no_faster(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    few = lines(generate(small, big_schema(3)))
    many = lines(generate(large, big_schema(12)))
    assert {many[f"model{n}.py"] for n in range(12)} == {few["model0.py"]}
    assert many["__init__.py"] - few["__init__.py"] == 9 * 4
