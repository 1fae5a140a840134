"""Two speakers at once: sums of powers, who is mixed with whom, and the task."""

import re
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import ConfigurationError, TaskError, UnsupportedError
from archlock.tasks import open_task, save_task
from archlock.tasks.generated.mixtures import added
from archlock.testing.small_tasks import small_labels
from shared_data import shared


def recordings(path: Path, *, speakers: int = 3, splits: tuple[str, ...] = ("train", "validation", "test")) -> Path:
    """Of words 0 to 2: the word lights up a row, the speaker a column of a 6 x 6 picture."""
    arrays = {}
    for role in splits:
        word, speaker = np.arange(36) % 3, np.arange(36) // 3 % speakers
        images = np.zeros((36, 6, 6), np.uint8)
        images[np.arange(36), word] += 100
        images[np.arange(36), :, 3 + speaker] += 100
        images[:, 5, 5] = np.arange(36) + 5 * len(role)  # (no two the same)
        arrays |= {f"x_{role}": images, f"y_{role}": word, f"speaker_{role}": speaker}
    np.savez(path, classes=["go", "no", "up"], speakers=[f"s{number}" for number in range(speakers)], **arrays)
    return path


def test_powers_add_up() -> None:
    """Two like powers are 3.01 dB above each; one 20 dB below the other adds 0.043 dB; the loudest becomes 255."""
    one = np.array([255, 255, 0, 255 - 255 * 20 // 80], np.uint8).reshape(1, 2, 2, 1)
    other = np.array([255, 191, 0, 0], np.uint8).reshape(1, 2, 2, 1)
    loudest = 10 * np.log10(2)
    decibels = [loudest, 10 * np.log10(1 + 10 ** ((191 / 255 - 1) * 8)), -np.inf, (192 / 255 - 1) * 80]
    expected = [255 * max(0.0, 1 + (level - loudest) / 80) for level in decibels]
    assert np.abs(added(one, other, np.zeros(1), 80).ravel() - expected).max() <= 0.5
    quieter = added(one, other, np.array([-30.0]), 80).ravel()
    assert quieter.tolist() == [255, 255, 0, 192 - round(0.0043 * 255 / 80)]
    assert not added(np.zeros_like(one), np.zeros_like(one), np.zeros(1), 80).any()


def test_each_is_mixed_with_another_speaker_and_has_both_words(tmp_path) -> None:
    path = recordings(tmp_path / "spoken.npz")
    task = open_task(f"mixtures:{path}", seed=1)
    assert (task.name, task.kind, task.classes, task.shape) == (
        "mixtures-spoken",
        "labels",
        ("go", "no", "up"),
        (1, 6, 6),
    )
    for split in (task.train, task.validation, task.test):
        seen = split.images[..., 0] > 60
        assert len(split) == 36
        assert (seen[:, 3, 3:].sum(1) == 2).all()  # row 3 has no word: the columns of two speakers
        assert np.array_equal(seen[:, :3, 0], split.targets == 1)  # column 0 has no speaker: the rows of their words
        assert set(split.targets.sum(1).tolist()) == {1, 2}
    assert task.fingerprint == open_task(f"mixtures:{path}", seed=1).fingerprint
    assert task.fingerprint != open_task(f"mixtures:{path}", seed=2).fingerprint
    assert "each mixed with another speaker's (within 5 dB, levels span 80 dB, seed 1)" in task.origin
    assert "not used" not in task.origin


def test_what_a_mixture_needs_is_said(tmp_path) -> None:
    one = recordings(tmp_path / "one.npz", speakers=1)
    with pytest.raises(TaskError, match=r"one class only \('s0'\); a task needs at least two"):
        open_task(f"mixtures:{one}")
    alone = dict(np.load(recordings(tmp_path / "two.npz", speakers=2)))
    alone["speaker_test"] = np.zeros(36, np.int64)
    np.savez(tmp_path / "alone.npz", **alone)
    with pytest.raises(TaskError, match=r"alone\.npz: all recordings of test are of one speaker; a mixture needs two"):
        open_task(f"mixtures:{tmp_path}/alone.npz")
    np.savez(
        tmp_path / "nobody.npz", x_train=np.arange(576).reshape(9, 8, 8).astype(np.uint8), y_train=np.arange(9) % 3
    )
    with pytest.raises(
        ConfigurationError, match=r"nobody\.npz has no arrays speaker_train and the like \(its keys: x_tr"
    ):
        open_task(f"mixtures:{tmp_path}/nobody.npz")
    whole = recordings(tmp_path / "whole.npz", splits=("train",))
    with pytest.raises(
        TaskError, match=r"split is made of train by words, .*; give x_validation, y_validation, x_test"
    ):
        open_task(f"mixtures:{whole}")
    tags = save_task(small_labels(train=20, validation=10, test=10), tmp_path / "tags.npz")
    with pytest.raises(UnsupportedError, match="'traits' is a labels task; a mixture has the words of two recordings"):
        open_task(f"mixtures:{tags}")
    with pytest.raises(
        ConfigurationError, match=re.escape("decibels= '3' is not possible; expected a whole number from 10")
    ):
        open_task(f"mixtures:{one}?decibels=3")


def test_spoken_digits() -> None:
    task = open_task(f"mixtures:{shared('signals/spoken_digits.npz')}")
    assert (len(task.train), len(task.classes), task.shape) == (2400, 10, (1, 32, 32))
    assert task.chance == pytest.approx(1 - 0.9**2, abs=0.01)  # the prevalence of a digit among two
    assert (task.train.images.max(axis=(1, 2, 3)) == 255).all()
