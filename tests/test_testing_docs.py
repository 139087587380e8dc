"""The page about tests: its files are written, and pytest runs them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import examples.blog
import examples.blog.db as models
import ormkit.testing.asyncio_engines
import ormkit.testing.plugin  # noqa: F401
from tests.servers import Server

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.one_interpreter

PAGE = (Path(__file__).parents[1] / "docs/testing.md").read_text(encoding="utf-8")
FILE = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_files_of_the_page_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server18: Server
) -> None:
    monkeypatch.setitem(sys.modules, "app", examples.blog)
    monkeypatch.setitem(sys.modules, "app.db", models)
    monkeypatch.setenv("ORMKIT_TEST_URL", server18.url)
    files = FILE.findall(PAGE)
    tests = sum(text.count("def test_") for _, text in files)
    for name, text in files:
        pytester.path.joinpath(name).write_text(text, encoding="utf-8")
    result = pytester.runpytest_inprocess("-p", "ormkit.testing", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=tests)
    assert tests >= 3
