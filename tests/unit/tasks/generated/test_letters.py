"""Letters of made-up alphabets: the alphabet is the number's, the pictures are the seed's, and they can be learned."""

import re

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.tasks import check_task, open_task
from archlock.tasks.generated.letters import CHUNK
from archlock.tasks.sources.source_texts import SourceText

SMALL = "letters:3?train=400&validation=40&test=200&side=16"


def ink(split) -> np.ndarray:
    """Pictures without their colours, as unit vectors."""
    images = split.images[..., 0].astype(float)
    flat = abs(images - np.median(images, axis=(1, 2), keepdims=True)).reshape(len(images), -1)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True))


def mean_letters(task) -> np.ndarray:
    rows = ink(task.train)
    return np.stack([rows[task.train.targets == label].mean(axis=0) for label in range(20)])


def test_the_task_is_of_twenty_letters_in_balance() -> None:
    task = open_task(SMALL, seed=1)
    assert (task.name, task.kind, task.shape, task.outputs) == ("letters-3", "classification", (1, 16, 16), 20)
    assert [len(one) for one in (task.train, task.validation, task.test)] == [400, 40, 200]
    assert task.classes[0] == "letter 1"
    full = open_task(f"letters:3?train={CHUNK + 10}&validation=20&test=20")
    assert np.ptp(np.bincount(full.train.targets)) == 1
    assert full.test.targets.sum() == sum(range(20)), "each letter once"
    assert "letters of the made-up alphabet 3 (400 train, 40 validation, 200 test pictures of 16 x 16, seed 1" in (
        task.origin
    )
    assert SourceText.parsed(SMALL).name == task.name


def test_the_alphabet_is_the_numbers_and_the_pictures_are_the_seeds() -> None:
    task, again, other, another = (open_task(text, seed=seed) for text, seed in (
        (SMALL, 1), (SMALL, 1), (SMALL, 2), (SMALL.replace("letters:3", "letters:4"), 1)
    ))  # fmt: skip
    assert task.fingerprint == again.fingerprint != other.fingerprint
    alike = np.corrcoef(mean_letters(task), mean_letters(other))[:20, 20:]
    assert (alike.argmax(axis=1) == np.arange(20)).mean() > 0.8, "the same letters in other pictures"
    strange = np.corrcoef(mean_letters(task), mean_letters(another))[:20, 20:]
    assert (strange.argmax(axis=1) == np.arange(20)).mean() < 0.3


def test_pictures_of_a_smaller_task_are_the_first_of_a_larger_one_and_splits_share_none() -> None:
    task = open_task(SMALL)
    fewer = open_task(SMALL.replace("train=400", "train=100"))
    assert np.array_equal(fewer.train.images, task.train.images[:100])
    assert np.array_equal(fewer.train.targets, task.train.targets[:100])
    seen = {image.tobytes() for image in task.train.images}
    assert len(seen) == 400
    assert not seen & {image.tobytes() for image in task.test.images}


def test_letters_can_be_told_apart_from_the_pixels() -> None:
    task = open_task("letters:5?side=16&test=400")
    nearest = np.argmax(ink(task.test) @ ink(task.train).T, axis=1)
    assert (task.train.targets[nearest] == task.test.targets).mean() > 0.4


def test_what_is_done_is_told() -> None:
    steps = []
    open_task("letters:0?train=1500&validation=20&test=20", progress=lambda *step: steps.append(step))
    assert steps == [(1000, 1540), (1500, 1540), (1520, 1540), (1540, 1540)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("letters:", "the alphabet '' is not possible; expected a whole number from 0 to 999,999"),
        ("letters:a", "the alphabet 'a' is not possible"),
        ("letters:0?side=7", "side= '7' is not possible; expected a whole number from 8 to 128"),
        ("letters:0?train=19", "train= '19' is not possible; expected a whole number from 20 to 10,000,000"),
        ("letters:0?side=128&train=9000000", "9,002,600 pictures of 128 x 128 take 137 GiB, more than the 8 GiB"),
        ("letter:0", "(did you mean 'letters:0'?)"),
    ],
)
def test_what_cannot_be_made_is_said(text: str, words: str) -> None:
    for ask in (open_task, check_task):
        with pytest.raises(ConfigurationError, match=re.escape(words)):
            ask(text)
