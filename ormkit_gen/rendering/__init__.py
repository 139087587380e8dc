"""What generated code says: views of the schema, printed by templates."""
