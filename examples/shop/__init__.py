"""A shop on OrmKit, served by FastAPI and by Litestar; db/ is generated from schemas/shop.toml."""
