"""The same function, harder to read off its execution, within a budget of time."""
