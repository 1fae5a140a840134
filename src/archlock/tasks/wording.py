"""Counts in sentences."""


def several(count: int, one: str, more: str) -> str:
    """``1 file was`` or ``1,200 files were``: a count and the words that go with it."""
    return f"{count:,} {one if count == 1 else more}"


def in_bytes(count: int) -> str:
    """``2.8 GiB`` or ``614.4 MiB``."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
