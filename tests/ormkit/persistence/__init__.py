"""Tests of `ormkit.persistence`."""
