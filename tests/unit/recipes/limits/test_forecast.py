"""Calibrations and device tables: written, read, and refused where they are of something else."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import ArchLockError, ConfigurationError, RunError, TableError
from archlock.progress import Silent
from archlock.recipes.limits import timing
from archlock.recipes.limits.calibrating import busy_words, calibrate, calibration_sample
from archlock.recipes.limits.forecast import Calibration, DeviceTable, Networks, counts_of, open_device
from archlock.recipes.limits.runtimes import here
from archlock.records import write_json
from archlock.spaces import SPACES

SPACE = SPACES["transnas101_micro"]
NETWORKS = Networks("transnas101_micro", (1, 8, 8), 4, 2, 1)


@pytest.fixture(scope="module")
def made() -> Iterator[Calibration]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "SECONDS_A_BLOCK", 0.01)
        yield calibrate(NETWORKS, "torch", count=10, progress=Silent())


def test_a_calibration_times_a_stratified_sample_of_different_functions(made: Calibration) -> None:
    sample = calibration_sample(NETWORKS, 10, seed=0)
    assert made.codes == tuple(one.code for one in sample)
    assert all(SPACE.simplify(one) == one for one in sample)
    live = counts_of(NETWORKS, sample)["live"].sum(axis=1)
    assert live.min() < live.max() == 6
    assert (np.diff(live) >= 0).all()
    assert made.machine == here("torch").machine
    assert made.device == here("torch").words
    assert min(made.timed_ms) > 0
    assert made.milliseconds(sample).shape == (10,)
    assert made.error == made.model.error


def test_it_is_written_and_read(made: Calibration, tmp_path: Path) -> None:
    write_json(tmp_path / "here.device.json", made)
    found = open_device(tmp_path / "here.device.json", SPACE)
    assert found == made
    sample = calibration_sample(NETWORKS, 10, seed=0)
    np.testing.assert_array_equal(found.milliseconds(sample), made.milliseconds(sample))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 16}, "made with width 2 .here 16."),
        ({"shape": (1, 16, 16)}, r"made with shape \(1, 8, 8\) \(here \(1, 16, 16\)\)"),
        ({"depth": 5}, "made with depth 1 .here 5."),
        ({"space": "nasbench201"}, "made with space transnas101_micro .here nasbench201."),
    ],
)
def test_a_calibration_of_other_networks_is_refused(made: Calibration, change: dict[str, object], words: str) -> None:
    made.check(NETWORKS, runtime="torch", machine=made.machine)
    made.check(NETWORKS, runtime=None)
    with pytest.raises(ConfigurationError, match=words):
        made.check(replace(NETWORKS, **change), runtime=None)  # type: ignore[arg-type]


def test_so_is_one_of_another_runtime_or_machine(made: Calibration) -> None:
    with pytest.raises(
        ConfigurationError, match=r"made with runtime torch .here onnx., and latencies of one say nothing"
    ):
        made.check(NETWORKS, runtime="onnx")
    with pytest.raises(ConfigurationError, match=r"the machine .*, torch .*, one thread .here another one."):
        made.check(NETWORKS, runtime=None, machine="0123")


def test_damaged_calibrations_are_refused(made: Calibration, tmp_path: Path) -> None:
    path = write_json(tmp_path / "device.json", made)
    content = json.loads(path.read_text())
    for damage, words in (
        ({"format": 9}, "has format 1 in this version; got 9"),
        ({"codes": ["000100"]}, "a time for each of its 1 codes; got 10"),
        ({"runtime": "tflite"}, "runtime"),
    ):
        path.write_text(json.dumps({**content, **damage}))
        with pytest.raises(RunError, match=f"device.json is no calibration of a device .*{words}"):
            open_device(path, SPACE)


def test_a_sample_is_not_too_small() -> None:
    with pytest.raises(ConfigurationError, match=r"a calibration times at least 10 architectures; got 9"):
        calibration_sample(NETWORKS, 9, seed=0)


def test_a_busy_machine_is_told() -> None:
    assert busy_words(0, 25) == ()
    assert "3 of 25 timings have blocks that differ by more than 10%" in busy_words(3, 25)[0]


def table(path: Path, text: str) -> DeviceTable:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    found = open_device(path, SPACE)
    assert isinstance(found, DeviceTable)
    return found


@pytest.mark.parametrize("name", ["pi5.csv", "pi5.csv.gz"])
def test_a_table_of_codes_and_milliseconds(name: str, tmp_path: Path) -> None:
    found = table(tmp_path / name, "code, ms\n000100,1.5\n64-41414-3_01_100,2.5\n333333,-1\n000200,\n")
    architectures = [SPACE.architecture(code) for code in ("000100", "000200", "333333", "000300")]
    np.testing.assert_array_equal(found.milliseconds(architectures), [1.5, np.nan, np.nan, np.nan])
    assert found.error == 0
    assert found.remarks == (f"{name}: 2 architectures have no latency (-1: the device refused them) and are left out",)


def test_the_released_form_of_a_function_has_its_own_latency_or_the_most_of_the_others(tmp_path: Path) -> None:
    dead = ("200100", "300100")  # the same function as 000100
    assert {SPACE.simplify(SPACE.architecture(code)).code for code in dead} == {"000100"}
    found = table(tmp_path / "a.csv", "code,ms\n200100,2\n300100,3\n")
    assert found.milliseconds([SPACE.architecture("000100")]) == [3.0]
    found = table(tmp_path / "b.csv", "code,ms\n200100,2\n000100,1\n300100,3\n")
    assert found.milliseconds([SPACE.architecture("000100")]) == [1.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a device table has the columns code, ms; its first line has nothing"),
        ("code,energy\n", "its first line has code, energy"),
        ("code,ms\n999999,1\n", "line 2: expected a code of transnas101_micro and milliseconds; '999999' is not an ar"),
        ("code,ms\n000100,fast\n", "line 2: expected a code of transnas101_micro and milliseconds; could not convert"),
        ("code,ms\n000100,1,2\n", "line 2: expected a code of"),
        ("code,ms\n000100,-3\n", "line 2: a latency is above 0 .or -1: not supported.; got '-3'"),
        ("code,ms\n000100,0\n", "line 2: a latency is above 0"),
        ("code,ms\n000100,1\n000100,2\n", "line 3: 000100 has a latency already; keep one line of each code"),
        ("code,ms\n000100,-1\n", "has no latency of any architecture"),
    ],
)
def test_tables_that_are_not_understood(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=words):
        table(tmp_path / "pi5.csv", text)


def test_what_is_no_table_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file; expected a calibration .archlock cost --space"):
        open_device(tmp_path / "nowhere.csv", SPACE)
    (tmp_path / "pi5.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(ArchLockError, match=r"pi5.csv.gz is no CSV file of code, ms"):
        open_device(tmp_path / "pi5.csv.gz", SPACE)
