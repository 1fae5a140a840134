"""Data of a lock that are named by texts."""

from pathlib import Path

import pytest

from archlock.errors import ConfigurationError, SealedError
from archlock.recipes.lock.data import data_named
from archlock.tasks import save_task, seal
from tiny_runs import tiny_source, tiny_target


def test_texts_are_opened_in_the_size_of_the_source_and_what_is_sealed_stays_shut(tmp_path: Path) -> None:
    files = {
        name: save_task(task, tmp_path / f"{name}.npz") for name, task in (("a", tiny_source()), ("b", tiny_target()))
    }
    task, (known,), (hidden, other) = data_named(
        files["a"], [str(files["b"])], [files["b"], seal(tiny_target(), name="theirs")], seed=0
    )
    assert task.fingerprint == tiny_source().fingerprint
    assert known.shape == task.shape
    assert [hidden.name, other.name] == ["b", "theirs"]
    assert hidden.opened_by == ()
    with pytest.raises(SealedError):
        hidden.open("a look")  # type: ignore[arg-type]


def test_tasks_stay_as_they_are() -> None:
    source, target = tiny_source(), tiny_target()
    assert data_named(source, [target], [], seed=0) == (source, (target,), ())


def test_what_is_not_there_or_not_sealed_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        data_named(tiny_source(), [], ["nowhere/images"], seed=0)
    with pytest.raises(
        ConfigurationError, match=r"is not sealed, so the search could look at it; give archlock\.tasks"
    ):
        data_named(tiny_source(), [], [tiny_target()], seed=0)  # type: ignore[list-item]
