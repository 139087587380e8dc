"""Objects become rows: insert, update, upsert, and what a transaction writes at its end."""
