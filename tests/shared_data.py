"""Where the real benchmark tables and images lie, for tests that use them when they are there."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(relative: str) -> Path:
    """Path of a shared file; the test is skipped on a machine that does not have the shared data."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"needs the shared data: {relative}")
    return path
