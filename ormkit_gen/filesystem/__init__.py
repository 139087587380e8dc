"""What the file system is asked for beside reading and writing."""
