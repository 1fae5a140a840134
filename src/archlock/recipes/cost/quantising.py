"""How small and how fast a model gets in whole numbers of eight bits, measured in ONNX Runtime."""

import logging
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from archlock.recipes.limits.runtimes import time_onnx
from archlock.recipes.limits.timing import Timing

IMAGES: Final = 8
"""Random images by which the ranges of feature maps are found: they change the accuracy, never the size."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """A model in eight bits."""

    file_bytes: int
    timing: Timing
    """In ONNX Runtime: on many processors eight bits are smaller and not faster."""


def quantised(path: Path, inputs: dict[str, tuple[int, ...]]) -> Quantised:
    """Quantise an ONNX file (static, QDQ, a scale for each channel), and time it. Needs the extra ``deploy``."""
    from onnxruntime import quantization

    class Images(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Some random images."""

        def __init__(self) -> None:
            rng = np.random.default_rng(0)
            self._left = [{n: rng.random(s, dtype=np.float32) for n, s in inputs.items()} for _ in range(IMAGES)]

        def get_next(self) -> Any:
            """The next, None at the end."""
            return self._left.pop() if self._left else None

    before = logging.root.level
    logging.root.setLevel(logging.ERROR)  # (it recommends a preprocessing on the root logger)
    try:
        with TemporaryDirectory() as folder:
            small = Path(folder) / "int8.onnx"
            quantization.quantize_static(str(path), str(small), Images(), per_channel=True)
            return Quantised(small.stat().st_size, time_onnx(small, inputs))
    finally:
        logging.root.setLevel(before)
