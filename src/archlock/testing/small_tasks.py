"""Small real tasks for contract suites and tests: handwritten digits, 8 x 8 pixels, embedded in scikit-learn."""

from functools import cache

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks import Split, Task


def small_digits(
    *, train: int = 120, validation: int = 60, test: int = 60, labels: tuple[int, ...] = tuple(range(10)), seed: int = 0
) -> Task:
    """Which of these digits is it? As many examples as asked for, chosen by the seed; splits share no image."""
    images, digits = _images()
    rows = np.flatnonzero(np.isin(digits, labels))
    rows = rng_for(seed, "small digits").permutation(rows)[: train + validation + test]
    targets = np.searchsorted(labels, digits[rows]).astype(np.int64)
    splits = _cut(images[rows], targets, (train, validation, test))
    return Task("digits", "classification", tuple(map(str, labels)), *splits, origin="scikit-learn")


def small_negatives(*, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """A dense task: say the photographic negative of a digit."""
    images, _ = _images()
    images = images[rng_for(seed, "small negatives").permutation(len(images))[: train + validation + test]]
    splits = _cut(images, 255 - images, (train, validation, test))
    return Task("negatives", "dense", (), *splits, origin="scikit-learn")


@cache
def _images() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return np.round(loaded.images * (255 / 16)).astype(np.uint8)[..., None], loaded.target


def _cut(images: np.ndarray, targets: np.ndarray, sizes: tuple[int, int, int]) -> tuple[Split, Split, Split]:
    first, second, third = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return tuple(Split(images[rows], targets[rows]) for rows in (first, second, third))  # type: ignore[return-value]
