"""The page that builds an application: its files are written, checked and run."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ormkit import AsyncSession, Engine, create_engine
from ormkit.models.package import _known as known_packages
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.typing.checkers import reported

pytestmark = pytest.mark.one_interpreter

PAGE = (Path(__file__).parents[1] / "docs/application.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"# (\S+)\n")


def files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file of the page."""
    for _, text in BLOCK.findall(PAGE):
        if named := NAME.match(text):
            yield named[1], text


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("application")
    (directory / "app/db").mkdir(parents=True)
    (directory / "app/__init__.py").touch()
    for name, text in files():
        if name != "use":
            (directory / name).write_text(text, encoding="utf-8")
    for name, text in render(load([directory / "schema.toml"], directory).schema).items():
        (directory / "app/db" / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(directory))
    yield directory
    sys.path.remove(str(directory))
    known_packages.pop("app.db", None)
    for name in [each for each in sys.modules if each.partition(".")[0] == "app"]:
        del sys.modules[name]


async def run_page(engine: Engine) -> dict[str, Any]:
    """Run what the page does with its repository, and return its names."""
    names: dict[str, Any] = {"session": AsyncSession(engine)}
    for module in ("app.db", "app.settings", "app.movie_repository"):
        names |= vars(importlib.import_module(module))
    await engine.create_all(names["SCHEMA"])
    (source,) = [text for name, text in files() if name == "use"]
    done = eval(compile(source, "use", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    assert inspect.isawaitable(done)
    await done
    return names


async def answer(app: Any, path: str) -> tuple[int, Any]:
    """Return the status and the body of a GET, as a server of ASGI would send it."""
    sent: list[dict[str, Any]] = []
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(each.get("body", b"") for each in sent)
    return sent[0]["status"], json.loads(body)


async def test_the_application_of_the_page_runs(application: Path, database_url: str) -> None:
    async with await create_engine(database_url) as engine:
        names = await run_page(engine)
    app = importlib.import_module("app.api").application(database_url)
    async with app.router.lifespan_context(app):
        status, found = await answer(app, f"/movies/{names['m'].id}")
        assert status == 200
        (shown,) = [json.loads(text) for kind, text in BLOCK.findall(PAGE) if kind == "json"]
        assert found == {**shown, "id": str(names["m"].id)}
        assert (await answer(app, "/movies/00000000-0000-0000-0000-000000000000"))[0] == 404
    schema = app.openapi()["components"]["schemas"]["MovieRead"]
    assert schema["properties"]["reviews"]["items"]["$ref"].endswith("/ReviewRead")


def test_type_checkers_accept_the_application(application: Path) -> None:
    written = sorted(application.glob("app/**/*.py"))
    for checker in ("ty", "zuban"):
        assert reported(checker, written, application) == set()
