"""JSON Schemas of schema files and settings, by which editors complete and check them."""
