"""Schema files from a live database."""
