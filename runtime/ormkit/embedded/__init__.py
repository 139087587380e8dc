"""The embedded PostgreSQL: a private server process in a directory (the extra `embedded`)."""
