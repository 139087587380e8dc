"""Right code is clean and wrong code is reported, by six type checkers in their strict modes."""

from __future__ import annotations

import pytest

from tests.typing.checkers import CHECKERS, expected, findings, user_code
from tests.typing.messages import unsaid

pytestmark = pytest.mark.one_interpreter


def test_there_are_wrong_lines_of_every_kind() -> None:
    assert len(expected(user_code())) >= 190


@pytest.mark.in_check
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_reports_the_wrong_lines_and_no_others_and_says_why(checker: str) -> None:
    found = findings(checker)
    assert (found.missed, found.false) == (set(), set())
    assert list(unsaid(checker, found.output)) == []
