"""Tests of `ormkit.postgres`."""
