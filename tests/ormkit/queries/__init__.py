"""Tests of `ormkit.queries`."""
