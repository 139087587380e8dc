"""Migrations: their files, their order, and what runs them on a database."""
