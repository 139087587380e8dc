"""Tests of `ormkit.connecting`."""
