"""Tables of what attackers by name get out of source models: values, places, and that nothing is done twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.adaptation import SOURCE
from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError, TableError, UnknownNameError
from archlock.evidence import EvidenceStore
from archlock.execution import InProcess
from archlock.models import count_parameters
from archlock.progress import Progress
from archlock.recipes import TransferConfig, TransferResult, transfer
from archlock.recipes.transfer import gathering
from archlock.recipes.transfer.outcomes import AttackWork, attack_job, few_images, model_for
from archlock.recipes.transfer.series import strongest
from archlock.recipes.transfer.source_models import is_trained, source_key, source_model
from archlock.recipes.transfer.work import TransferWork
from archlock.tables import open_pair
from archlock.testing.small_tasks import small_digits
from archlock.training import evaluate

LOW = replace(small_digits(train=60, validation=30, test=30, labels=(0, 1, 2)), name="low")
HIGH = replace(small_digits(train=60, validation=30, test=40, labels=(6, 7, 8, 9)), name="high")
NAMES = ("linear_probe", "fine_tune", "from_scratch", "ordinary")
CONFIG = TransferConfig(
    "locking_macro",
    architectures=2,
    seeds=2,
    width=2,
    side=8,
    source_epochs=2,
    target_epochs=1,
    attackers=NAMES,
    shots=5,
    horizon=1.0,
    ordinary_size=3000,
    source_batch=16,
    source_flip=True,
    source_clip=1.0,
    codes=("00120101011", "11110222003"),
)
BALANCED = replace(CONFIG, codes=(), design="balanced", costs=(1.5, 12.0))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> TransferResult:
    folder = tmp_path_factory.mktemp("attackers")
    return transfer(
        [LOW], [LOW, HIGH], CONFIG, store=folder / "store.sqlite", out=folder / "mine.npz", executor=InProcess(),
        command="archlock transfer ...",
    )  # fmt: skip


@pytest.fixture(scope="module")
def work(recorded: TransferResult) -> AttackWork:
    folder = recorded.store.with_name("store-weights")
    return AttackWork.on(TransferWork.on([LOW], [LOW, HIGH], CONFIG, folder=folder, device="cpu"), CONFIG)


def test_the_strongest_is_sold_and_another_training_judges(recorded: TransferResult) -> None:
    table = recorded.table
    assert table.pairs == (("low", "high"),)
    assert table.truth("high", "low").name == "high_from_low_strongest_validation_seed0"
    assert table.judge("high", "low").name == "high_from_low_strongest_test_seed1"
    assert (table.truth("low").name, table.judge("low").name) == (
        "low_source_validation_seed0",
        "low_source_test_seed1",
    )
    evidence, _ = open_pair(table, "low", "high", scheme="tk")
    probe = table.recorded(table.column("high_from_low_linear_probe_validation_seed0"))
    assert np.array_equal(evidence.training("high", table.architectures, short=True), probe)
    note = table.provenance.note
    assert "targets 5 of each class, 1 epochs; attackers linear_probe, fine_tune, from_scratch, ordinary" in note
    assert "Architectures: named. Command: archlock transfer ..." in note


def test_values_are_those_of_the_attacks_themselves(recorded: TransferResult, work: AttackWork) -> None:
    table, one = recorded.table, recorded.table.architectures[1]
    model = source_model(work.transfer, (one, 1, "low"))
    source = table.recorded(table.column("low_source_test_seed1"))[1]
    assert source == evaluate(model, work.transfer.sources["low"].test)
    job = work.job(one, "low", 1, "high", "fine_tune")
    validation, test = attack_job(work, job)
    assert table.recorded(table.column("high_from_low_fine_tune_validation_seed1"))[1] == validation.value
    assert table.recorded(table.column("high_from_low_fine_tune_test_seed1"))[1] == test.value
    assert test.note.startswith("learning rate")


def test_the_strongest_is_chosen_by_validation(recorded: TransferResult) -> None:
    table = recorded.table
    for seed in range(2):

        def scores(name: str, split: str, seed: int = seed) -> np.ndarray:
            return table.recorded(table.column(f"high_from_low_{name}_{split}_seed{seed}"))

        better = scores("fine_tune", "validation") > scores("linear_probe", "validation")
        for split in ("validation", "test"):
            expected = np.where(better, scores("fine_tune", split), scores("linear_probe", split))
            assert np.array_equal(scores("strongest", split), expected)


def test_who_takes_no_weights_is_recorded_once(recorded: TransferResult, work: AttackWork) -> None:
    """From scratch once for all sources, an ordinary network once for all architectures."""
    names = {column.name for column in recorded.table.columns}
    assert {"high_from_scratch_test_seed0", "high_ordinary_test_seed1"} <= names
    assert not [name for name in names if name.startswith("low_ordinary")], "nobody is attacked on their own task"
    same = recorded.table.recorded(recorded.table.column("high_ordinary_test_seed0"))
    assert len(set(same.tolist())) == 1
    jobs = list(work.jobs(recorded.table.architectures, 0))
    assert [job.attacker for job in jobs].count("ordinary") == 1
    ordinary = next(job for job in jobs if job.attacker == "ordinary")
    size = count_parameters(model_for(work, ordinary, work.transfer.targets["high"]))
    assert size == pytest.approx(3000, rel=0.3)


def test_all_architectures_meet_the_same_few_images(work: AttackWork) -> None:
    task = few_images(work, "high", 0)
    assert np.bincount(task.train.targets).tolist() == [5] * 4
    assert len(task.validation) < 30, "and have their share of it to choose by"
    assert len(task.test) == 40
    assert task.fingerprint == few_images(work, "high", 0).fingerprint != few_images(work, "high", 1).fingerprint


class Counting(Progress):
    """Remembers how much there was to do."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Note what is left."""
        self.left[stage] = total - done

    def advance(self, done: int = 1, note: str = "") -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


