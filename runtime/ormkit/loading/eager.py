"""Eager loading: reading objects with everything that their load options ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..statements.statement import Executor
from .attach import related_objects
from .plan import Step
from .selectin import read_step


async def load_steps(executor: Executor, objects: Sequence[Any], steps: tuple[Step, ...]) -> None:
    """Load what the steps name for objects that are there, one query for each step."""
    if not objects:
        return
    for step in steps:
        related = await load_step(executor, objects, step)
        if step.below:
            await load_steps(executor, related, step.below)


async def load_step(executor: Executor, objects: Sequence[Any], step: Step) -> list[Any]:
    """Load one relationship for all objects, and return the objects it led to, each once."""
    relationship = step.relationship
    if step.strategy == "selectin":
        return await read_step(executor, objects, step)
    if step.strategy == "none":
        for each in objects:
            empty = relationship.list_type() if relationship.is_to_many else None
            setattr(each, relationship.slot, empty)
        return []
    # It came with the objects.
    return related_objects(objects, relationship) if step.below else []
