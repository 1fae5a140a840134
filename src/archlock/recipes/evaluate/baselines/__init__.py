"""What ordinary methods do with the evidence of a recorded table."""
