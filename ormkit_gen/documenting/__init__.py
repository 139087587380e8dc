"""Pages and diagrams of a schema, made from the IR: nothing is asked of a database."""
