"""Rows become objects, with the relationships that a query asks for."""
