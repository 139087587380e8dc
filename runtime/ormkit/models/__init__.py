"""What generated code declares: columns, tables, relationships and models."""
