"""Several targets in one project: each has its own migrations, state and database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ormkit_gen.cli.commands import run
from tests.servers import Server

pytestmark = [pytest.mark.one_interpreter, pytest.mark.slow]

SHARED = """
[[{p}targets]]
schemas = ["schemas/shop.toml"]
output = "app/shop"

[[{p}targets]]
schemas = ["schemas/crm.toml"]
output = "app/crm"
"""
MODEL = """[models.{0}]
table = "{1}"
[models.{0}.columns]
id = {{ type = "bigint", primary_key = true }}
"""

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ormkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/shop.toml").write_text(MODEL.format("Order", "orders"))
    (tmp_path / "schemas/crm.toml").write_text(MODEL.format("Lead", "leads"))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("name", ["ormkit.toml", "pyproject.toml"])
def test_each_target_has_its_own_directory_and_database(
    ormkit: Command, tmp_path: Path, server18: Server, database_url: str, name: str
) -> None:
    prefix = "tool.ormkit." if name == "pyproject.toml" else ""
    head = f"[{prefix.rstrip('.')}]\n" if prefix else ""
    with server18.database() as other:
        settings = SHARED.format(p=prefix).replace(
            'output = "app/crm"',
            'output = "app/crm"\nmigrations = "migrations/crm"\n'
            f'migrations_schema = "crm_state"\ndatabase = "{other}"',
        )
        first = f'{head}database = "{database_url}"\nshadow = "{server18.url}"\n'
        (tmp_path / name).write_text(first + settings)
        assert ormkit("generate")[0] == 0
        assert "choose a target with --target" in ormkit("migrate", "status")[2]
        for target in ("app/shop", "app/crm"):
            assert ormkit("migrate", "new", "start", "--target", target)[0] == 0
            assert ormkit("migrate", "status", "--target", target)[0] == 1
            assert ormkit("migrate", "apply", "--target", target)[0] == 0
            assert ormkit("migrate", "status", "--target", target)[0] == 0
            assert ormkit("migrate", "check", "--target", target)[0] == 0
        assert ormkit("generate", "--check")[0] == 0
        (tmp_path / "schemas/crm.toml").write_text(MODEL.format("Lead", "leads") + 'name = "text?"')
        assert ormkit("generate")[0] == 0
        code, _, err = ormkit("generate", "--check")
        assert (code, "new NAME --target app/crm" in err) == (1, True)
        states = "SELECT to_regclass('ormkit.migration') IS NOT NULL, to_regclass('crm_state.step')"
        assert server18.fetch(database_url, states) == [(True, None)]
        assert server18.fetch(other, "SELECT to_regclass('leads') IS NULL") == [(False,)]


def test_targets_that_would_share_migrations_are_refused(
    ormkit: Command, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "ormkit.toml").write_text(SHARED.format(p=""))
    assert ormkit("generate")[0] == 0
    assert ormkit("generate", "--check")[0] == 0
    for arguments in (
        *(["new", "start"], ["apply"], ["status"], ["check"], ["lint"], ["down"], ["squash"]),
        *(["baseline"], ["rebase"], ["resume"]),
    ):
        code, _, err = ormkit("migrate", *arguments, "--target", "app/crm")
        assert (code, "[shared-migrations]" in err) == (2, True), err
        assert 'migrations = "migrations/crm"' in err
    (tmp_path / "migrations").mkdir()
    assert "shared-migrations" in ormkit("generate", "--check")[2]
    same = SHARED.format(p="").replace('"\noutput', '"\nmigrations = "m"\noutput')
    same = same.replace("output =", 'migrations = "m"\noutput =')
    (tmp_path / "ormkit.toml").write_text(same)
    code, _, err = ormkit("generate")
    assert (code, "have the same migrations" in err) == (2, True)
    (tmp_path / "ormkit.toml").write_text(same.replace('"m"', '"../m"', 1).replace('"m"', "1"))
    code, _, err = ormkit("generate")
    assert (code, "'../m' must be below" in err, "must be a text" in err) == (2, True, True)


def test_an_empty_database_option_is_a_variable_that_is_not_set(
    ormkit: Command, tmp_path: Path
) -> None:
    (tmp_path / "ormkit.toml").write_text(SHARED.format(p="").partition("\n\n")[0])
    code, _, err = ormkit("migrate", "status", "--database", "")
    assert (code, "--database is empty" in err) == (2, True)
