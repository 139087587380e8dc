"""Tests of `ormkit.shapes`."""
