"""How tests run: one numerical thread each, as in a worker (``pytest -n auto``), and shapes are checked at every call.

Functions inside functions are left out: they are made anew at every call, and making one that checks takes longer than
most of them run.
"""

import os
from collections.abc import Callable
from typing import Any

import jaxtyping

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_jaxtyped = jaxtyping.jaxtyped


def _checking(*, typechecker: Any) -> Callable[[Any], Any]:
    """What the import hook puts before every function and class."""

    def decorate(one: Any) -> Any:
        return one if "<locals>" in one.__qualname__ else _jaxtyped(one, typechecker=typechecker)

    return decorate


jaxtyping.jaxtyped = _checking  # type: ignore[assignment]
