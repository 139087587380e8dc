"""The project around a schema: its settings, its targets, and the files to start with."""
