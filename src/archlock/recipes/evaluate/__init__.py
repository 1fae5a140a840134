"""Methods that decide from a recorded table, judged by what they were not sold."""
