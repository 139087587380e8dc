"""The site of the documentation: its navigation, its links, and the check of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli

from website.build import page_text, pages
from website.links import broken_links

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[1]


def test_every_document_is_in_the_navigation_once() -> None:
    settings = tomli.loads((ROOT / "website/zensical.toml").read_text(encoding="utf-8"))
    groups = [each for group in settings["project"]["nav"] for each in group.values()]
    named = [page for group in groups for each in group for page in each.values()]
    assert sorted(named) == sorted(page for page in pages().values() if page.endswith(".md"))


def test_links_lead_to_pages_and_others_to_the_repository() -> None:
    known = pages()
    text = page_text("README.md", known, None)
    assert "](migrations.md)" in text
    assert "](docs/" not in text
    text = page_text("docs/migrations.md", known, "https://example.org/code")
    assert "](migrations/zero-downtime.md)" in text
    text = page_text("docs/reference.md", known, "https://example.org/code")
    assert "](https://example.org/code/tests/ormkit/test_engine.py)" in text
    assert "](../" not in page_text("docs/reference.md", known, None)


def test_code_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text("```\n[a](../b)\n```\n\n    [a](../b)\n[a](../b)\n")
    monkeypatch.setattr("website.build.ROOT", tmp_path)
    made = page_text("page.md", {"page.md": "page.md"}, None)
    assert made == "```\n[a](../b)\n```\n\n    [a](../b)\na\n"


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text('<h1 id="here">x</h1><a href="deep/two.html#there">x</a>')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/two.html").write_text(
        '<h1 id="there">x</h1><a href="../one.html#here">x</a><a href="../one.html#gone">x</a>'
        '<a href="three.html">x</a><a href="https://example.org">x</a>'
        '<script src="https://example.org/x.js"></script><a href="#there">x</a>'
    )
    assert broken_links(tmp_path) == [
        "deep/two.html: ../one.html#gone has no such anchor",
        "deep/two.html: three.html leads nowhere",
        "deep/two.html: https://example.org/x.js is loaded from another host",
    ]
