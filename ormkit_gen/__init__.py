"""The build-time part of OrmKit: it reads schemas and generates code. That code runs without it."""
