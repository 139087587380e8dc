"""What the names that other ORMs have are called here."""
