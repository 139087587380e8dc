"""OrmKit's values in msgspec: how JSON has them, and the values of a Struct that are set."""

from __future__ import annotations

from .integrations.msgspec import dec_hook, enc_hook, given, schema_hook

__all__ = ["dec_hook", "enc_hook", "given", "schema_hook"]
