"""SQL text, the cache of it, and what runs it."""
