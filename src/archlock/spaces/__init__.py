"""Spaces: which architectures exist and how to move between them."""

from archlock.spaces.architecture import Architecture, Space

__all__ = ["Architecture", "Space"]
