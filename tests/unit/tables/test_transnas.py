from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archlock.errors import TableError
from archlock.tables import read_transnas
from archlock.tables.benchmarks import TRANSNAS_TASKS
from benchmark_files import transnas_metrics

VALIDATION, TEST = [10.0, 30.0, 30.0, 20.0], [11.0, 29.0, 50.0, 19.0]


def record(plus: float = 0.0) -> dict[str, Any]:
    words = dict.fromkeys(("normal", "autoencoder"), "val")
    return {
        task: transnas_metrics(
            measured.recorded,
            [value + plus for value in VALIDATION],
            [value + plus for value in TEST],
            words.get(task, "valid"),
        )
        for task, measured in TRANSNAS_TASKS.items()
    }


def content() -> dict[str, Any]:
    micro = {"64-41414-3_33_333": record(), "64-41414-0_00_001": record(1)}
    return {"data": {"macro": {"64-4111-basic": record(2)}, "micro": micro}, "task_list": list(TRANSNAS_TASKS)}


@pytest.mark.parametrize("zipped", [True, False])
def test_final_and_best_epochs_are_told_apart(tmp_path: Path, zipped: bool) -> None:
    torch.save(content(), tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    macro, micro = read_transnas(tmp_path / "a.pth")
    assert (macro.name, macro.codes) == ("transnas101_macro", ("4111",))
    assert (micro.space_name, micro.codes) == ("transnas101_micro", ("000001", "333333"))
    assert micro.tasks == tuple(TRANSNAS_TASKS)
    expected = {"test_final": 19, "validation_final": 20, "test_at_best_validation": 29, "validation_best": 30}
    for task in micro.tasks:
        assert (micro.truth(task).name, micro.judge(task).name) == (f"{task}_validation_final", f"{task}_test_final")
        assert micro.truth(task).noise == TRANSNAS_TASKS[task].noise > 0
        for name, value in expected.items():
            assert micro.recorded(micro.column(f"{task}_{name}")).tolist() == [value + 1, value]
    assert micro.column("jigsaw_test_final").epochs == 10
    assert micro.column("normal_validation_best").metric == "ssim"
    cost = micro.column("class_scene_inference_time")
    assert (cost.role, cost.unit, micro.recorded(cost).tolist()) == ("cost", "s", [0.004, 0.004])


def test_a_task_without_results_is_not_recorded(tmp_path: Path) -> None:
    whole = content()
    del whole["data"]["micro"]["64-41414-0_00_001"]["jigsaw"]
    torch.save(whole, tmp_path / "a.pth")
    _, micro = read_transnas(tmp_path / "a.pth")
    np.testing.assert_array_equal(micro.recorded(micro.truth("jigsaw")), [np.nan, 20])
    np.testing.assert_array_equal(micro.recorded(micro.judge("jigsaw")), [np.nan, 19])
    assert np.isnan(micro.values).sum() == 7


def broken(change: Any) -> dict[str, Any]:
    whole = content()
    change(whole["data"]["micro"])
    return whole


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ([1], "a.pth has no 'data' of the spaces micro and macro"),
        ({"data": {"nano": {}}}, "a.pth has no 'data' of the spaces micro and macro"),
        ({"data": {"micro": [1]}}, "the results of transnas101_micro are a list"),
        ({"data": {"micro": {"64-4111-basic": {}}}}, "'64-4111-basic' is not an architecture of transnas101_micro"),
        (
            broken(lambda micro: micro["64-41414-0_00_001"]["jigsaw"]["metrics"].pop("test_top1")),
            "64-41414-0_00_001 does not have the structure of a TransNAS-Bench-101 record (KeyError: 'test_top1')",
        ),
        (
            broken(lambda micro: micro["64-41414-0_00_001"]["jigsaw"]["metrics"]["test_top1"].pop()),
            "jigsaw has 4 epochs of validation and 3 of test",
        ),
        (
            broken(lambda micro: micro["64-41414-0_00_001"]["jigsaw"]["metrics"]["valid_top1"].clear()),
            "valid_top1 has no epochs",
        ),
    ],
)
def test_another_structure_is_named(tmp_path: Path, whole: Any, words: str) -> None:
    torch.save(whole, tmp_path / "a.pth")
    with pytest.raises(TableError) as caught:
        read_transnas(tmp_path / "a.pth")
    assert words in str(caught.value)
