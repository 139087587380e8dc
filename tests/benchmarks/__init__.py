"""What benchmarks compute and compare; nothing here is timed."""
