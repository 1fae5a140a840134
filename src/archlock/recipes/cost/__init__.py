"""What one model costs here, and how long a space of them takes on this machine."""
