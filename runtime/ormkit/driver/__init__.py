"""The seam to asyncpg: connections, the values they send and read, and the errors they raise."""
