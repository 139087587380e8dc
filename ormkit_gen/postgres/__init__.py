"""PostgreSQL's SQL dialect: types, identifiers, DDL."""
