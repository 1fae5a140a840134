"""Room: preferences."""
