"""The arithmetic over samples, and what is said of it."""

from __future__ import annotations

import pytest

from benchmarks.comparison import parse
from benchmarks.libraries import UnknownLibrary, choose, load
from benchmarks.measuring import Measured, Spread, ratios, rotated
from benchmarks.tables import ahead_of, noise, verdicts, verdicts_of
from benchmarks.works import WORKS, Work


def work(method: str) -> Work:
    return next(each for each in WORKS if each.method == method)


def test_a_ratio_is_taken_within_its_round() -> None:
    """A slow round is slow for everyone, and must not count against whoever was in it."""
    assert ratios([2.0, 30.0], [1.0, 15.0]) == [2.0, 2.0]


def test_samples_of_different_rounds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def test_the_median_and_not_the_mean_stands_for_the_rounds() -> None:
    measured = Measured(work("get"), {"bare": [1.0] * 5, "ormkit": [1.0, 1.1, 1.2, 1.3, 90.0]})
    assert measured.ratios("ormkit") == Spread(1.2, 1.1, 1.3)


def test_one_round_has_no_spread() -> None:
    assert Spread.of([3.0]) == Spread(3.0, 3.0, 3.0)


def test_a_work_is_measured_by_its_own_floor() -> None:
    measured = Measured(work("get_in_tasks"), {"pool": [4.0], "ormkit": [1.0]})
    assert measured.ratios("ormkit").median == 0.25


def test_every_library_is_first_in_some_round() -> None:
    libraries = [load("bare"), load("pool"), load("ormkit")]
    orders = [rotated(libraries, number) for number in range(3)]
    assert [order[0].key for order in orders] == ["bare", "pool", "ormkit"]
    assert {frozenset(each.key for each in order) for order in orders} == {
        frozenset({"bare", "pool", "ormkit"})
    }


@pytest.mark.parametrize(("seconds", "is_met"), [(1.1, True), (1.15, True), (1.151, False)])
def test_a_limit_is_met_up_to_its_value_and_not_rounded(seconds: float, is_met: bool) -> None:
    (verdict,) = verdicts_of([Measured(work("get"), {"bare": [1.0], "ormkit": [seconds]})])
    assert verdict.is_met is is_met


def test_coalescing_off_has_a_limit_of_its_own() -> None:
    found = Measured(work("get_in_tasks"), {"pool": [1.0], "ormkit": [0.1], "ormkit-alone": [0.55]})
    assert [(each.key, each.is_met) for each in verdicts_of([found])] == [
        ("ormkit", True),
        ("ormkit-alone", False),
    ]


def test_chance_is_the_spread_of_the_same_code_and_not_its_median() -> None:
    """A median of 1 may be luck, and has once made a wild figure look certain."""
    seconds = {"bare": [1.0] * 3, "ormkit": [1.0] * 3, "ormkit-alone": [0.2, 1.0, 5.0]}
    assert noise(Measured(work("count"), seconds)) == pytest.approx(2.0)
    steady = {"bare": [1.0] * 3, "ormkit": [1.0, 2.0, 3.0], "ormkit-alone": [1.0, 2.0, 3.0]}
    assert noise(Measured(work("count"), steady)) == 0


def test_lookups_have_no_same_code_and_their_own_spread_is_taken() -> None:
    seconds = {"bare": [1.0] * 3, "ormkit": [1.0] * 3, "ormkit-alone": [1.2, 1.2, 1.2]}
    assert noise(Measured(work("get"), seconds)) == 0
    wide = {"bare": [1.0] * 3, "ormkit": [0.5, 1.0, 1.5]}
    assert noise(Measured(work("get"), wide)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("samples", "word"),
    [([1.0, 1.0, 1.0], "met"), ([2.0, 2.0, 2.0], "NOT met"), ([0.5, 1.1, 1.9], "undecided")],
)
def test_a_limit_that_chance_can_cross_is_undecided(samples: list[float], word: str) -> None:
    (verdict,) = verdicts_of([Measured(work("get"), {"bare": [1.0] * 3, "ormkit": samples})])
    assert verdict.word == word


def test_a_peer_that_is_faster_is_named_and_a_reference_is_not() -> None:
    class Peer(type(load("ormkit"))):  # type: ignore[misc]
        key = "peer"
        title = "A peer"

    libraries = [load("bare"), load("pool"), load("ormkit"), load("ormkit-alone"), Peer()]
    seconds = {key: [1.0] for key in ("bare", "pool", "ormkit-alone", "peer")} | {"ormkit": [1.1]}
    measured = Measured(work("count"), seconds)
    assert [each.key for each in ahead_of(measured, libraries)] == ["peer"]
    assert verdicts([measured], libraries).endswith("behind A peer")


def test_an_unknown_library_is_refused() -> None:
    with pytest.raises(UnknownLibrary, match="no library 'django': there are bare, pool"):
        choose(["django"])


def test_the_floor_and_the_pool_are_always_there() -> None:
    assert [each.key for each in choose(["ormkit"])[0]] == ["bare", "pool", "ormkit"]


def test_a_method_names_one_work_and_a_text_those_whose_title_has_it() -> None:
    assert [each.method for each in parse(["--only", "get"]).works] == ["get"]
    assert [each.method for each in parse(["--only", "insert"]).works] == ["insert"]
    assert [each.method for each in parse(["--only", "5,000"]).works] == ["insert_many", "upsert"]


@pytest.mark.parametrize("options", [["--only", "get"], ["--libraries", "ormkit"]])
def test_a_part_is_not_published(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--write", *options])
    assert "--write publishes every work and library" in capsys.readouterr().err
