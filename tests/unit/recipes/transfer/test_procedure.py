from dataclasses import replace

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, SOURCE, measure_adaptation, measure_from_scratch
from archlock.errors import ArchLockError, ConfigurationError, TableError
from archlock.evidence import EvidenceStore
from archlock.execution import InProcess, ProcessPool
from archlock.models import build, load_weights
from archlock.recipes import TransferConfig, transfer
from archlock.recipes.transfer.design import COST, SHORTCUT, spread_out
from archlock.recipes.transfer.work import TransferWork, wanted
from archlock.spaces import SPACES
from archlock.tables import open_by_name_or_path, open_pair, read_table
from archlock.tasks import open_task
from archlock.testing.small_tasks import small_digits
from archlock.transferability import measure_estimates
from shared_data import shared

SPACE = SPACES["nasbench201"]
CONFIG = TransferConfig(
    architectures=2,
    seeds=2,
    width=4,
    side=8,
    source_examples=60,
    source_epochs=2,
    target_examples=40,
    target_epochs=1,
)
LOW = replace(small_digits(train=60, validation=30, test=30, labels=(0, 1, 2)), name="low")
MIDDLE = replace(small_digits(train=60, validation=30, test=30, labels=(3, 4, 5)), name="middle")
HIGH = replace(small_digits(train=60, validation=30, test=30, labels=(6, 7, 8, 9)), name="high")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    return transfer(
        [LOW, MIDDLE],
        [MIDDLE, HIGH],
        CONFIG,
        store=folder / "store.sqlite",
        out=folder / "mine.npz",
        weights=folder / "weights",
        executor=ProcessPool(2),
        command="archlock transfer ...",
    )


def test_the_table_has_truth_of_every_pair_and_says_what_it_is(recorded):
    table = read_table(recorded.path)
    assert table.name == "mine"
    assert len(table.codes) == 2
    assert table.pairs == (("low", "middle"), ("low", "high"), ("middle", "high"))
    assert table.truth("high", "low").name == "high_from_low_fine_tune_validation_seed0"
    assert table.judge("high", "low").name == "high_from_low_fine_tune_test_seed1"
    assert (table.truth("low").name, table.judge("low").name) == (
        "low_source_validation_seed0",
        "low_source_test_seed1",
    )
    assert {column.role for column in table.columns} == {"truth", "judge", "evidence", "repeat", "cost", "proxy"}
    assert "Command: archlock transfer ..." in table.provenance.note
    assert "width 4, depth 1, images 8 x 8; sources 60 images at most, 2 epochs" in table.provenance.note


def test_values_are_those_of_the_measures_themselves(recorded):
    work = TransferWork.on([LOW, MIDDLE], [MIDDLE, HIGH], CONFIG, device="cpu")
    table = recorded.table
    one = table.architectures[0]
    alone = measure_adaptation(
        one, work.sources["low"], {"high": work.targets["high"]}, work.settings, splits=("validation", "test"), seed=1
    )
    by_key = {(m.key.measure, m.key.split): m.value for m in alone}
    assert table.recorded(table.column("low_source_test_seed1"))[0] == by_key[SOURCE, "test"]
    assert table.recorded(table.column("high_from_low_fine_tune_test_seed1"))[0] == by_key[FINE_TUNE, "test"]
    (scratch,) = measure_from_scratch(one, work.targets["high"], work.settings, seed=0)
    assert table.recorded(table.column("high_scratch_validation_seed0"))[0] == scratch.value
    runs = [table.recorded(table.column(f"high_from_low_fine_tune_test_seed{seed}")) for seed in (0, 1)]
    mean = table.column("high_from_low_fine_tune_test")
    assert (mean.role, mean.runs) == ("repeat", "mean of 2 runs")
    assert np.allclose(table.recorded(mean), np.mean(runs, axis=0))
    assert np.array_equal(table.recorded(table.judge("high", "low")), runs[1])


def test_the_same_call_finds_everything_done(recorded):
    before = len(EvidenceStore(recorded.store))
    again = transfer(
        [LOW, MIDDLE],
        [MIDDLE, HIGH],
        CONFIG,
        store=recorded.store,
        out=recorded.path,
        executor=InProcess(),
        minutes=0,
        command="archlock transfer ...",
    )
    assert len(EvidenceStore(recorded.store)) == before
    assert np.array_equal(again.table.values, recorded.table.values)


