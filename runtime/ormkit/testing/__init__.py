"""Fixtures for pytest that give each test a database, and factories of objects.

PYTEST_DONT_REWRITE: there are no assertions in it.
"""

from __future__ import annotations

__all__ = ["pytest_plugins"]

#: The plugin proper. pytest loads it with this package: `pytest -p ormkit.testing`.
pytest_plugins = ["ormkit.testing.plugin"]
