"""Names of modules and constants, derived from the names in a schema."""

from __future__ import annotations

import keyword
import re

#: Modules of a generated package that do not belong to a model.
OTHER_MODULES = frozenset({"enums"})


def snake_case(name: str) -> str:
    """Return CapWords as snake_case: HTTPLog becomes http_log."""
    # Lookarounds check only the neighbors, so that a long run of capitals takes linear time.
    words = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", words).lower()


def module_name(model: str) -> str:
    """Return the name of a model's module."""
    name = snake_case(model)
    return f"{name}_" if keyword.iskeyword(name) or name in OTHER_MODULES else name


def constant_name(name: str) -> str:
    """Return CapWords as UPPER_CASE."""
    return snake_case(name).upper()


def base_name(model: str) -> str:
    """Return the name of the class from which the methods of a model derive."""
    return f"{model}Base"
