"""Tests of the shop, with the fixtures of ormkit.testing."""
