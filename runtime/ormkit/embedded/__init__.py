"""The embedded PostgreSQL: a real server of one's own, from the extra `embedded`."""

from __future__ import annotations

from .server import EmbeddedServer

__all__ = ["EmbeddedServer"]
