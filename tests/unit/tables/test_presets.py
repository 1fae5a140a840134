from pathlib import Path

import numpy as np
import pytest

from archlock.errors import TableError, UnknownNameError
from archlock.proxies import PROXIES
from archlock.tables import PRESETS, Pick, Table, measurement_name, open_pair, read_preset
from archlock.tables.benchmarks import NAS_NOISE, NINAPRO_NOISE, TRANSNAS_TASKS
from shared_data import shared


@pytest.fixture(scope="module")
def nasbench201() -> Table:
    joins = [shared(f"nasbench201_{part}.csv.gz") for part in ("zc", "alt", "hw", "devices", "ninapro")]
    return read_preset("nasbench201", shared("nasbench201.csv.gz"), joins=joins)


@pytest.fixture(scope="module")
def micro() -> Table:
    joins = [shared("transnas101_micro_zc.csv.gz")]
    return read_preset("transnas101_micro", shared("transnas101_micro.csv.gz"), joins=joins)


def test_the_judge_has_the_published_best(nasbench201: Table) -> None:
    best = {task: nasbench201.recorded(nasbench201.judge(task)).max() for task in nasbench201.tasks}
    assert best == {"cifar10": 94.3733, "cifar100": 73.5133, "imagenet16": 47.3111, "ninapro": 94.3854}
    assert measurement_name(nasbench201.judge("cifar100")) == (
        "accuracy (%) on x-test, 200 epochs, final epoch, mean over the NATS-Bench seeds (1 to 3 runs)"
    )


def test_cifar10_is_sold_by_validation_and_judged_by_test(nasbench201: Table) -> None:
    sold, judge = nasbench201.truth("cifar10"), nasbench201.judge("cifar10")
    assert (sold.name, sold.split, sold.epochs) == ("cifar10_valid_200", "x-valid", 200)
    assert (judge.name, judge.role, judge.split) == ("cifar10_test_200", "judge", "test")
    values, judged = nasbench201.recorded(sold), nasbench201.recorded(judge)
    assert np.isfinite(values).all()
    assert np.isfinite(judged).all()
    assert values.max() == 91.6067
    assert 0.9 < np.corrcoef(np.argsort(np.argsort(values)), np.argsort(np.argsort(judged)))[0, 1] < 1
    evidence, truth = open_pair(nasbench201, "cifar10", "cifar100", scheme="tk")
    assert np.array_equal(evidence.training("cifar10", nasbench201.architectures[:150], short=True),
                          nasbench201.recorded(nasbench201.column("cifar10_valid_12"))[:150])  # fmt: skip
    assert np.array_equal(evidence.training("cifar10", nasbench201.architectures[:40]), values[:40])
    assert truth.judge(Pick(nasbench201.architectures[7], 0)).source_value == judged[7]


def test_where_there_is_nothing_else_what_judges_is_sold_with_its_noise(nasbench201: Table, micro: Table) -> None:
    single = [nasbench201.truth(task) for task in ("cifar100", "imagenet16")]
    single += [micro.truth(task) for task in micro.tasks]
    for column, table in [(one, nasbench201 if one in nasbench201.columns else micro) for one in single]:
        assert table.judge(column.task) == column
        assert column.noise > 0, column.name
    assert micro.truth("jigsaw").noise == TRANSNAS_TASKS["jigsaw"].noise
    assert nasbench201.truth("cifar100").noise == NAS_NOISE["cifar100"]
    assert {column.noise for column in nasbench201.columns if column.role != "truth"} == {0.0}
    evidence, _ = open_pair(nasbench201, "cifar10", "cifar100", scheme="tk")
    assert (evidence.repeatable("cifar10"), evidence.repeatable("cifar100")) == (False, True)


def test_the_noise_of_a_training_is_what_single_runs_show(nasbench201: Table) -> None:
    """CIFAR-10 has three single runs of most architectures: their own deviation, by the median over architectures."""
    runs = np.stack([nasbench201.recorded(nasbench201.column(f"cifar10_test_200_run{run}")) for run in (1, 2, 3)])
    whole = runs[:, np.isfinite(runs).all(axis=0)]
    better = whole[:, whole.mean(axis=0) >= np.median(whole.mean(axis=0))]
    assert better.shape[1] > 1000
    assert NAS_NOISE["cifar10"] == pytest.approx(np.sqrt(np.median(better.var(axis=0, ddof=1)) / np.log(2)), rel=0.3)


def test_evidence_is_short_and_on_validation(nasbench201: Table) -> None:
    evidence = [column for column in nasbench201.columns if column.role == "evidence"]
    assert [column.name for column in evidence] == ["cifar10_valid_12", "cifar100_valid_12", "imagenet16_valid_12"]
    assert {(column.split, column.epochs, column.checkpoint) for column in evidence} == {("x-valid", 12, "final")}


