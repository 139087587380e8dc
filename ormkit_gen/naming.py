"""Names of modules and constants that follow from the names in a schema."""

from __future__ import annotations

import keyword
import re


def snake_case(name: str) -> str:
    """Return CapWords as snake_case: HTTPLog becomes http_log."""
    # By what stands on either side, so that a long run of capitals is not read again and again.
    words = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"(?<=[a-z\d])(?=[A-Z])", "_", words).lower()


def module_name(model: str) -> str:
    """Return the name of the module that a model is written to."""
    name = snake_case(model)
    return f"{name}_" if keyword.iskeyword(name) else name


def constant_name(name: str) -> str:
    """Return CapWords as UPPER_CASE."""
    return snake_case(name).upper()
