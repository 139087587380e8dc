"""Tests of `ormkit_gen.documenting`."""
