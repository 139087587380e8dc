"""BEGIN to COMMIT, the unit of work, and what a session and a transaction both offer."""
