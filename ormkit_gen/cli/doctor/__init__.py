"""`ormkit doctor`: what is wrong with an installation, a project and its database."""
