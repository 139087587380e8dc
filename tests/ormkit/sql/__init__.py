"""Tests of `ormkit.sql`."""
