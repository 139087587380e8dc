"""Tests of `ormkit.loading`."""
