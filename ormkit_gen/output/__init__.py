"""A generated package on the disk: what it owns, what would change, and one change of it all."""
