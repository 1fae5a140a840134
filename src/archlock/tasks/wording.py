"""Counts in sentences."""


def several(count: int, one: str, more: str) -> str:
    """``1 file was`` or ``1,200 files were``: a count and the words that go with it."""
    return f"{count:,} {one if count == 1 else more}"
