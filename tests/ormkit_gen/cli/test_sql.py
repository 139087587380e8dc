"""`ormkit sql`."""

from __future__ import annotations

from pathlib import Path

from tests.ormkit_gen.cli.conftest import SETTINGS, Command


def test_the_ddl_is_what_the_package_holds(project: Path, ormkit: Command) -> None:
    run = ormkit("sql")
    assert (run.returncode, run.stderr) == (0, "")
    assert "CREATE TABLE" in run.stdout
    ormkit("generate")
    assert (project / "app/db/schema.sql").read_text().endswith(run.stdout)


def test_of_several_targets_one_is_chosen(project: Path, ormkit: Command) -> None:
    (project / "schemas/shop.toml").write_text(
        '[models.Shop.columns]\nid = { type = "bigint", primary_key = true }\n'
    )
    second = SETTINGS.replace("blog", "shop").replace("app/db", "shop")
    (project / "ormkit.toml").write_text(SETTINGS + second)
    run = ormkit("sql")
    assert run.returncode == 2
    assert "app/db, shop" in run.stderr
    assert "TABLE IF NOT EXISTS shop " in ormkit("sql", "--target", "shop").stdout
    run = ormkit("sql", "--target", "shp")
    assert run.returncode == 2
    assert "there is no target 'shp'" in run.stderr
