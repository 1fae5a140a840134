"""ArchLock: architectures that are good at your task and hard to repurpose."""

__version__ = "0.1.0"
