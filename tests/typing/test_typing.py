"""Right code is clean and wrong code is reported, by mypy --strict and by pyright strict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.typing.checkers import ROOT, Checker, expected, mypy, pyright

HERE = Path(__file__).parent
RIGHT = sorted((HERE / "positive").glob("*.py"))
WRONG = sorted((HERE / "negative").glob("*.py"))
GENERATED = sorted((ROOT / "examples/blog/db").glob("*.py"))


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_wrong_lines_over_the_blog_are_reported_and_no_others(
    checker: Checker, tmp_path: Path
) -> None:
    marked = expected(WRONG, checker)
    assert len(marked) >= 100
    assert checker([*RIGHT, *WRONG, *GENERATED], tmp_path) == marked


def test_nearly_every_wrong_line_is_reported_by_both() -> None:
    """A mark for one checker alone is an exception, to be argued where it stands."""
    by_mypy, by_pyright = expected(WRONG, mypy), expected(WRONG, pyright)
    assert len(by_mypy ^ by_pyright) <= 6
