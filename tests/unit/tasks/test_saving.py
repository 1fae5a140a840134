import json
from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks import SIMULATORS, load_task, save_task
from archlock.tasks.saving import is_saved_task
from archlock.testing.tasks import example_source


@pytest.mark.parametrize("simulator", [None, "autoencoding"])
def test_round_trip(tmp_path, simulator):
    task = replace(example_source((3, 5, 7)), name="ex/am ple", skipped=("a.png", "b\udcff.png"), origin="ünïcode")
    if simulator is not None:
        task = SIMULATORS[simulator].simulate(task, seed=0)
    path = save_task(task, tmp_path / "new" / "task.npz")
    again = load_task(path)
    assert is_saved_task(path)
    assert again.fingerprint == task.fingerprint
    assert (again.name, again.kind, again.classes, again.skipped, again.origin) == (
        (task.name, task.kind, task.classes, task.skipped, task.origin)
    )
    assert (again.mean, again.std) == (task.mean, task.std)
    assert [p.name for p in path.parent.iterdir()] == ["task.npz"]


def changed(path, **changes):
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_a_changed_file_is_noticed(tmp_path):
    task = example_source((1, 8, 8))
    path = save_task(task, tmp_path / "task.npz")
    changed(path, test_targets=task.test.targets[::-1].copy())
    with pytest.raises(TaskError, match=rf"task\.npz was changed after it was saved .*expected {task.fingerprint}"):
        load_task(path)


def test_other_files_are_no_saved_tasks(tmp_path):
    path = save_task(example_source((1, 8, 8)), tmp_path / "task.npz")
    changed(path, test_images=None)
    with pytest.raises(TaskError, match=r"task\.npz is no saved task \('test_images' is missing\)"):
        load_task(path)
    path = save_task(example_source((1, 8, 8)), path)
    changed(path, archlock_task=np.frombuffer(b"{]", np.uint8))
    with pytest.raises(TaskError, match=r"task\.npz is no saved task \(JSONDecodeError"):
        load_task(path)
    changed(path, archlock_task=np.frombuffer(json.dumps({"name": "x"}).encode(), np.uint8))
    with pytest.raises(TaskError, match=r"is no saved task \(KeyError: 'kind'\)"):
        load_task(path)
