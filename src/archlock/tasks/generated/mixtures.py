"""Two speakers at once: which words are said? Several labels, of recordings of one speaker each.

As FSD50K in NAS-Bench-360 (several sounds at once), made of recordings that have a label and a speaker. A picture of a
recording is its spectrum over time in decibels, level 255 for the loudest value that there is.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from archlock.errors import TaskError
from archlock.seeding import rng_for
from archlock.tasks.generated.recipe import Counted, Recipe, whole_number
from archlock.tasks.task import Split, Task, check_classes
from archlock.tasks.unclassed import unclassed_task

DECIBELS: Final = 80
"""What levels of 0 to 255 span, unless it is said; spectra are commonly cut there."""
LOUDER: Final = 5.0
"""Decibels by which the second speaker is louder or softer, at most."""
SPEAKER: Final = "speaker"


class Mixtures(Recipe):
    """Every recording of a split, with one of another speaker of that split, drawn at random, added to it.

    Powers add up; the second one is turned up or down by a random number of decibels, uniform within LOUDER. Level 0
    counts as silence. A constant answer scores what labels have in common: about 0.19 with ten digits.
    """

    name = "mixtures"
    description = "which words two speakers say at once, from recordings of one (several labels)"
    argument = "DATA"
    example = "mixtures:spoken_digits.npz"
    options: ClassVar[Mapping[str, str]] = {
        "speaker": f"arrays of the speakers: NAME of NAME_train and the like (default {SPEAKER})",
        "decibels": f"what levels of 0 to 255 span (default {DECIBELS})",
    }
    based = True

    def check(self, argument: str, options: Mapping[str, str]) -> None:  # noqa: ARG002  (it is looked at elsewhere)
        """The decibels."""
        _decibels(options)

    def make(
        self,
        argument: str,
        options: Mapping[str, str],
        *,
        opened: Callable[[Mapping[str, str]], Task],
        seed: int,
        progress: Counted | None = None,
    ) -> Task:
        """One mixture for each recording, split by split."""
        decibels, words = _decibels(options), opened({})
        check_classes(words, "a mixture has the words of two recordings, so each needs one")
        if words.form != "image" or words.measured:
            raise TaskError(f"{words.name!r} holds no spectra as pictures of levels (uint8); give such recordings")
        speakers = opened({"label": options.get("speaker", SPEAKER)})
        splits = {}
        for done, name in enumerate(("train", "validation", "test"), start=1):
            split, spoken = getattr(words, name), getattr(speakers, name)
            if not np.array_equal(split.images, spoken.images):
                raise TaskError(
                    f"{argument}: its {name} split is made of train by words, so recordings and speakers do not "
                    "agree; give x_validation, y_validation, x_test, y_test and speakers of all"
                )
            splits[name] = _mixed_split(split, spoken.targets, len(words.classes), decibels, name, seed, argument)
            if progress is not None:
                progress(done, 3)
        brought = words.origin.removesuffix("; ".join(("", *words.remarks)))  # (that speakers are not used is not so)
        return unclassed_task(
            f"mixtures-{words.name}",
            "labels",
            words.classes,
            splits["train"],
            splits["validation"],
            splits["test"],
            where=f"mixtures:{argument}",
            origin=f"{brought}; each mixed with another speaker's (within {LOUDER:g} dB, levels span {decibels} dB, "
            f"seed {seed})",
            seed=seed,
        )


def added(
    first: UInt8[np.ndarray, "n height width channels"],
    second: UInt8[np.ndarray, "n height width channels"],
    gains: Float64[np.ndarray, " n"],
    decibels: int,
) -> UInt8[np.ndarray, "n height width channels"]:
    """Spectra whose powers are added, the second ones raised by so many decibels; the loudest value becomes 255."""
    factor = 10 ** (gains / 10)
    power = _power(first, decibels) + _power(second, decibels) * factor[:, None, None, None]
    loudest = power.max(axis=(1, 2, 3), keepdims=True)
    with np.errstate(divide="ignore"):  # (silence has no decibels)
        below = 10 * np.log10(power / np.where(loudest > 0, loudest, 1))
    return np.rint(255 * np.clip(1 + below / decibels, 0, 1)).astype(np.uint8)


def _power(levels: UInt8[np.ndarray, "n height width channels"], decibels: int) -> Float64[np.ndarray, "n h w c"]:
    """Of level 255 it is 1, of level 0 nothing."""
    return np.where(levels > 0, 10 ** ((levels / 255.0 - 1) * decibels / 10), 0.0)


def _mixed_split(
    split: Split,
    speakers: Int64[np.ndarray, " examples"],
    count: int,
    decibels: int,
    name: str,
    seed: int,
    argument: str,
) -> Split:
    if len(np.unique(speakers)) < 2:
        raise TaskError(f"{argument}: all recordings of {name} are of one speaker; a mixture needs two")
    rng = rng_for(seed, "mixtures", name)
    order = np.argsort(speakers, kind="stable")  # everybody's recordings side by side: the others' are the rest
    sizes = np.bincount(speakers)
    after = np.cumsum(sizes)[speakers]
    place = (after + rng.integers(0, len(split) - sizes[speakers])) % len(split)
    partners = order[place]
    gains = rng.uniform(-LOUDER, LOUDER, len(split))
    labels = np.zeros((len(split), count), dtype=np.uint8)
    rows = np.arange(len(split))
    labels[rows, split.targets] = labels[rows, split.targets[partners]] = 1
    return Split(added(split.images, split.images[partners], gains, decibels), labels)


def _decibels(options: Mapping[str, str]) -> int:
    return whole_number(options.get("decibels", str(DECIBELS)), "decibels=", least=10, most=200)
