"""Who is sold and who judges in a table that was recorded with one, two or three trainings of everything."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, PROBE, SCRATCH, SOURCE
from archlock.evidence import EvidenceStore, Measurement
from archlock.recipes import TransferConfig
from archlock.recipes.transfer.recording import run_noise, transfer_table
from archlock.recipes.transfer.work import SPLITS, TransferWork
from archlock.spaces import SPACES, Architecture
from archlock.tables import Provenance, Table, open_pair
from archlock.testing.small_tasks import small_digits

CELLS = tuple(SPACES["nasbench201"].architecture(code) for code in ("331213", "340432", "421211"))
NOISE = 0.05


@pytest.fixture(scope="module")
def work() -> TransferWork:
    low, high = (
        replace(small_digits(train=30, validation=12, test=12, labels=labels), name=name)
        for name, labels in (("low", (0, 1, 2)), ("high", (3, 4, 5)))
    )
    config = TransferConfig(architectures=3, width=4, side=8, source_examples=30, target_examples=30)
    return TransferWork.on([low, high], [low, high], config, device="cpu")


def value_of(one: Architecture, measure: str, task: str, split: str, seed: int) -> float:
    """Different for every architecture, measure, task, split and seed."""
    words = "|".join((one.code, measure, task, split, str(seed)))
    return 0.3 + 0.4 * np.random.default_rng(list(words.encode())).random()


def recorded(
    work: TransferWork, folder: Path, seeds: tuple[int, ...], missing: tuple[tuple[str, int], ...] = ()
) -> Table:
    """A table of made-up measurements; what is ``missing`` is a measure that an architecture lacks with a seed."""
    store = EvidenceStore(folder / "store.sqlite")
    places = [(SOURCE, name, name) for name in work.sources] + [(SCRATCH, name, None) for name in work.targets]
    places += [
        (how, target, source) for source in work.sources for target in work.others(source) for how in (PROBE, FINE_TUNE)
    ]
    found = [
        Measurement(
            work.key(one, measure, task, source, split, seed), value_of(one, measure, task, split, seed), "", 0.0
        )
        for measure, task, source in places
        for split in SPLITS
        for seed in seeds
        for one in CELLS
        if (measure, seed) not in missing or one != CELLS[0]
    ]
    store.write(found)
    return transfer_table("made_up", CELLS, work, store, seeds=seeds, provenance=Provenance("test", ()))


def sold_and_judge(table: Table) -> list[tuple[str, str]]:
    """Names of what is sold and what judges, without the seeds' columns of other roles."""
    pairs = [(table.truth(source), table.judge(source)) for source in ("low", "high")]
    pairs += [(table.truth(target, source), table.judge(target, source)) for source, target in table.pairs]
    assert all((sold.role, judge.role) == ("truth", "judge") for sold, judge in pairs)
    assert all(sold.start == judge.start for sold, judge in pairs)
    return [(sold.runs, judge.runs) for sold, judge in pairs]


def test_with_one_training_another_split_judges(work: TransferWork, tmp_path: Path) -> None:
    table = recorded(work, tmp_path, (0,))
    assert sold_and_judge(table) == [("one run", "one run")] * 4
    for source, target in table.pairs:
        assert table.truth(target, source).split == "validation"
        assert table.judge(target, source).split == "test"
    assert {column.noise for column in table.columns} == {0.0}, "one training says nothing of its noise"
    assert {column.runs for column in table.columns if column.role == "evidence"} == {"one run"}


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 2), (5, 3, 9)])
def test_with_several_the_first_is_sold_and_the_last_judges(
    work: TransferWork, tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    table = recorded(work, tmp_path, seeds)
    assert sold_and_judge(table) == [(f"seed {seeds[0]}", f"seed {seeds[-1]}")] * 4
    evidence = [column for column in table.columns if column.role == "evidence"]
    assert {column.runs for column in evidence} == {f"seed {seeds[0]}"}, "nor does cheap evidence come from the judge"
    means = [column for column in table.columns if column.runs.startswith("mean")]
    assert means
    assert {column.role for column in means} == {"repeat"}
    assert {column.role for column in table.columns if column.runs == f"seed {seeds[-1]}"} == {"judge", "repeat"}
    assert {column.split for column in table.columns if column.role == "judge"} == {"test"}


@pytest.mark.parametrize("seeds", [(0,), (0, 1), (0, 1, 2)])
def test_no_number_is_both_sold_and_judge(work: TransferWork, tmp_path: Path, seeds: tuple[int, ...]) -> None:
    table = recorded(work, tmp_path, seeds)
    judges = {value for c in table.columns if c.role == "judge" for value in table.recorded(c).tolist()}
    for source, target in table.pairs:
        evidence, _ = open_pair(table, source, target, scheme="tk")
        for task in (source, target):
            for short in (False, True):
                if not short or evidence.has_short(task):
                    assert not judges & set(evidence.training(task, table.architectures, short=short).tolist())


def test_a_training_that_is_not_there_yet_does_not_judge(work: TransferWork, tmp_path: Path) -> None:
    """The third seed of fine-tuning is incomplete: the second judges there, the third on sources."""
    table = recorded(work, tmp_path, (0, 1, 2), missing=((FINE_TUNE, 2),))
    assert sold_and_judge(table) == [("seed 0", "seed 2")] * 2 + [("seed 0", "seed 1")] * 2
    only = recorded(work, tmp_path / "only", (0, 1), missing=((FINE_TUNE, 1),))
    assert sold_and_judge(only) == [("seed 0", "seed 1")] * 2 + [("one run", "one run")] * 2


def test_what_is_sold_tells_the_noise_of_one_training(work: TransferWork, tmp_path: Path) -> None:
    table = recorded(work, tmp_path, (0, 1, 2))
    sold = table.truth("high", "low")
    runs = np.stack(
        [table.recorded(table.column(f"high_from_low_fine_tune_validation_seed{seed}")) for seed in range(3)]
    )
    assert sold.noise == pytest.approx(run_noise(runs))
    assert sold.noise > 0
    assert [column for column in table.columns if column.noise and column.role != "truth"] == []


def test_architectures_with_a_second_training_tell_the_noise_where_not_all_have_one(
    work: TransferWork, tmp_path: Path
) -> None:
    table = recorded(work, tmp_path, (0, 1), missing=((FINE_TUNE, 1),))
    sold = table.truth("high", "low")
    names = [f"high_from_low_fine_tune_validation_seed{seed}" for seed in range(2)]
    runs = np.stack([table.recorded(table.column(name)) for name in names])
    assert np.isfinite(runs[1]).tolist() == [False, True, True]
    assert sold.noise == pytest.approx(run_noise(runs[:, 1:]))
    assert sold.noise > 0


@pytest.mark.parametrize("trainings", [2, 3, 10])
def test_the_noise_is_recovered_and_outliers_do_not_matter(trainings: int) -> None:
    rng = np.random.default_rng(0)
    runs = rng.random(4000) + NOISE * rng.standard_normal((trainings, 4000))
    runs[0, :200] = 0.1  # one in twenty diverged
    assert run_noise(runs) == pytest.approx(NOISE, rel=0.1)


def test_architectures_with_a_failed_training_say_nothing_of_the_noise() -> None:
    rng = np.random.default_rng(1)
    runs = rng.random(2000) + NOISE * rng.standard_normal((3, 2000))
    runs[2, ::2] = np.nan
    assert run_noise(runs) == pytest.approx(NOISE, rel=0.1)
    assert run_noise(np.full((2, 5), np.nan)) == 0.0, "not known"
