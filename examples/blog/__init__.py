"""A blog on OrmKit: the models in db/ are generated from schemas/blog.toml."""
