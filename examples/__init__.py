"""Small real applications of OrmKit."""
