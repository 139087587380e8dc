"""PostgreSQL's dialect as the generator needs it: types, identifiers, DDL."""
