"""The connection pool: open connections, their checkouts, and reconnecting with backoff."""
