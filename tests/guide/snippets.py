"""Running a snippet of the guide as it is written."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import examples.blog.db as models
import ormkit


async def run(source: str, **names: Any) -> dict[str, Any]:
    """Run a snippet in which `await` stands outside functions; return the names it leaves.

    It sees the blog's models, everything that ormkit exports, and the names given.
    """
    scope: dict[str, Any] = {**vars(ormkit), **vars(models), **names}
    code = compile(
        inspect.cleandoc(source), "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    result = eval(code, scope)
    if inspect.isawaitable(result):
        await result
    return scope