def test_nothing_is_done_twice_and_an_exchanged_model_is_trained_again(
    recorded: TransferResult, work: AttackWork
) -> None:
    counting = Counting()
    before = len(EvidenceStore(recorded.store))
    again = transfer(
        [LOW], [LOW, HIGH], CONFIG, store=recorded.store, out=recorded.path, executor=InProcess(), progress=counting
    )
    assert set(counting.left.values()) == {0}
    assert len(EvidenceStore(recorded.store)) == before
    assert np.array_equal(again.table.values, recorded.table.values, equal_nan=True)
    first, second = recorded.table.architectures
    store = EvidenceStore(recorded.store)
    files = [work.transfer.folder / "low" / f"{one.code}-0.safetensors" for one in (first, second)]
    kept = files[0].read_bytes()
    assert is_trained(work.transfer, (first, 0, "low"), store)
    files[0].write_bytes(files[1].read_bytes())
    assert not is_trained(work.transfer, (first, 0, "low"), store)
    transfer(
        [LOW], [LOW, HIGH], CONFIG, store=recorded.store, out=recorded.path, executor=InProcess(), progress=counting
    )
    assert counting.left["source models, seed 0, rows 1 to 2 of 2"] == 1
    assert files[0].read_bytes() == kept, "the same bits"


def test_a_model_is_trained_again_only_for_who_has_to_attack_it(recorded: TransferResult, work: AttackWork) -> None:
    """Known values may be of another machine, whose weights are not here."""
    one, store, counting = recorded.table.architectures[0], EvidenceStore(recorded.store), Counting()
    file = work.transfer.folder / "low" / f"{one.code}-0.safetensors"
    given = {"store": recorded.store, "out": recorded.path, "executor": InProcess(), "progress": counting}
    file.unlink()
    score = store.read(measure=SOURCE)[source_key(work.transfer, (one, 0, "low"), "test")]
    elsewhere = EvidenceStore(recorded.store.with_name("elsewhere.sqlite"))
    elsewhere.write([replace(score, note="")])  # a score alone, of weights that are not here
    assert not is_trained(work.transfer, (one, 0, "low"), elsewhere)
    transfer([LOW], [LOW, HIGH], CONFIG, **given)  # type: ignore[arg-type]
    assert set(counting.left.values()) == {0}
    assert not file.exists()
    more = replace(CONFIG, attackers=(*NAMES, "lp_ft"))
    transfer([LOW], [LOW, HIGH], more, **{**given, "out": recorded.path.with_name("more.npz")})  # type: ignore[arg-type]
    assert counting.left["source models, seed 0, rows 1 to 2 of 2"] == 1
    assert is_trained(work.transfer, (one, 0, "low"), store)


