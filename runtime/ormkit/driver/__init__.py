"""The adapter to asyncpg: connections, prepared statements, codecs, and error translation."""
