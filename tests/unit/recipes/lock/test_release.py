import math
from pathlib import Path

import pytest

from archlock.adaptation import SOURCE, weights_file
from archlock.evidence import Key, Measurement
from archlock.models import save_weights
from archlock.recipes.attack.attacked import released_models
from archlock.recipes.export import Blueprint, build_blueprint, weights_fingerprint
from archlock.recipes.lock import release as releasing
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.outputs import write_models
from archlock.recipes.lock.release import release
from archlock.spaces import Architecture
from report_records import lock_record
from tiny_runs import tiny_begin, tiny_config

CELL = Architecture("nasbench201", "314231")


def test_models_keep_the_numbers_of_their_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of three trainings diverged; what an attack reads from the directory is paired as in the run."""
    run = tiny_begin(tmp_path / "run", tiny_config(attack_seeds=3))
    settings = run.allocation.final
    blueprint = Blueprint(CELL, run.source.signature, run.source.classes, settings.width, settings.depth)
    measured = []
    for seed in range(3):
        key = Key(str(CELL), run.source.fingerprint, SOURCE, "validation", "full", seed)
        failed = Measurement(key, math.nan, "accuracy", 1.0, "failed", "diverged")
        measured.append(failed if seed == 0 else Measurement(key, 0.5 + seed / 10, "accuracy", 1.0))
        save_weights(build_blueprint(blueprint, seed=seed), weights_file(run.workspace.checkpoints, CELL, seed))
    monkeypatch.setattr(releasing, "every_seed", lambda *_: tuple(measured))
    released = release(run, Finalist(CELL, (0.6,), {}))
    assert (released.diverged, released.numbers, released.validation) == ((0,), (1, 2), (0.6, 0.7))
    write_models(tmp_path, {"locked": released, "source_only": released})
    names = sorted(path.name for path in (tmp_path / "reference").glob("locked-*"))
    assert names == ["locked-1.safetensors", "locked-2.safetensors"]

    record = lock_record()
    for model in (record.locked, record.source_only):
        object.__setattr__(model, "diverged", (0,))
    found = released_models(tmp_path, record)["locked"]
    assert found.copy_for(0) is None
    assert [weights_fingerprint(found.copy_for(seed)) for seed in (1, 2)] == [
        weights_fingerprint(build_blueprint(blueprint, seed=seed)) for seed in (1, 2)
    ]
