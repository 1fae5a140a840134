"""The shapes in the annotations are checked while the tests run, wherever arrays go."""

import tomllib
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

from archlock.training.dense_probe import ridge

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"].split()
(CHECKED,) = [option.partition("=")[2].split(",")[:-1] for option in OPTIONS if option.startswith("--jaxtyping")]
EXEMPT = {"archlock.tasks.task"}  # refuses wrong arrays in words of its own, and is tested with them


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


def test_every_file_with_shapes_is_checked() -> None:
    shaped = {module_of(p) for p in (ROOT / "src").rglob("*.py") if "from jaxtyping import" in p.read_text()}
    unchecked = {name for name in shaped if not any(f"{name}.".startswith(f"{room}.") for room in CHECKED)}
    assert unchecked == EXEMPT


def test_what_is_checked_exists() -> None:
    modules = {module_of(path) for path in (ROOT / "src").rglob("*.py")}
    assert set(CHECKED) <= modules


def test_a_wrong_shape_is_found() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="cross"):
        ridge(np.eye(3), np.ones((4, 2)), 1.0)
