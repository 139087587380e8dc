"""Tests of `ormkit.events`."""
