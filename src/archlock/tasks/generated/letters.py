"""Letters of made-up alphabets: as many pictures as wanted, and as many alphabets, without any data.

Whoever has a model that reads one alphabet reads another with a few pictures of each letter; whoever has none does not.
So weights are worth much here, which they are not on data that are easy from scratch, such as digits.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Final

import numpy as np

from archlock.errors import ConfigurationError
from archlock.seeding import rng_for
from archlock.tasks.archives import MAX_BYTES
from archlock.tasks.generated.recipe import Counted, Recipe, split_sizes, whole_number
from archlock.tasks.simulated.drawing import painted
from archlock.tasks.simulated.glyphs import GLYPHS, LETTERS, alphabet, written
from archlock.tasks.task import Split, Task

USUAL: Final = {"train": 3000, "validation": 600, "test": 2000}
SIDE: Final = 12
LEAST, MOST = 8, 128
"""Pixels along a side."""
MOST_PICTURES: Final = 10_000_000
MOST_ALPHABETS: Final = 999_999
CHUNK: Final = 1000
"""Pictures that are written at once; a multiple of the letters."""


class Letters(Recipe):
    """Twenty letters of alphabet number N, drawn as the simulated target ``glyphs`` draws them (after Omniglot, Lake et
    al. 2015): each a path of four strokes, no two pictures written alike, grey.

    The letters belong to N alone, the pictures to the seed. Of every twenty pictures in a row each is of another
    letter, and pictures of a smaller task are the first of a larger one.
    """

    name = "letters"
    description = "which of the twenty letters of a made-up alphabet is written"
    argument = "N"
    usual = "0"
    example = "letters:0"
    options: ClassVar[Mapping[str, str]] = {
        "side": f"height and width of the pictures (default {SIDE})",
        **{split: f"how many pictures (default {count})" for split, count in USUAL.items()},
    }
    based = False

    def check(self, argument: str, options: Mapping[str, str]) -> None:
        """The number of the alphabet, the side and the numbers of pictures."""
        _asked(argument, options)

    def make(
        self,
        argument: str,
        options: Mapping[str, str],
        *,
        opened: Callable[[Mapping[str, str]], Task],  # noqa: ARG002  (it is based on nothing)
        seed: int,
        progress: Counted | None = None,
    ) -> Task:
        """Written, split by split."""
        number, side, counts = _asked(argument, options)
        corners = alphabet(rng_for(number, "letters"))
        total, done = sum(counts.values()), 0
        splits = {}
        for split, count in counts.items():
            images = np.empty((count, side, side, 1), dtype=np.uint8)
            targets = np.empty(count, dtype=np.int64)
            for start in range(0, count, CHUNK):
                rng = rng_for(seed, "letters", number, split, start)
                labels = np.concatenate([rng.permutation(GLYPHS) for _ in range(CHUNK // GLYPHS)])
                pictures = painted(written(corners[labels], side, side, rng), 1, rng)
                end = min(start + CHUNK, count)
                images[start:end], targets[start:end] = pictures[: end - start], labels[: end - start]
                done += end - start
                if progress is not None:
                    progress(done, total)
            splits[split] = Split(images, targets)
        said = ", ".join(f"{count:,} {split}" for split, count in counts.items())
        return Task(
            f"letters-{number}",
            "classification",
            LETTERS,
            splits["train"],
            splits["validation"],
            splits["test"],
            origin=f"letters of the made-up alphabet {number} ({said} pictures of {side} x {side}, seed {seed})",
        )


def _asked(argument: str, options: Mapping[str, str]) -> tuple[int, int, dict[str, int]]:
    number = whole_number(argument, "the alphabet", least=0, most=MOST_ALPHABETS)
    side = whole_number(options.get("side", str(SIDE)), "side=", least=LEAST, most=MOST)
    counts = split_sizes(options, USUAL, least=GLYPHS, most=MOST_PICTURES)
    needed = side * side * sum(counts.values())
    if needed > MAX_BYTES:
        raise ConfigurationError(
            f"{sum(counts.values()):,} pictures of {side} x {side} take {needed / 2**30:.0f} GiB, more than the "
            f"{MAX_BYTES / 2**30:.0f} GiB that are accepted; ask for fewer or a smaller side"
        )
    return number, side, counts
