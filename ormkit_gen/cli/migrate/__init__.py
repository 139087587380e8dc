"""The commands of `ormkit migrate`."""
