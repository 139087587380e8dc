"""What is measured; nothing here is a test."""
