"""What the execution of a model betrays of its architecture, and which of a few models is running."""
