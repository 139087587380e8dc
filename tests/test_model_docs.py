"""The page about models with methods of their own: its schema, its classes and its examples run."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ormkit import AsyncSession, create_engine
from ormkit.models.package import _known as known_packages
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.methods import import_in_turn

PAGE = (Path(__file__).parents[1] / "docs/models.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
IMPORTS = "from app.db import Person, PersonBase\n"


def cases() -> Iterator[tuple[str, str]]:
    """Yield each definition of the class with the example that follows it."""
    blocks = [text for kind, text in BLOCK.findall(PAGE) if kind == "python"]
    yield from zip(blocks[::2], blocks[1::2], strict=True)


@pytest.mark.parametrize("place", range(3))
async def test_the_examples_of_the_page_about_models_run(
    database_url: str, tmp_path: Path, place: int
) -> None:
    source, use = list(cases())[place]
    assert source.startswith("# app/people.py\n")
    assert use.startswith("# use\n")
    app = f"app_{uuid.uuid4().hex}"
    (schema,) = [text for kind, text in BLOCK.findall(PAGE) if kind == "toml"]
    (tmp_path / "schema.toml").write_text(schema.replace("app.people", f"{app}.people"))
    (tmp_path / app / "db").mkdir(parents=True)
    (tmp_path / app / "__init__.py").touch()
    (tmp_path / app / "people.py").write_text((IMPORTS + source).replace("app.db", f"{app}.db"))
    for name, text in render(load([tmp_path / "schema.toml"], tmp_path).schema).items():
        (tmp_path / app / "db" / name).write_text(text)
    models: ModuleType
    (models,) = import_in_turn(tmp_path, f"{app}.db")
    known_packages.pop(f"{app}.db", None)
    assert f"{app}.people" in sys.modules
    async with await create_engine(database_url) as engine:
        await engine.create_all(models.SCHEMA)
        names: dict[str, Any] = {**vars(models), "session": AsyncSession(engine)}
        code = compile(use, "block", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        done = eval(code, names)
        assert inspect.isawaitable(done)
        await done
