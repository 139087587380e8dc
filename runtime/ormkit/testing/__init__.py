"""Fixtures for pytest that give each test a database, and factories of objects.

PYTEST_DONT_REWRITE: there are no assertions in it.
"""

from __future__ import annotations

from .factories import Factory

__all__ = ["Factory", "pytest_plugins"]

#: The plugin proper. pytest loads it with this package: `pytest -p ormkit.testing`.
pytest_plugins = ["ormkit.testing.plugin"]
