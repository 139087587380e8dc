"""Tests of `ormkit.pool`."""
