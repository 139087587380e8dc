"""Edits of schema files in Python."""