def test_estimates_are_those_of_the_models_that_were_kept(recorded):
    work = TransferWork.on([LOW, MIDDLE], [MIDDLE, HIGH], CONFIG, device="cpu")
    table = recorded.table
    one = table.architectures[1]
    model = build(one, work.sources["middle"].signature, width=4, depth=1, seed=9)
    load_weights(model, recorded.store.parent / "weights" / "middle" / f"{one.code}-0.safetensors")
    (estimate,) = measure_estimates(model.eval(), work.targets["high"], ["log_me"], seed=0)
    column = table.column("high_from_middle_log_me")
    assert (column.role, column.metric, column.start) == ("proxy", "log_me", "middle")
    assert table.recorded(column)[1] == estimate.value


def test_a_search_sees_cheap_evidence_and_no_repeats(recorded):
    table = recorded.table
    evidence, _ = open_pair(table, "low", "high", scheme="tk")
    probe, sold = (table.column(f"high_from_low_{how}_validation_seed0") for how in ("probe", "fine_tune"))
    assert np.array_equal(evidence.training("high", table.architectures, short=True), table.recorded(probe))
    assert np.array_equal(evidence.training("high", table.architectures), table.recorded(sold))
    assert not evidence.repeatable("high"), "the other training judges"
    assert evidence.costs == ("parameters", "flops")


def test_a_table_of_nothing_is_an_error(tmp_path):
    with pytest.raises(TableError, match="no architecture is measured on all sources and targets yet; go on recording"):
        transfer(
            [LOW], [HIGH], CONFIG, store=tmp_path / "s.sqlite", out=tmp_path / "t.npz", executor=InProcess(), minutes=0
        )
    assert not (tmp_path / "t.npz").exists()


def test_architectures_are_different_functions_of_all_sizes_and_kinds():
    drawn = spread_out(SPACE, 100, seed=0)
    assert len({SPACE.simplify(one) for one in drawn}) == 100
    assert drawn == spread_out(SPACE, 100, seed=0) != spread_out(SPACE, 100, seed=1)
    everybody = sorted({SPACE.simplify(one) for one in SPACE.enumerate() if SPACE.is_connected(one)})
    for architectures in (drawn, drawn[:50]):
        traits, all_traits = (SPACE.shape(some) for some in (architectures, everybody))
        for name, tolerance in ((COST, 3.0), (SHORTCUT, 0.12)):
            place = traits.names.index(name)
            assert traits.values[:, place].mean() == pytest.approx(all_traits.values[:, place].mean(), abs=tolerance)
    with pytest.raises(ConfigurationError, match="nasbench201 has 5043 different functions; got 6000 to choose"):
        spread_out(SPACE, 6000, seed=0)


def test_a_row_is_made_again_alone(recorded, tmp_path):
    """One architecture, one source, one target: what the whole table has there, bit for bit."""
    code = recorded.table.codes[1]
    alone = transfer(
        [MIDDLE], [HIGH], replace(CONFIG, codes=(code,)), store=tmp_path / "s.sqlite", out=tmp_path / "row.npz",
        executor=InProcess(),
    ).table  # fmt: skip
    assert alone.codes == (code,)
    assert "Architectures: named" in alone.provenance.note
    for column in alone.columns:
        (value,) = alone.recorded(alone.column(column.name))
        assert value == recorded.table.recorded(recorded.table.column(column.name))[1], column.name
    twin = next(
        one for one in SPACE.enumerate() if one.code != code and SPACE.simplify(one).code == code
    )  # another code of the same function
    assert wanted(replace(CONFIG, codes=(twin.code, code))) == (SPACE.architecture(code),)


def test_rows_of_the_embedded_table_are_made_again():
    """A training from scratch on steel defects, as the package tells it. (Other processors may round otherwise.)"""
    table = open_by_name_or_path("transfer201")
    one = table.architectures[0]
    task = open_task(str(shared("images/neu_defects.npz")))
    work = TransferWork.on([task], [task], TransferConfig(), device="cpu")
    (scratch,) = measure_from_scratch(one, work.targets[task.name], work.settings, seed=0)
    recorded = table.recorded(table.column("neu_defects_scratch_validation_seed0"))
    assert scratch.value == pytest.approx(recorded[0], abs=0.1)


def test_senseless_requests_are_errors(tmp_path):
    with pytest.raises(ArchLockError, match="000006"):
        TransferConfig(codes=("000006",))
    with pytest.raises(ConfigurationError, match="architectures is a whole number, at least 1; got 0"):
        TransferConfig(architectures=0)
    with pytest.raises(ConfigurationError, match="nasbench201 has 15625 architectures; got"):
        TransferConfig(architectures=20_000)
    with pytest.raises(ConfigurationError, match="transfer needs tasks of different names; got low, low"):
        TransferWork.on([LOW, LOW], [HIGH], CONFIG, device="cpu")
    with pytest.raises(ConfigurationError, match="transfer needs tasks of different names; got none"):
        TransferWork.on([LOW], [], CONFIG, device="cpu")
