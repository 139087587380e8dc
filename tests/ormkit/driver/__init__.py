"""Tests of `ormkit.driver`."""
