from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables import read_hw
from archlock.tables.benchmarks import HARDWARE, NAS_TASKS
from benchmark_files import official, write_hw

CODES = ("421211", "000000")


def content() -> dict[str, Any]:
    return {
        "nasbench201": {
            dataset: {
                "config": [{"name": "infer.tiny", "arch_str": official(code)} for code in CODES],
                **{measure: [number + 1.5, 10.0 + number] for number, measure in enumerate(HARDWARE)},
            }
            for dataset in NAS_TASKS
        },
        "fbnet": {},
    }


def test_a_file_of_the_documented_structure(tmp_path: Path) -> None:
    whole = content()
    whole["nasbench201"]["cifar100"]["edgetpu_latency"] = np.array([-1, 2.5])
    table = read_hw(write_hw(tmp_path / "hw.pickle", whole))
    assert (table.name, table.codes, len(table.columns)) == ("hw", ("000000", "421211"), 30)
    assert {column.role for column in table.columns} == {"cost"}
    assert table.recorded(table.column("edgegpu_latency_cifar10")).tolist() == [10, 1.5]
    np.testing.assert_array_equal(table.recorded(table.column("edgetpu_latency_cifar100")), [2.5, np.nan])
    assert "1 values below zero (not supported by the device) count as not recorded" in table.provenance.note
    assert {column.unit for column in table.columns if "energy" in column.name} == {"mJ"}


def broken(change: Any) -> dict[str, Any]:
    whole = content()
    change(whole["nasbench201"])
    return whole


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        ([], "hw.pickle does not have the structure of HW-NAS-Bench (TypeError"),
        ({}, "hw.pickle does not have the structure of HW-NAS-Bench (KeyError: 'nasbench201')"),
        (broken(lambda data: data["cifar100"]["config"].reverse()), "the architectures of cifar100 in another order"),
        (broken(lambda data: data["cifar10"]["fpga_energy"].pop()), "fpga_energy on cifar10 is not one number for"),
        (broken(lambda data: data["cifar10"]["config"][0].update({"arch_str": "x"})), "'x' is not an architecture"),
    ],
)
def test_another_structure_is_named(tmp_path: Path, whole: Any, words: str) -> None:
    with pytest.raises(TableError) as caught:
        read_hw(write_hw(tmp_path / "hw.pickle", whole))
    assert words in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none is not a file; expected HW-NAS-Bench-v1_0\.pickle"):
        read_hw(tmp_path / "none")
