"""A database of a shop, and `ormkit` run on a project for it in this process."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ormkit_gen.cli.commands import run
from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

SHOP = Path(__file__).with_name("shop.sql")
SETTINGS = """# Settings of the shop.
shadow = "{shadow}"

[[targets]]
schemas = ["schemas/*.toml"]
output = "shop/db"
"""


@pytest.fixture(scope="session")
def shop_template(server18: Server) -> Iterator[str]:
    """The URL of a database with the shop's tables, to copy."""
    with server18.database() as url:
        server18.run_script(url, SHOP.read_text(encoding="utf-8"))
        yield url


@pytest.fixture
def shop(server18: Server, shop_template: str) -> Iterator[str]:
    """The URL of a database of the test's own, with the shop's tables."""
    with server18.database(shop_template) as url:
        yield url


@pytest.fixture
def project(tmp_path: Path, server18: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with settings and no schema file; the server is the shadow, too."""
    (tmp_path / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the catalogs of built schemas in a directory of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def pulled_template(
    server18: Server, shop_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project after the first pull, to copy."""
    root = tmp_path_factory.mktemp("pulled")
    (root / "ormkit.toml").write_text(SETTINGS.format(shadow=server18.url))
    arguments = ("--config", str(root / "ormkit.toml"), "--database", shop_template)
    assert run(("pull", *arguments)) == 0
    return root


@pytest.fixture
def pulled(project: Path, pulled_template: Path) -> Path:
    """The project after the first pull."""
    shutil.copytree(pulled_template, project, dirs_exist_ok=True)
    return project


@pytest.fixture
def ormkit(
    shop: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run `ormkit` with the shop's database."""
    monkeypatch.setenv("DATABASE_URL", shop)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        code = run(arguments)
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return command
