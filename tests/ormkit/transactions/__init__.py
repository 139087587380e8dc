"""Tests of `ormkit.transactions`."""
