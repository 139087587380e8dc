"""The DDL of a schema."""
