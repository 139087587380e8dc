"""How much bad input is tried, and that it reaches all of the public API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.reliability.bad_inputs import (
    test_conditions,
    test_copying,
    test_engine_options,
    test_expressions,
    test_nothing,
    test_objects,
    test_operators,
    test_raw_sql,
    test_reading,
    test_relationships,
    test_selecting,
    test_transactions,
    test_values,
    test_writing,
)
from tests.reliability.bad_inputs.cases import Case

MODULES = (
    *(test_conditions, test_copying, test_engine_options, test_expressions, test_objects),
    *(test_operators, test_raw_sql, test_reading, test_relationships, test_selecting, test_writing),
)
REFERENCE = Path(__file__).parents[3] / "docs/reference.md"
#: Parts of the reference whose every line is to be tried with something wrong.
SECTIONS = (
    *("Engine", "Session", "Transaction", "Query", "Change", "Load options"),
    *("Related objects", "To-one relationships", "To-many relationships", "JSON"),
    *("Full-text search", "Vectors", "Keyword operators", "Functions to import"),
)
#: What takes nothing that could be wrong.
WITHOUT_ARGUMENTS = {
    *("close", "expunge_all", "flush", "with_deleted", "only_deleted", "distinct", "exists"),
    *("count", "url", "pool_stats"),
}


def refused_cases() -> list[Case]:
    """Return every case of the modules that hold them as tables of cases."""
    tables = [each for module in MODULES for each in vars(module).values()]
    return [case for table in tables if isinstance(table, list) for case in table]


def test_there_are_many_cases_and_each_expects_an_error_that_says_something() -> None:
    cases = refused_cases()
    assert len(cases) >= 980
    assert all(isinstance(case, Case) and len(case.says) >= 5 for case in cases)
    assert len({case.says for case in cases}) >= 400


def test_there_are_many_values_for_each_kind_of_column_and_many_ways_to_it() -> None:
    tables = (test_values.BY_DRIVER, test_values.CUT, test_values.BY_SERVER)
    values = [value for table in tables for line in table for value in line[1]]
    assert len(values) >= 150
    assert len(test_values.STORING) + len(test_values.COMPARING) + len(test_values.AMONG) == 16
    assert len(test_transactions.WITHIN) + len(test_transactions.USES) >= 50
    assert len(test_nothing.TAKEN) >= 45


def names_of(section: str) -> list[str]:
    """Return the names that a part of the reference lists."""
    text = REFERENCE.read_text(encoding="utf-8").partition(f"## {section}\n")[2]
    return re.findall(r"^\| `(\w+)(?:\(\))?` \|", text.partition("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize("section", SECTIONS)
def test_each_method_is_tried_with_something_wrong(section: str) -> None:
    folder = Path(__file__).parent
    source = "\n".join(file.read_text(encoding="utf-8") for file in folder.glob("test_*.py"))
    names = set(names_of(section)) - WITHOUT_ARGUMENTS
    assert names
    missing = {name for name in names if not re.search(rf"(\b|__){name}\b", source)}
    assert not missing
