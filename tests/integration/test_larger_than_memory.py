"""The whole job on images that stay on disk: nobody makes an array of them, and the answer is that of memory."""

import sys
from pathlib import Path

import numpy as np
import pytest

import archlock
from archlock.progress import Silent
from archlock.recipes.lock.run import begin
from archlock.tasks import Cache, image_folder
from archlock.tasks.rows import parts_of
from archlock.tasks.stored.view import StoredImages
from folders import write_folder
from tiny_runs import shorten, tiny_config

IMAGES, BATCH = 240, 128
CONFIG = tiny_config(scheme="s", attackers=("linear_probe",), epochs=1)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images are read at once."""
    counts: list[int] = []
    read = StoredImages._read

    def counting(self: StoredImages, rows: np.ndarray) -> np.ndarray:
        counts.append(len(rows))
        return read(self, rows)

    monkeypatch.setattr(StoredImages, "_read", counting)
    for limit in ("MOST_PIXELS", "FEWER_PIXELS"):
        monkeypatch.setattr(sys.modules["archlock.training.batches"], limit, 16 * 8 * 8)
    for module in ("stored.rewriting", "simulated.blockwise"):
        monkeypatch.setattr(f"archlock.tasks.{module}.AT_ONCE", 16 * 8 * 8 * 3)
    monkeypatch.setattr("archlock.tasks.stored.rewriting.FEW", 0)
    for parts in (StoredImages.parts, parts_of):
        monkeypatch.setattr(parts, "__defaults__", (16 * 8 * 8 * 3,))
    return counts


def test_lock_and_attack_look_at_a_batch_at_a_time(tmp_path: Path, watched: list[int]) -> None:
    folder = write_folder(tmp_path / "photos", dict.fromkeys(("ant", "bee", "cow", "dog"), IMAGES // 4), size=(9, 9))
    cache = Cache(tmp_path / "cache", memory=0, workers=1)
    source, out = image_folder(folder, image_size=8, cache=cache), tmp_path / "run"
    for _ in range(2):  # the second takes up the shortened plan
        begin(source, CONFIG, out, known=(), sealed=1, store=None, workers=1, progress=Silent())
        shorten(out)
    result = archlock.lock(source, CONFIG, out=out, workers=1)
    assert {one.attacker for one in result.outcomes} == {"linear_probe"}
    target = image_folder(
        write_folder(tmp_path / "others", dict.fromkeys("abc", 40), size=(9, 9), mode="L"), image_size=8, cache=cache
    )
    attacked = archlock.attack(out, [target], attackers=("linear_probe",), fractions=(1.0,), seeds=1, workers=1)
    assert len(attacked.outcomes) == 2
    assert watched
    assert max(watched) <= BATCH
