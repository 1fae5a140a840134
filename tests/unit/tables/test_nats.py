import bz2
import csv
import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.progress import Silent
from archlock.spaces import SPACES
from archlock.tables import Table, read_nats, read_nats_sizes, read_table, write_table
from benchmark_files import official, schedule
from shared_data import shared

SAMPLE = "nats_sample/NATS-tss-v1_0-3ffb9-simple"
SIZES = "nats_sample/NATS-sss-v1_0-50262-simple"
CODES = ("421211", "000000", "334034")


@pytest.fixture(scope="module")
def sample() -> Table:
    return read_nats(shared(SAMPLE))


def write(path: Path, content: Any) -> None:
    path.write_bytes(bz2.compress(pickle.dumps(content)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three architectures, the last one without a file."""
    write(tmp_path / "meta.pickle.pbz2", {"meta_archs": [official(code) for code in CODES]})
    for index, top in enumerate((70.0, 10.0)):
        content = {"12": schedule(12, top - 20, (777,)), "200": schedule(200, top, (777, 888, 999))}
        write(tmp_path / f"{index:06d}.pickle.pbz2", content)
    return tmp_path


def test_the_real_files_agree_with_the_public_table(sample: Table) -> None:
    with gzip.open(shared("nasbench201.csv.gz"), "rt") as stream:
        rows = {row["ops"]: row for row in csv.DictReader(stream) if row["arch_index"] in ("0", "11")}
    agreeing = (
        "cifar10_test_200",
        "cifar100_test_200",
        "imagenet16_test_200",
        "cifar10_valid_200",
        "cifar10_validsplit_test_200",
        "cifar10_valid_12",
        "cifar100_valid_12",
        "imagenet16_valid_12",
        "params_M_cifar10",
    )
    assert len(rows) == 2
    for name in agreeing:
        recorded = sample.look_up(sample.column(name), list(rows))
        np.testing.assert_allclose(recorded, [float(row[name]) for row in rows.values()], atol=5.1e-5)


def test_what_the_public_tables_lack(sample: Table) -> None:
    code = ["421211"]  # by hand from the file: seeds 777, 888, 999
    by_hand = {
        "cifar100_valid_200": (51.88 + 53.08 + 53.14) / 3,
        "imagenet16_ori_test_200": (27.68333 + 26.56667 + 28.01667) / 3,
        "latency_ms_cifar10": 13.9359758611311,
        "flops_M_imagenet16": 3.91948,
        "cifar10_train_cost_s_12": 12 * 7.221092998981476,
    }
    for name, value in by_hand.items():
        assert sample.look_up(sample.column(name), code)[0] == pytest.approx(value, abs=1e-4), name


def test_the_sample_is_a_table_of_the_whole_space(sample: Table, tmp_path: Path) -> None:
    assert sample.codes == tuple(architecture.code for architecture in SPACES["nasbench201"].enumerate())
    assert np.isfinite(sample.values).sum() == 2 * len(sample.columns)
    assert "15623 of 15625 architectures have no file, so no values." in sample.provenance.note
    back = read_table(write_table(tmp_path / "nats.npz", sample))
    np.testing.assert_array_equal(back.values, sample.values)


def test_means_are_over_seeds_at_the_last_epoch(folder: Path) -> None:
    table = read_nats(folder, name="tiny")
    assert (table.name, table.codes) == ("tiny", ("000000", "334034", "421211"))
    assert table.recorded(table.column("cifar10_test_200")).tolist()[::2] == [13.0, 73.0]
    assert table.recorded(table.column("cifar10_validsplit_test_200")).tolist()[::2] == [10.0, 70.0]
    assert table.recorded(table.column("cifar100_valid_12")).tolist()[::2] == [-30.0, 30.0]
    assert np.isnan(table.values[:, 1]).all()
    assert "1 of 3 architectures have no file" in table.provenance.note
    latency = table.recorded(table.column("latency_ms_cifar10"))
    assert np.isnan(latency).all()  # negative: not measured
    assert table.recorded(table.column("latency_ms_cifar100"))[0] == pytest.approx(10)


def test_roles_splits_and_names(folder: Path) -> None:
    table = read_nats(folder)
    assert table.tasks == ("cifar10", "cifar100", "imagenet16")
    for task in table.tasks:
        sold, judge = table.truth(task), table.judge(task)
        assert (sold.name, sold.role, sold.split) == (f"{task}_valid_200", "truth", "x-valid")
        assert (judge.name, judge.role) == (f"{task}_test_200", "judge")
        assert judge.split == ("test" if task == "cifar10" else "x-test")
        assert (sold.epochs, judge.epochs) == (200, 200)
    evidence = [column for column in table.columns if column.role == "evidence"]
    assert {(column.split, column.epochs) for column in evidence} == {("x-valid", 12)}
    assert not [column for column in table.columns if column.epochs == 12 and "test" in column.split]
    assert {column.higher_is_better for column in table.columns if column.role == "cost"} == {False}


def test_progress_counts_architectures(folder: Path) -> None:
    class Counting(Silent):
        total = done = 0

        def begin(self, stage: str, total: int, done: int = 0) -> None:
            self.total = total

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.done += steps

    progress = Counting()
    read_nats(folder, progress=progress)
    assert (progress.total, progress.done) == (3, 3)


def test_the_checksum_is_of_all_files(folder: Path) -> None:
    before = read_nats(folder).provenance.files
    assert before == read_nats(folder).provenance.files
    write(folder / "000002.pickle.pbz2", {"12": schedule(12, 1, (1,)), "200": schedule(200, 1, (1,))})
    assert read_nats(folder).provenance.files != before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "000000.pickle.pbz2 does not have the results of 12 and 200 epochs"),
        ({"12": {}, "200": {}}, "000000.pickle.pbz2 does not have the structure of a NAS-Bench-201 record (KeyError"),
        ({"12": {"all_results": {}}, "200": {"all_results": {("cifar10", 1): 5}}}, "does not have the structure"),
    ],
)
def test_a_strange_record_is_named(folder: Path, content: Any, words: str) -> None:
    write(folder / "000000.pickle.pbz2", content)
    with pytest.raises(TableError) as caught:
        read_nats(folder)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"meta_archs": None}, "has no list 'meta_archs' of official strings"),
        ([], "has no list 'meta_archs' of official strings"),
        (
            {"meta_archs": ["64:64:64:64:64"]},
            "is no file of the topology space, but of the size space: archlock tables import nats-sizes",
        ),
        ({"meta_archs": ["what"]}, "this is no file of the topology space"),
        ({"meta_archs": [official("000000")] * 2}, "names an architecture twice"),
    ],
)
def test_a_strange_meta_file_is_named(folder: Path, meta: Any, words: str) -> None:
    write(folder / "meta.pickle.pbz2", meta)
    with pytest.raises(TableError) as caught:
        read_nats(folder)
    assert words in str(caught.value)


def test_another_folder_is_none_of_nats(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("0*"):
        path.unlink()
    with pytest.raises(TableError, match=r"but no file such as 000000\.pickle\.pbz2: unpack the archive again"):
        read_nats(folder)
    with pytest.raises(TableError, match=r"is not a folder of NATS-Bench: meta\.pickle\.pbz2 is missing"):
        read_nats(tmp_path / "none")


def test_the_size_space_has_a_reader_of_its_own() -> None:
    table = read_nats_sizes(shared(SIZES))
    assert (table.name, table.space_name, table.provenance.reader) == ("nats_sizes", "sizes", "nats-sizes")
    assert table.codes == tuple(architecture.code for architecture in SPACES["sizes"].enumerate())
    assert np.isfinite(table.values).sum() == 2 * len(table.columns)
    by_hand = {"params_M_cifar100": 0.052172, "flops_M_imagenet16": 1.71404}  # 8:8:8:16:32, whose index is 11
    for name, value in by_hand.items():
        assert table.look_up(table.column(name), ["11124"])[0] == pytest.approx(value, abs=1e-9), name
    sold, judge = table.truth("cifar10"), table.judge("cifar10")
    assert (sold.name, sold.epochs, judge.name, judge.epochs) == ("cifar10_valid_90", 90, "cifar10_test_90", 90)
    assert table.look_up(judge, ["11111"])[0] > table.look_up(table.column("cifar10_valid_12"), ["11111"])[0]


def test_the_folder_of_the_other_space_is_refused() -> None:
    with pytest.raises(TableError, match="of the topology space, but of the size space: archlock tables import nats-s"):
        read_nats(shared(SIZES))
    with pytest.raises(TableError, match=r"of the size space, but of the topology space: archlock tables import nats$"):
        read_nats_sizes(shared(SAMPLE))


def test_files_of_the_other_space_under_the_right_meta_are_refused(folder: Path) -> None:
    write(folder / "meta.pickle.pbz2", {"meta_archs": ["8:8:8:8:8", "8:8:8:8:16", "8:8:8:8:24"]})
    with pytest.raises(TableError, match=r"does not have the results of 12 and 90 epochs; is it .*, size space\?"):
        read_nats_sizes(folder)
