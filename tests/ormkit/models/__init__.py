"""Tests of `ormkit.models`."""
