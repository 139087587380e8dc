"""Eager loading: it runs the steps of a plan over objects that were read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..statements.executor import Executor
from .step import Step


async def load_steps(executor: Executor, objects: Sequence[Any], steps: tuple[Step, ...]) -> None:
    """Load the relationships of all objects, and then those below; one query for each step."""
    if not objects:
        return
    for step in steps:
        related = await step.load(executor, objects)
        if step.below:
            await load_steps(executor, related, step.below)
