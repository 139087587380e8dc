"""The pages about tests and web frameworks: their files are written, and pytest runs them."""

from __future__ import annotations

import importlib
import re
import sys
import types
import warnings
from pathlib import Path

import pytest

import examples.blog
import examples.blog.db as models
import ormkit.testing.asyncio_engines
import ormkit.testing.plugin  # noqa: F401
from tests.servers import Server

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.one_interpreter

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "testing.md").read_text(encoding="utf-8")
WEB = (DOCS / "web.md").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("framework", ["fastapi", "litestar"])
def test_the_applications_of_the_page_about_web_frameworks_work(
    framework: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server18: Server
) -> None:
    files = dict(FILE.findall(WEB))
    assert [*files] == [
        "fastapi",
        "streams",
        "versions",
        "litestar",
        "test_users.py",
        "test_health.py",
    ]
    api = types.ModuleType("app.api")
    monkeypatch.setitem(sys.modules, "app", examples.blog)
    monkeypatch.setitem(sys.modules, "app.db", models)
    monkeypatch.setitem(sys.modules, "app.api", api)
    monkeypatch.setenv("ORMKIT_TEST_URL", server18.url)
    exec(files[framework], vars(api))
    if framework == "fastapi":
        exec(files["streams"], vars(api))
        exec(files["versions"], vars(api))
        with warnings.catch_warnings():
            # Starlette would rather have another client.
            warnings.simplefilter("ignore")
            importlib.import_module("starlette.testclient")
        pytester.makepyfile(test_health=files["test_health.py"] + STREAMS)
    settings = dict(FILE.findall(PAGE))["pyproject.toml"]
    pytester.path.joinpath("pyproject.toml").write_text(settings, encoding="utf-8")
    pytester.makepyfile(test_users=files["test_users.py"] + REQUESTS)
    result = pytester.runpytest_inprocess("-p", "ormkit.testing", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4 if framework == "fastapi" else 2)


#: What the page says of streams, background tasks and WebSockets.
STREAMS = """

def test_streams(database_url: str) -> None:
    with db.use(database_url), TestClient(app) as client:
        key = client.post("/users", json={"name": "Ada"}).json()["id"]
        assert client.post(f"/users/{key}/greetings").status_code == 202
        assert client.get("/users.csv").text == f"{key},Ada\\n"
        with client.websocket_connect("/users/count") as socket:
            for _ in range(2):
                socket.send_text("how many?")
                assert socket.receive_json() == 1
"""
#: What the page says of the routes.
REQUESTS = """

async def test_the_rest(ormkit_app, session: AsyncSession) -> None:
    transport = httpx.ASGITransport(app=ormkit_app(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for _ in range(2):
            answer = await client.post("/users", json={"name": "Ada", "email": "a@x"})
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:ormkit:UniqueViolation"
        await session.insert(User(name="Grace", age=40))
        found = await client.get("/users?limit=1")
        assert [each["name"] for each in found.json()["items"]] == ["Ada"]
        following = await client.get(found.links["next"]["url"])
        assert [each["name"] for each in following.json()["items"]] == ["Grace"]
        old = await client.get("/users?age__gte=30")
        assert [each["name"] for each in old.json()["items"]] == ["Grace"]
        assert (await client.get("/users?age=30")).status_code == 422
        assert (await client.get("/health")).status_code == 200
"""
