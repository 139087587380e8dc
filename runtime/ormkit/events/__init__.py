"""What an engine tells its listeners: each statement, transaction and connection, as it ends."""
