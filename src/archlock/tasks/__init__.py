"""Tasks: what is to be learned, where it comes from, and what can be simulated from it."""

from archlock.tasks.task import Kind, Signature, Split, Task

__all__ = ["Kind", "Signature", "Split", "Task"]
