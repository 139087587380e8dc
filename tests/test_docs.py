"""The Python in the documentation runs, on a real database."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import examples.blog
import examples.blog.db as models
import ormkit
from ormkit import AsyncSession, create_engine
from ormkit.sql.lookups import LOOKUPS

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)

#: A row of the table of operators: keywords, and the same as expressions.
OPERATOR = re.compile(r"^\| `((?:Q\()?\w+=[^|]*)` \| `([^|]*)` \|", re.MULTILINE)


def blocks(document: str) -> list[str]:
    return BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


async def run(source: str, names: dict[str, Any]) -> None:
    """Run a block in which `await` and `async with` stand outside functions."""
    code = compile(source, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("document", ["docs/runtime.md", "docs/queries.md"])
async def test_a_guide_runs_from_top_to_bottom(database_url: str, document: str) -> None:
    names: dict[str, Any] = {"URL": database_url}
    found = blocks(document)
    assert len(found) >= 9
    try:
        for source in found:
            await run(source, names)
    finally:
        await names["engine"].close()


async def test_the_page_about_events_runs_from_top_to_bottom(
    blog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "app", examples.blog)
    monkeypatch.setitem(sys.modules, "app.db", models)
    names: dict[str, Any] = {"URL": blog_url}
    found = blocks("docs/observe.md")
    assert len(found) == 9
    for source in found:
        await run(source, names)
    await names["engine"].close()


async def test_every_operator_is_written_as_a_keyword_and_as_an_expression(
    session: AsyncSession,
) -> None:
    rows = OPERATOR.findall((ROOT / "docs/queries.md").read_text(encoding="utf-8"))
    #: A blog has no tsvector: `matches` has a test among those of searches.
    described = {"matches"}
    for keywords, expressions in rows:
        for keyword, expression in zip(
            keywords.split("`, `"), expressions.split("`, `"), strict=True
        ):
            # A keyword that type checkers do not know is shown in Q; filter() takes it as well.
            by = eval(keyword.replace("Q(", "dict(", 1) if "Q(" in keyword else f"dict({keyword})")
            query = session.query(getattr(models, expression.partition(".")[0]))
            same = query.filter(eval(expression, vars(models)))
            assert repr(query.filter(**by)) == repr(same)
            assert await query.filter(**by).all() == []
            described.add(next(iter(by)).partition("__")[2] or "eq")
    assert described == set(LOOKUPS)


async def test_the_queries_of_the_readme_run(blog_url: str) -> None:
    (source,) = [each for each in blocks("README.md") if "create_engine" in each]
    names = {**vars(ormkit), **vars(models)}
    await run(source.replace("postgresql://localhost/mydb", blog_url), names)
    await names["engine"].close()


async def test_the_mistakes_of_the_readme_are_refused_when_they_run(blog_url: str) -> None:
    (source,) = [each for each in blocks("README.md") if "agee__gte" in each]
    async with await create_engine(blog_url) as engine:
        names = {**vars(ormkit), **vars(models), "session": AsyncSession(engine)}
        for line in source.splitlines():
            sent = line if line.startswith("await") else f"await {line}.all()"
            with pytest.raises(ormkit.UsageError):
                await run(sent, dict(names))


@pytest.mark.one_interpreter
def test_every_code_of_a_migration_s_error_is_in_the_documentation() -> None:
    text = (ROOT / "docs/migrations/failures.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z-]+)`", text.partition("## Codes")[2]))
    sources = (ROOT / "runtime/ormkit/migrations").glob("*.py")
    used = {
        code
        for file in sources
        for code in re.findall(r'code="([a-z-]+)"', file.read_text(encoding="utf-8"))
    }
    assert len(used) > 20
    assert used <= told


@pytest.mark.one_interpreter
def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(ROOT)}: {link}"
        for document in documents
        for link in re.findall(
            r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8")
        )
        if not (document.parent / link).exists()
    ]
    assert broken == []
