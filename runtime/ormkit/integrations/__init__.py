"""Adapters to other libraries, each imported only by who has that library."""
