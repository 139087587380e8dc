"""Right code is clean and wrong code is reported, by six type checkers in their strict modes."""

from __future__ import annotations

import pytest

from tests.typing.checkers import CHECKERS, HERE, ROOT, expected, findings, user_code
from tests.typing.messages import unsaid
from tests.typing.untyped import public_places

pytestmark = pytest.mark.one_interpreter


def test_there_are_wrong_lines_of_every_kind() -> None:
    assert len(expected(user_code())) >= 190


@pytest.mark.in_check
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_reports_the_wrong_lines_and_no_others_and_says_why(checker: str) -> None:
    found = findings(checker)
    assert (found.missed, found.false) == (set(), set())
    assert list(unsaid(checker, found.output)) == []


def test_any_in_public_signatures_is_counted() -> None:
    """Each place is in untyped.txt, and docs/typing.md says how many there are."""
    listed = (HERE / "untyped.txt").read_text(encoding="utf-8").splitlines()
    assert public_places() == listed
    page = (ROOT / "docs/typing.md").read_text(encoding="utf-8")
    assert f"{len(listed)} parameters and results" in page
