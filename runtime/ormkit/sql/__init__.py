"""The expression language: conditions, orders, functions and literals."""
