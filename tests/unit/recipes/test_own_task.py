"""A lock run knows its source, as long as the same data lie where its command says."""

from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import ConfigurationError
from archlock.recipes import open_model
from archlock.recipes.own_task import check_several_classes, known_images_notes, source_of
from archlock.recipes.workspace import RESULT
from archlock.reports import to_json
from archlock.tasks import digits
from archlock.testing.small_tasks import small_digits
from foreign_models import plain_network
from report_records import lock_record


def run_of(folder: Path, command: str, fingerprint: str) -> Path:
    """A directory with a result of a lock, as far as its source goes."""
    folder.mkdir()
    record = lock_record()
    source = replace(record.source, fingerprint=fingerprint)
    to_json(folder / RESULT, replace(record, command=command, source=source, seed=0))
    return folder


def test_the_source_of_a_lock_run_is_opened_again(tmp_path: Path) -> None:
    opened, known = open_model(plain_network(10), size=(8, 8), channels=1), digits(seed=0)
    for number, command in enumerate(
        ("archlock lock --source digits --out x", "archlock lock --source=digits --out x")
    ):
        run = run_of(tmp_path / str(number), command, known.fingerprint)
        assert source_of(run, opened, None, seed=3).fingerprint == known.fingerprint
    given = small_digits(train=20, validation=8, test=8)
    assert source_of(run, opened, given, seed=0) is given
    assert source_of(run, opened, "digits", seed=0).name == "digits"


@pytest.mark.parametrize(
    ("command", "fingerprint", "said"),
    [
        ("archlock lock --source digits --out x", "0" * 16, "'digits', which its command names, is not that any more"),
        ("archlock lock --source gone/away --out x", "0" * 16, "'gone/away', which its command names, is not that"),
        ("archlock.lock(...)", "0" * 16, "its command does not say where it is; give the same data with --source"),
        ("archlock lock 'unended", "0" * 16, "its command does not say where it is"),
    ],
)
def test_what_lies_elsewhere_or_is_other_data_is_asked_for(
    command: str, fingerprint: str, said: str, tmp_path: Path
) -> None:
    opened = open_model(plain_network(10), size=(8, 8), channels=1)
    with pytest.raises(ConfigurationError, match=said):
        source_of(run_of(tmp_path / "run", command, fingerprint), opened, None, seed=0)


def test_a_single_class_leaves_nothing_to_tell_apart() -> None:
    check_several_classes(small_digits(train=20, validation=8, test=8))


def test_a_model_that_knows_the_validation_images_is_told_from_one_that_is_lucky() -> None:
    task = small_digits(train=20, validation=400, test=800)
    (said,) = known_images_notes(0.99, 0.91, task)
    assert said.startswith("the model is right about 99.0% of the validation images and 91.0% of the test images")
    assert known_images_notes(0.94, 0.91, task) == []
    assert known_images_notes(0.85, 0.91, task) == []
    assert known_images_notes(1.0, 1.0, task) == []
