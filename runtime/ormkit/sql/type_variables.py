"""The type parameters of expressions. Nothing is imported here, so that no circle can hide them."""

from __future__ import annotations

from typing import TypeVar

O = TypeVar("O")  # noqa: E741  the model that owns the expression
T = TypeVar("T")  # what the expression is compared with
V_co = TypeVar("V_co", covariant=True)  # what a row holds
