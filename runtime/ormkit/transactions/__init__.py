"""Transactions, savepoints, the unit of work, and the operations that sessions share with them."""
