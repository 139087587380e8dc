"""How a live database differs from the schema files."""
