"""What a module answers, as a fingerprint: two modules that compute something else are told apart, however they print.

A few fixed images go through a copy, in evaluation mode and as in a training. Not here: the weights, which have a
fingerprint of their own, and the data that a model is really given.
"""

import hashlib
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from archlock.execution import one_thread

_IMAGES: Final = 3
_STEPS: Final = 1000
"""Of a rounded answer: coarse, so that the rounding of other processors rarely turns one."""
_SUMS: Final = 8
"""Numbers that a longer answer is summed up to, with random signs and weights; the fewer, the rarer does one turn."""


def answers_fingerprint(module: nn.Module, shape: tuple[int, int, int]) -> str:
    """16 hex digits of the logits of a few fixed images of that shape, in evaluation mode and as in a training.

    Computed on a copy on the CPU, in double precision where the module can and rounded, so that another processor finds
    the same. Chance (dropout) is fixed for it and left as it was. What fails in a mode answers with its error's type.
    """
    with one_thread(), _fixed_chance(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the stranger's code, which says them again in the attack
        answers = [_answer(module, shape, training=training) for training in (False, True)]
    return hashlib.sha256("|".join(answers).encode()).hexdigest()[:16]


def _answer(module: nn.Module, shape: tuple[int, int, int], *, training: bool) -> str:
    """The answer in words, of the higher precision that the module can compute in."""
    failure = ""
    for dtype in (torch.float64, torch.float32):
        try:
            return _rounded(_outputs(module, shape, dtype, training=training))
        except Exception as error:  # a stranger's module may raise anything
            failure = f"fails with {type(error).__name__}"
    return failure


def _outputs(
    module: nn.Module, shape: tuple[int, int, int], dtype: torch.dtype, *, training: bool
) -> tuple[np.ndarray, ...]:
    copy = deepcopy(module).cpu().to(dtype).train(training)
    torch.manual_seed(0)
    with torch.no_grad():
        return tuple(one.detach().double().numpy() for one in _tensors(copy(_images(shape).to(dtype))))


def _images(shape: tuple[int, int, int]) -> Tensor:
    """Images in [0, 1] of every brightness: noise on a slope that turns from image to image."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0 : shape[1], 0 : shape[2]]
    slope = (rows + columns) / max(1, shape[1] + shape[2] - 2)
    slopes = np.stack([slope, 1 - slope, np.full_like(slope, 0.5)])[:_IMAGES, None]
    noise = rng.uniform(0, 1, (_IMAGES, *shape))
    return torch.from_numpy((slopes + noise) / 2)


def _tensors(answer: Any) -> Iterator[Tensor]:
    """Every tensor of an answer, whatever it is packed in."""
    if isinstance(answer, Tensor):
        yield answer
    elif isinstance(answer, Mapping):
        for value in answer.values():
            yield from _tensors(value)
    elif isinstance(answer, tuple | list):
        for value in answer:
            yield from _tensors(value)


def _rounded(answers: tuple[np.ndarray, ...]) -> str:
    """Whole numbers of steps, in units of the power of two above the largest."""
    words = []
    for values in answers:
        flat = np.nan_to_num(values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1), posinf=1e30)
        if flat.shape[1] > _SUMS:
            flat = flat @ np.random.default_rng(1).standard_normal((flat.shape[1], _SUMS))
        largest = float(np.abs(flat).max(initial=0.0))
        unit = 2.0 ** np.ceil(np.log2(largest)) if largest > 0 else 1.0
        steps = np.rint(flat / unit * _STEPS).astype(np.int64)
        words.append(f"{values.shape}{unit}{steps.tolist()}")
    return ";".join(words)


@contextmanager
def _fixed_chance() -> Iterator[None]:
    """Inside, Python's, NumPy's and torch's chance begins at a fixed point; afterwards it goes on where it was."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (what strangers' code draws from)
    with torch.random.fork_rng(devices=[]):
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
