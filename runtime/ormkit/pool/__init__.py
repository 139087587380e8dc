"""Connections that are kept open, who holds them, and the wait while the server refuses them."""
