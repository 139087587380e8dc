"""The embedded PostgreSQL: a real server of one's own, from the extra `embedded`."""

from __future__ import annotations

from .server import EmbeddedServer
from .url import open_embedded

__all__ = ["EmbeddedServer", "open_embedded"]
