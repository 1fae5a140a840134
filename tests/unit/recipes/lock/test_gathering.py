import sqlite3
from pathlib import Path

import pytest

from archlock.adaptation import PROBE, SOURCE, AdaptationSettings, weights_file
from archlock.evidence import EvidenceStore
from archlock.recipes.lock.gathering import EvidenceTasks, Resources, gather
from archlock.spaces import Architecture
from archlock.training import Plan
from tiny_runs import Noted, tiny_source, tiny_target

ARCHITECTURE = Architecture("nasbench201", "314321")
SETTINGS = AdaptationSettings(4, 1, Plan(1, batch_size=16), Plan(1, batch_size=16))


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "store.sqlite")


def gathered(store: EvidenceStore, noted: Noted) -> tuple[dict[str, float], EvidenceTasks]:
    """Value by measure of one architecture, bought where it is missing."""
    folder = store.path.parent / "checkpoints"
    subjects = EvidenceTasks(tiny_source(), {"other": tiny_target()}, SETTINGS, folder, device="cpu")
    means = Resources(store, noted, 1, 0)
    known = gather([(ARCHITECTURE, 0)], subjects, resources=means, stage="evidence")
    return {key.measure: known[key].value for key in subjects.keys(ARCHITECTURE, 0)}, subjects


def test_a_known_value_decides_when_its_weights_are_trained_again(store: EvidenceStore) -> None:
    first, subjects = gathered(store, Noted())
    assert subjects.folder is not None
    kept = weights_file(subjects.folder, ARCHITECTURE, 0)
    weights = kept.read_bytes()
    for file in subjects.folder.iterdir():
        file.unlink()
    noted = Noted()
    assert gathered(store, noted)[0] == first
    assert noted.stages == [("evidence", 1, 0)], "it was trained again for its weights"
    assert kept.read_bytes() == weights
    assert noted.lines == [], "the same bits: nothing to say"
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE measurements SET value = 0.125 WHERE measure = ?", [SOURCE])
    connection.close()
    kept.unlink()
    noted = Noted()
    found, _ = gathered(store, noted)
    assert found == {**first, SOURCE: 0.125}
    assert found[PROBE] == first[PROBE]
    (line,) = noted.lines
    assert f"{SOURCE} of {ARCHITECTURE} (seed 0) was measured again as {first[SOURCE]:.6g}" in line
    assert "has 0.125, which counts" in line
    assert kept.exists()


def test_another_torch_buys_anew(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(store, Noted())
    monkeypatch.setattr("torch.__version__", "1.0.0")
    noted = Noted()
    gathered(store, noted)
    assert noted.stages == [("evidence", 1, 0)]
    gathered(store, noted)
    assert noted.stages[1:] == [("evidence", 1, 1)]