def test_what_is_left_out_is_said(nasbench201: Table) -> None:
    names = {column.name for column in nasbench201.columns}
    for task in ("cifar10", "cifar100", "imagenet16"):
        for column in (f"{task}_naslib_val_accuracy", f"{task}_test_12"):
            assert column not in names
            assert f"Left out {column}: " in nasbench201.provenance.note
    assert "Infinite values of nwot_cifar100_part, which count as not recorded: 1." in nasbench201.provenance.note


def test_every_column_of_the_family_is_taken_or_left_out_for_a_reason(nasbench201: Table, micro: Table) -> None:
    for table in (nasbench201, micro):
        assert "not a column of this layout" not in table.provenance.note
    assert len(nasbench201.columns) == len(PRESETS["nasbench201"].columns) == 126


def test_proxies_have_the_names_of_our_own(nasbench201: Table, micro: Table) -> None:
    for table in (nasbench201, micro):
        proxies = [column for column in table.columns if column.role == "proxy"]
        assert {column.metric for column in proxies} - {"naswot_orig"} <= set(PROXIES)
        assert len({(column.task, column.metric) for column in proxies}) == len(proxies)


def test_hardware_is_a_cost(nasbench201: Table) -> None:
    latency = nasbench201.column("edgegpu_latency_cifar10")
    assert (latency.role, latency.unit, latency.higher_is_better) == ("cost", "ms", False)
    assert nasbench201.look_up(latency, ["421211"]).tolist() == [5.807419]
    assert nasbench201.column("eyeriss_arithmetic_intensity_cifar10").higher_is_better


def test_micro_truth_is_validation_of_the_final_epoch(micro: Table) -> None:
    best = [micro.recorded(micro.truth(task)).max().round(4) for task in micro.tasks]
    assert best == [54.9363, 45.5862, -0.6010, 95.3722, 94.6125, 0.5873, 0.5772]
    assert {micro.truth(task).split for task in micro.tasks} == {"validation"}
    assert {micro.truth(task).checkpoint for task in micro.tasks} == {"final"}
    assert np.isfinite(micro.values[:7]).all()


def test_another_file_is_not_of_the_layout(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ops,arch_index\n421211,0\n")
    with pytest.raises(TableError, match=r"t\.csv is not of the layout nasbench201: it has none of cifar10_valid_200"):
        read_preset("nasbench201", tmp_path / "t.csv")
    with pytest.raises(UnknownNameError, match="unknown layout 'moon'; known: nasbench201, transnas101_micro"):
        read_preset("moon", tmp_path / "t.csv")


def test_a_stranger_column_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ops,arch_index,class_scene,moon\n321000,0,12.5,1\n")
    table = read_preset("transnas101_micro", tmp_path / "t.csv", name="mine")
    assert (table.name, table.values.tolist()) == ("mine", [[12.5]])
    assert "Left out moon: not a column of this layout." in table.provenance.note


def test_the_macro_table_keeps_its_three_runs_apart() -> None:
    table = read_preset("nasbench_macro", shared("nasbench_macro.csv.gz"))
    assert (table.space_name, len(table.codes)) == ("mobilenet_macro", 6_561)
    sold, judge = table.truth("cifar10"), table.judge("cifar10")
    assert (sold.name, judge.name, sold.noise) == ("cifar10_test_run1", "cifar10_test_run2", 0.17)
    assert table.look_up(table.column("macs"), ["02012100"]).tolist() == [47_327_744]
    mean = np.mean([table.recorded(table.column(f"cifar10_test_run{run}")) for run in (1, 2, 3)], axis=0)
    assert table.codes[int(mean.argmax())] == "22212202"
    assert mean.max() == pytest.approx(93.13, abs=0.005)


def test_the_noise_of_ninapro_is_that_of_twins(nasbench201: Table) -> None:
    """Root mean square of one training about others of the same function."""
    values = nasbench201.scores(nasbench201.truth("ninapro"))
    functions: dict[str, list[float]] = {}
    for one, value in zip(nasbench201.architectures, values.tolist(), strict=True):
        if nasbench201.space.is_connected(one):
            functions.setdefault(nasbench201.space.canonicalise(one).code, []).append(value)
    twins = [np.array(found) for found in functions.values() if len(found) > 1]
    square = sum(((one - one.mean()) ** 2).sum() for one in twins) / sum(len(one) - 1 for one in twins)
    assert np.sqrt(square) == pytest.approx(NINAPRO_NOISE, abs=0.05)
