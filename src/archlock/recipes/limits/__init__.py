"""Limits on what is released: what they are, what an architecture costs, and how a device's latency is foretold."""
