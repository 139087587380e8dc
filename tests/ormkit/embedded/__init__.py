"""Tests of `ormkit.embedded`."""
