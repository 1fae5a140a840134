"""``archlock.robustness``: the worst case of each image, kept as it goes, said where it flatters."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import archlock
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.progress import Silent
from archlock.recipes import RobustnessConfig, rebuild, robustness
from archlock.reports import RobustnessRecord, robustness_from_json
from archlock.tasks import Task, conform
from archlock.testing.adversaries import trained_network
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import batch_of, evaluate
from masked_models import Rounded

SMALL = {"steps": 5, "queries": 20, "epsilons": (0.0, 8 / 255, 0.1)}


def digits() -> Task:
    return small_digits(train=300, validation=20, test=60)


def measured(out: Path, model: nn.Module | None = None, **changes: Any) -> RobustnessRecord:
    settings: Any = {**SMALL, **changes}
    return archlock.robustness(model or trained_network(), digits(), out=out, workers=1, **settings).record


def without_time(record: RobustnessRecord) -> RobustnessRecord:
    timeless = tuple(replace(one, seconds=0.0) for one in record.adversaries)
    return replace(record, created="", spent_seconds={}, adversaries=timeless)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RobustnessRecord]:
    out = tmp_path_factory.mktemp("robustness") / "rob"
    return out, measured(out)


def test_epsilon_zero_is_the_clean_accuracy_and_no_line_rises(whole: tuple[Path, RobustnessRecord]) -> None:
    record = whole[1]
    clean = evaluate(trained_network(), digits().test)
    assert record.clean.value == clean
    for beaten in (*(one.beaten for one in record.adversaries), record.worst):
        shares = [share.value for share in record.robust(beaten)]
        assert shares[0] == clean
        assert shares == sorted(shares, reverse=True)
    worst = record.robust(record.worst)[-1].value
    assert worst <= min(record.robust(one.beaten)[-1].value for one in record.adversaries)
    assert worst < clean
    assert [one.name for one in record.adversaries] == ["fgsm", "pgd", "apgd", "square"]
    assert record.masked == ()
    assert len(record.signs) == 4


def test_record_and_page_are_written_and_made_again(whole: tuple[Path, RobustnessRecord]) -> None:
    out, record = whole
    assert robustness_from_json(out / "robustness.json") == record
    before = (out / "report.html").read_bytes()
    assert rebuild(out) == out / "report.html"
    assert (out / "report.html").read_bytes() == before


def test_examples_are_images_that_the_model_is_wrong_about(whole: tuple[Path, RobustnessRecord]) -> None:
    record = whole[1]
    assert 0 < len(record.examples) <= 6
    place = {row: number for number, row in enumerate(record.rows)}
    for one in record.examples:
        assert one.answer != one.label == record.source.classes[int(digits().test.targets[one.row])]
        assert one.epsilon == record.epsilons[record.worst[place[one.row]] - 1]
    assert len({one.label for one in record.examples}) == len(record.examples)


def test_a_run_that_was_stopped_goes_on_and_ends_with_the_same_answer(
    tmp_path: Path, whole: tuple[Path, RobustnessRecord]
) -> None:
    class Stops(Silent):
        left = 3

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    config = RobustnessConfig.of(**SMALL)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        robustness(trained_network(), digits(), config, out=tmp_path / "rob", workers=1, progress=Stops())
    parts = sorted((tmp_path / "rob" / "parts").glob("*.json"))
    assert [path.name for path in parts] == ["fgsm-000000.json", "fgsm-000050.json", "pgd-000000.json"]
    kept = [path.stat().st_mtime_ns for path in parts]
    record = measured(tmp_path / "rob")
    assert [path.stat().st_mtime_ns for path in parts] == kept
    assert without_time(record) == without_time(whole[1])


def test_fewer_images_are_some_of_more_with_the_same_answers(
    tmp_path: Path, whole: tuple[Path, RobustnessRecord]
) -> None:
    few = measured(tmp_path / "few", images=20, adversaries=("fgsm",))
    of_all = dict(zip(whole[1].rows, whole[1].adversaries[0].beaten, strict=True))
    assert len(few.rows) == 20
    assert [of_all[row] for row in few.rows] == list(few.adversaries[0].beaten)


def test_other_settings_and_another_model_are_refused_in_the_same_place(whole: tuple[Path, RobustnessRecord]) -> None:
    with pytest.raises(RunError, match=r"holds a run with other settings \(robustness"):
        measured(whole[0], seed=1)
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(RunError, match="holds a run with other settings"):
        measured(whole[0], other)


def test_a_model_in_training_mode_is_measured_as_it_is_used(
    tmp_path: Path, whole: tuple[Path, RobustnessRecord]
) -> None:
    model = trained_network()
    model.train()
    try:
        record = measured(tmp_path / "rob", model, adversaries=("fgsm",))
        assert model.training
    finally:
        model.eval()
    assert record.adversaries[0].beaten == whole[1].adversaries[0].beaten
    assert "given in training mode; it is measured in evaluation mode" in record.notes[0]


def test_masked_gradients_are_said(tmp_path: Path) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = trained_network()[:-1], trained_network()[-1]

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.head(Rounded(self.body)(images))
            return answer

    record = measured(tmp_path / "rob", Steps().eval(), epsilons=(0.2,), queries=100)
    assert [sign.name for sign in record.masked] == [
        "silent gradient",
        "no fall at a huge epsilon",
        "black box stronger",
    ]
    page = (tmp_path / "rob" / "report.html").read_text()
    assert "Masked gradients: the figures flatter the model" in page
    assert record.robust(record.worst)[0].value < record.robust(record.adversaries[1].beaten)[0].value


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    five = small_digits(train=60, validation=20, test=20, labels=(0, 1, 2, 3, 4))
    with pytest.raises(ConfigurationError, match="has 10 outputs, but 'digits' has 5 classes; give as --source"):
        robustness(trained_network(), five, out=tmp_path / "rob")
    with pytest.raises(UnsupportedError, match="measured by classes, one for each image; 'negatives' is a dense task"):
        robustness(trained_network(), small_negatives(), out=tmp_path / "rob")
    with pytest.raises(ConfigurationError, match="a robustness evaluation has no setting 'eps'; its settings are: eps"):
        robustness(trained_network(), five, out=tmp_path / "rob", eps=(0.1,))  # type: ignore[call-arg]
    assert not (tmp_path / "rob").exists()


def test_grey_images_go_to_a_model_of_coloured_ones_and_one_image_is_enough(tmp_path: Path) -> None:
    torch.manual_seed(0)
    coloured = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)
    )
    opened = archlock.open_model(coloured, size=(8, 8))
    record = archlock.robustness(
        opened, digits(), out=tmp_path / "rob", workers=1, images=1, adversaries=("pgd", "square"), **SMALL_EFFORT
    ).record
    assert record.source.shape == (3, 8, 8)
    assert len(record.rows) == 1
    image = batch_of(conform(digits(), (3, 8, 8)).test.take(np.array(record.rows))).images
    clean = int(opened.module(image).argmax())
    assert (record.worst[0] > 0) == (clean == digits().test.targets[record.rows[0]])


SMALL_EFFORT: Any = {"steps": 3, "queries": 5}
