"""PostgreSQL's dialect: its types, its values and its names."""
