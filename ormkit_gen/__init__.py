"""The build-time half of OrmKit: reads schemas and writes the code that runs without it."""
