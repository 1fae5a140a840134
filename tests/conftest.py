"""How tests run: one numerical thread each, as in a worker (``pytest -n auto``); unit tests check shapes at every call.

Functions inside functions are left out: they are made anew at every call, and making one that checks takes longer than
most of them run.
"""

import os
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_jaxtyped = jaxtyping.jaxtyped


def _checking(*, typechecker: Any) -> Callable[[Any], Any]:
    """What the import hook puts before every function and class."""

    def decorate(one: Any) -> Any:
        return one if "<locals>" in one.__qualname__ else _jaxtyped(one, typechecker=typechecker)

    return decorate


jaxtyping.jaxtyped = _checking  # type: ignore[assignment]

UNCHECKED = {"contracts", "integration", "house", "recipes"}
"""Folders of tests that run without: they call the same functions millions of times."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before anything that the test needs is made."""
    unchecked = bool(UNCHECKED & set(item.path.parts)) and item.path.name != "test_type_checks.py"
    jaxtyping.config.update("jaxtyping_disable", unchecked)
