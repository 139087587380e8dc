"""The embedded PostgreSQL: a real server of one's own, from the extra `embedded`."""
