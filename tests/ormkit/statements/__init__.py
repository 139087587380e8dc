"""Tests of `ormkit.statements`."""
