"""A Python prompt with `await`: each input runs in one event loop, which rests in between."""

from __future__ import annotations

import ast
import asyncio
import code
import inspect
from types import CodeType, FunctionType
from typing import Any


class Console(code.InteractiveConsole):
    """A prompt whose inputs may await at their top level."""

    def __init__(self, names: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(names)
        self._names = names
        self._loop = loop
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def runcode(self, code: CodeType) -> None:
        """Run an input, and wait for it if it awaits something."""
        try:
            result = FunctionType(code, self._names)()
            if inspect.iscoroutine(result):
                self._loop.run_until_complete(result)
        except SystemExit:
            raise
        except BaseException:
            self.showtraceback()
