"""Small real tasks for contract suites and tests: handwritten digits, 8 x 8 pixels, embedded in scikit-learn."""

from collections.abc import Callable
from functools import cache

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks import Kind, Split, Task


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


def small_signals(
    *,
    channels: int = 1,
    train: int = 120,
    validation: int = 60,
    test: int = 60,
    labels: tuple[int, ...] = tuple(range(10)),
    seed: int = 0,
) -> Task:
    """Digits as signals: their 8 rows one after the other (1 channel of 64 steps), or each a channel (8 of 8 steps).

    Values are measured: 0 to 16, as the data have them.
    """
    digits = small_digits(train=train, validation=validation, test=test, labels=labels, seed=seed)

    def along(split: Split) -> Split:
        values = np.rint(split.images[..., 0] * (16 / 255)).astype(np.int16)
        rows = values.reshape(len(values), channels, -1)
        return Split(np.ascontiguousarray(rows.swapaxes(1, 2)[:, None]), split.targets)

    splits = along(digits.train), along(digits.validation), along(digits.test)
    return Task("rows", "classification", digits.classes, *splits, origin="scikit-learn", form="signal")


def small_negatives(*, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """A dense task: say the photographic negative of a digit."""
    images, _ = _images()
    images = images[rng_for(seed, "small negatives").permutation(len(images))[: train + validation + test]]
    splits = _cut(images, 255 - images, (train, validation, test))
    return Task("negatives", "dense", (), *splits, origin="scikit-learn")


def small_labels(*, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """Which of these are true of a digit: it is even, it is above 4, it is divisible by 3?"""
    images, digits = _images()
    rows = rng_for(seed, "small labels").permutation(len(images))[: train + validation + test]
    there = np.stack([digits % 2 == 0, digits > 4, digits % 3 == 0], 1).astype(np.uint8)
    splits = _cut(images[rows], there[rows], (train, validation, test))
    return Task("traits", "labels", ("even", "above 4", "by 3"), *splits, origin="scikit-learn")


def small_regression(*, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """Which digit is it, as a number, and how much ink does it take? Both standardised."""
    images, digits = _images()
    numbers = np.stack([digits, images.mean((1, 2, 3))], 1)
    numbers = ((numbers - numbers.mean(0)) / numbers.std(0)).astype(np.float32)
    rows = rng_for(seed, "small regression").permutation(len(images))[: train + validation + test]
    splits = _cut(images[rows], numbers[rows], (train, validation, test))
    return Task("amounts", "regression", (), *splits, origin="scikit-learn")


def small_field(*, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """A field: the brightness of a digit summed from the left, in units of its width."""
    images, _ = _images()
    images = images[rng_for(seed, "small field").permutation(len(images))[: train + validation + test]]
    summed = (np.cumsum(images / 255.0, axis=2) / images.shape[2]).astype(np.float32)
    return Task("sums", "field", (), *_cut(images, summed, (train, validation, test)), origin="scikit-learn")


def small_task(kind: Kind, *, train: int = 120, validation: int = 60, test: int = 60, seed: int = 0) -> Task:
    """One of each kind."""
    makers: dict[Kind, Callable[..., Task]] = {
        "classification": small_digits,
        "dense": small_negatives,
        "labels": small_labels,
        "regression": small_regression,
        "field": small_field,
    }
    return makers[kind](train=train, validation=validation, test=test, seed=seed)


@cache
def _images() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return np.round(loaded.images * (255 / 16)).astype(np.uint8)[..., None], loaded.target


def _cut(images: np.ndarray, targets: np.ndarray, sizes: tuple[int, int, int]) -> tuple[Split, Split, Split]:
    first, second, third = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return tuple(Split(images[rows], targets[rows]) for rows in (first, second, third))  # type: ignore[return-value]
