"""Texts of a schema are looked at in time that grows with their length, and no faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from ormkit.sql.type_names import type_name
from ormkit_gen.ddl.spelling import _PLAIN_DEFAULT  # pyright: ignore[reportPrivateUsage]
from ormkit_gen.schema.constraints import OPCLASS
from ormkit_gen.schema.naming import snake_case
from ormkit_gen.schema.toml_errors import explain_number
from ormkit_gen.schema.type_words import WORDS
from tests.lengths import IS_NIGHTLY

SIZE = 100_000
#: What is repeated, between what it begins and ends with.
PIECES = ("a", "A", "a ", " ", "a.", ".", "A1", "1", "(", ")", "[]", "[", "'", "a,", "\\", "_", "é")
BEGINNINGS = ("", "a", "a(1)", "a(1) b", "a(", "'", "A")
ENDINGS = ("", "!", "x", "Aa", "(1)", "?")
READERS: dict[str, Callable[[str], object]] = {
    "names": snake_case,
    "types of columns": WORDS.match,
    "types of a cast": type_name,
    "defaults": _PLAIN_DEFAULT.fullmatch,
    "classes of operators": OPCLASS.fullmatch,
    "digits": lambda text: explain_number("schema.toml", text),
}


def combined() -> Iterator[tuple[str, str, str]]:
    """Yield every two of a beginning, a piece and an ending; at night all three together."""
    for place, beginning in enumerate(BEGINNINGS):
        for number, piece in enumerate(PIECES):
            endings = ENDINGS if IS_NIGHTLY else [ENDINGS[(place + number) % len(ENDINGS)]]
            for ending in endings:
                yield beginning, piece, ending


@pytest.mark.one_interpreter
@pytest.mark.nightly
@pytest.mark.parametrize("name", READERS)
def test_long_texts_are_read_in_one_pass(name: str) -> None:
    begin, count = time.process_time(), 0
    for beginning, piece, ending in combined():
        count += 1
        try:
            READERS[name](f"{beginning}{piece * (SIZE // len(piece))}{ending}")
        except Exception as error:
            assert "is not the name of a type" in str(error)  # noqa: PT017
    # The square of one length alone would take longer than all of them may.
    assert time.process_time() - begin < 0.1 * count


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HTTPLog", "http_log"),
        ("UserProfile", "user_profile"),
        ("A", "a"),
        ("ABTest", "ab_test"),
        ("Order2Item", "order2_item"),
        ("OAuth2HTTPToken", "o_auth2_http_token"),
        ("AAaAa", "a_aa_aa"),
        ("userID", "user_id"),
    ],
)
def test_words_of_a_name_are_told_apart(name: str, expected: str) -> None:
    assert snake_case(name) == expected
