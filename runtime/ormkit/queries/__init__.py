"""Query and what it returns: rows, pages, streams and changes."""
