"""Tests of `ormkit.integrations`."""