def test_a_row_is_made_again_alone(recorded: TransferResult, tmp_path: Path) -> None:
    code = recorded.table.codes[0]
    config = replace(CONFIG, codes=(code,), seeds=1)
    alone = transfer(
        [LOW], [HIGH], config, store=tmp_path / "s.sqlite", out=tmp_path / "row.npz", executor=InProcess()
    ).table
    for name in ("high_from_low_fine_tune_test", "high_from_scratch_test", "high_ordinary_test", "low_source_test"):
        (value,) = alone.recorded(alone.column(name))
        assert value == recorded.table.recorded(recorded.table.column(f"{name}_seed0"))[0], name


def test_a_run_that_is_stopped_has_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Exception):
        """Killed, so to speak."""

    class Second(Progress):
        def begin(self, stage: str, total: int, done: int = 0) -> None:
            if stage == "source models, seed 0, rows 2 to 2 of 2":
                raise Stopped

        def advance(self, steps: int = 1, note: str = "") -> None: ...

        def say(self, text: str) -> None: ...

    monkeypatch.setattr(gathering, "ROWS", 1)
    given = {"store": tmp_path / "s.sqlite", "out": tmp_path / "t.npz", "executor": InProcess()}
    with pytest.raises(Stopped):
        transfer([LOW], [HIGH], CONFIG, **given, progress=Second())  # type: ignore[arg-type]
    done = transfer([LOW], [HIGH], replace(CONFIG, seeds=1), **given, minutes=0)  # type: ignore[arg-type]
    assert [str(one) for one in done.table.architectures] == [f"locking_macro:{CONFIG.codes[0]}"]


def test_with_time_up_the_table_waits(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no architecture is measured on all sources and targets yet; go on recording"):
        transfer(
            [LOW], [HIGH], CONFIG, store=tmp_path / "s.sqlite", out=tmp_path / "t.npz", executor=InProcess(), minutes=0
        )


def test_of_failed_attacks_none_is_the_strongest(recorded: TransferResult, work: AttackWork) -> None:
    one = recorded.table.architectures[0]
    job = work.job(one, "low", 0, "high", "fine_tune")
    good = attack_job(work, job)[0]
    gone = work.job(one, "low", 7, "high", "fine_tune")  # no such model was trained
    bad = attack_job(work, gone)[0]
    assert (bad.status, bad.note) == ("failed", "there is no model to attack: the training on 'low' had failed")
    assert strongest({"a": {(one, 0): bad}, "b": {(one, 0): good}}) == {(one, 0): "b"}
    assert strongest({"a": {(one, 0): bad}, "b": {}}) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attackers": ("fine_tune", "fine_tune")}, "name every attacker once; got fine_tune, fine_tune"),
        (
            {"attackers": ("from_scratch", "ordinary")},
            "nobody of from_scratch, ordinary starts from the source models'",
        ),
        ({"attackers": ()}, "shots are what attackers have to train on; name attackers, or leave shots out"),
        ({"shots": 0}, "shots is a whole number, at least 1; got 0"),
        ({"horizon": 0.0}, "horizon is a number above 0; got 0.0"),
        ({"ordinary_size": 0}, "ordinary_size is a whole number, at least 1; got 0"),
        ({"design": "random"}, "the design is one of cost, balanced; got 'random'"),
        ({"costs": (3.0, 1.0)}, "costs are from a number of at least 0 to a larger one; got 3.0 to 1.0"),
        ({"design": "cost"}, "costs and near are limits of the balanced design; ask for that, or leave them out"),
        ({"source_clip": -1.0}, "clip is a norm above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        replace(BALANCED, **changes)


def test_an_unknown_attacker_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown attacker 'finetune'"):
        replace(CONFIG, attackers=("finetune",))
    assert set(NAMES) <= set(ATTACKS)
