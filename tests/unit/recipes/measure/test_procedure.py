import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import ConfigurationError, UnknownNameError
from archlock.evidence import EvidenceStore
from archlock.execution import InProcess, executor_for
from archlock.models import build
from archlock.progress import Progress
from archlock.proxies import PROXIES, PUBLISHED_SEVEN, Proxy, measure_all
from archlock.recipes.measure.config import MeasureConfig
from archlock.recipes.measure.procedure import MeasureResult, measure, proxies_named, sampled
from archlock.recipes.measure.training_evidence import TrainingConfig
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.seeding import derive_seed
from archlock.short_training import SHORT, measure_short_trainings
from archlock.spaces import SPACES
from archlock.tasks import Task, subsample
from archlock.testing.small_tasks import small_digits, small_negatives
from tiny_runs import Noted

SETTINGS = ProxySettings(("flops", "snip", "nwot", "jacov"), width=2, depth=1, batch=8, side=8)
CONFIG = MeasureConfig("nasbench201", SETTINGS, sample=40, seed=3)
TASKS = [small_digits(), small_negatives()]


def run(
    store: Path,
    config: MeasureConfig = CONFIG,
    tasks: list[Task] = TASKS,
    workers: int = 1,
    table: Path | None = None,
) -> MeasureResult:
    return measure(tasks, config, store=store, executor=executor_for(workers), table=table)


class Impatient(InProcess):
    """Is interrupted after so many jobs."""

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def run_chunks(self, work, shared, chunks):  # type: ignore[no-untyped-def]
        for count, found in enumerate(super().run_chunks(work, shared, chunks)):
            if count == self._patience:
                raise KeyboardInterrupt
            yield found


class Counting(Progress):
    """Notes what every stage found done."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.done.append(done)

    def advance(self, steps: int = 1, note: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        pass


def found_done(store: Path, config: MeasureConfig) -> list[int]:
    """How many functions or trainings each stage found in the store."""
    progress = Counting()
    measure(TASKS, config, store=store, executor=executor_for(1), progress=progress)
    return progress.done


def test_what_is_kept_is_what_the_proxies_say(tmp_path: Path) -> None:
    result = run(tmp_path / "store.sqlite")
    space = SPACES["nasbench201"]
    functions = {space.simplify(one) for one in sampled(CONFIG)}
    assert (result.architectures, result.functions) == (40, len(functions))
    work = ProxyWork.on({task.name: task for task in TASKS}, SETTINGS, seed=3, device="cpu")
    known = EvidenceStore(tmp_path / "store.sqlite").read()
    assert len(known) == len(functions) * len(SETTINGS.proxies) * len(TASKS)
    function = next(one for one in sorted(functions) if space.is_connected(one))
    seed = derive_seed(3, "proxies", str(function))
    for (name, task), place in zip(work.tasks.items(), (0, 4), strict=True):
        model = build(function, task.signature, width=2, depth=1, seed=seed)
        expected = measure_all(model, task.batches, SETTINGS.proxies, seed=seed)
        keys = work.keys(function)[place : place + 4]
        assert [known[key].value for key in keys] == [expected[proxy].value for proxy in SETTINGS.proxies], name


def test_an_architecture_has_the_values_of_its_function(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    run(tmp_path / "store.sqlite", table=path)
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["code"] for row in rows] == [one.code for one in sampled(CONFIG)]
    space = SPACES["nasbench201"]
    work = ProxyWork.on({task.name: task for task in TASKS}, SETTINGS, seed=3, device="cpu")
    for row in rows[:5]:
        function = space.simplify(space.architecture(row["code"]))
        assert row["function"] == function.code
        values = [one.value if one.status == "valid" else None for one in measure_proxies(work, function)]
        cells = [row[f"{proxy}_{task.name}"] for task in TASKS for proxy in SETTINGS.proxies]
        assert [float(cell) if cell else None for cell in cells] == values


def test_a_second_run_buys_only_what_is_new(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    first = run(store)
    assert found_done(store, CONFIG) == [first.functions]
    assert run(store).tallies == first.tallies
    larger = replace(CONFIG, sample=60)
    assert found_done(store, larger) == [first.functions]
    run(store, larger, workers=2)
    fresh = run(tmp_path / "fresh.sqlite", larger)
    values = [{key: one.value for key, one in EvidenceStore(path).read().items()} for path in (store, fresh.store)]
    assert str(values[0]) == str({key: values[1][key] for key in values[0]})


def test_what_is_interrupted_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    with pytest.raises(KeyboardInterrupt):
        measure(TASKS, CONFIG, store=store, executor=Impatient(5))
    assert len(EvidenceStore(store)) == 5 * 8
    assert found_done(store, CONFIG) == [5]


def test_unsupported_and_failed_are_told_apart(tmp_path: Path) -> None:
    settings = replace(SETTINGS, proxies=("params", "snip", "epe_nas"))
    config = MeasureConfig("nasbench201", settings, sample=300, seed=1)
    result = run(tmp_path / "store.sqlite", config)
    outcomes = {
        (one.measure.removeprefix("proxy."), one.task): (one.valid, one.failed, one.unsupported)
        for one in result.tallies
    }
    assert outcomes["params", "digits"] == (result.functions, 0, 0)
    assert outcomes["epe_nas", "negatives"] == (0, 0, result.functions)
    assert outcomes["snip", "digits"] == (result.functions - 1, 1, 0)  # all disconnected cells are one function


def test_names_of_proxies() -> None:
    assert proxies_named("all") == tuple(PROXIES)
    assert proxies_named("published") == PUBLISHED_SEVEN
    assert proxies_named("none") == ()
    assert proxies_named("zen, snip") == ("zen", "snip")
    with pytest.raises(UnknownNameError, match="zenn"):
        proxies_named("zenn")


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sample is a whole number, at least 1; got 0"):
        MeasureConfig("nasbench201", SETTINGS, sample=0)
    with pytest.raises(ConfigurationError, match="chunk is a whole number, at least 1; got 0"):
        MeasureConfig("nasbench201", SETTINGS, chunk=0)
    with pytest.raises(ConfigurationError, match="different names; got digits, digits"):
        run(tmp_path / "store.sqlite", tasks=[small_digits(), small_digits(seed=1)])
    with pytest.raises(ConfigurationError, match="different names; got none"):
        run(tmp_path / "store.sqlite", tasks=[])
    with pytest.raises(ConfigurationError, match="asked for twice: snip"):
        ProxySettings(("snip", "snip"))
    with pytest.raises(ConfigurationError, match="width is a whole number, at least 1; got 0"):
        ProxySettings(width=0)
    with pytest.raises(ConfigurationError, match="2 mini-batches of 500 images, and digits has 120"):
        run(tmp_path / "store.sqlite", replace(CONFIG, proxies=replace(SETTINGS, batch=500)))
    with pytest.raises(ConfigurationError, match="nothing is to be measured"):
        MeasureConfig("nasbench201", proxies=None)
    with pytest.raises(ConfigurationError, match="seeds is a whole number, at least 1; got 0"):
        TrainingConfig(side=8, seeds=0, examples=50)


TRAININGS = TrainingConfig(epochs=2, width=2, depth=1, side=8, examples=64, seeds=2)


def test_short_trainings_are_those_of_one_alone(tmp_path: Path) -> None:
    config = MeasureConfig("transnas101_micro", proxies=None, trainings=TRAININGS, sample=4, seed=5)
    table = tmp_path / "values.csv"
    result = run(tmp_path / "store.sqlite", config, table=table)
    outcomes = {(one.measure, one.task): one.valid for one in result.tallies}
    assert outcomes == {(SHORT, task.name): 2 * result.functions for task in TASKS}
    known = EvidenceStore(tmp_path / "store.sqlite").read()
    assert len(known) == 2 * 2 * result.functions * (1 + TRAININGS.epochs)  # the accuracy and a learning curve
    space = SPACES["transnas101_micro"]
    function = space.simplify(sampled(config)[0])
    small = subsample(TASKS[0], 64, seed=0)
    expected = measure_short_trainings([(function, 6)], small, TRAININGS.settings)[0]
    assert known[expected.key].value == pytest.approx(expected.value, abs=0.02)
    with table.open(newline="") as lines:
        row = next(csv.DictReader(lines))
    assert float(row[f"{SHORT}_digits_6"]) == known[expected.key].value
    assert found_done(tmp_path / "store.sqlite", config) == [2 * result.functions] * 2


def test_an_interrupted_training_goes_on_by_groups(tmp_path: Path) -> None:
    config = MeasureConfig("transnas101_micro", proxies=None, trainings=TRAININGS, sample=20, seed=5)
    store = tmp_path / "store.sqlite"
    with pytest.raises(KeyboardInterrupt):
        measure(TASKS, config, store=store, executor=Impatient(1))
    fresh = run(tmp_path / "fresh.sqlite", config)
    assert 0 < len(EvidenceStore(store)) < len(EvidenceStore(fresh.store))
    whole = run(store, config)
    values = [[one.value for one in EvidenceStore(path).read().values()] for path in (whole.store, fresh.store)]
    assert values[0] == values[1]


def test_measurements_of_an_earlier_recipe_are_told_of_and_not_used(tmp_path: Path) -> None:
    config = replace(CONFIG, sample=2)
    store = EvidenceStore(tmp_path / "store.sqlite")
    now = EvidenceStore(run(tmp_path / "now.sqlite", config).store).read().values()
    store.write(replace(one, key=replace(one.key, fidelity="proxies-c2-n1-b8-s8")) for one in now)
    noted = Noted()
    measure(TASKS, config, store=store.path, executor=executor_for(1), progress=noted)
    assert noted.stages[0][2] == 0
    assert noted.lines == [
        f"{store.path} holds {len(now)} measurements of an earlier recipe or another version of torch; they are kept "
        "and not used"
    ]
    assert len(store) == 2 * len(now)


def test_an_edited_proxy_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def plug_in(factor: float) -> Proxy:
        class Plug(Proxy):
            name, paper, unit, cost = "plug", "-", "-", "counts"

            def score(self, bench: Any) -> float:
                return factor * len(bench)

        return Plug()

    for factor, done in ((1.0, 0), (1.0, 1), (2.0, 0)):
        monkeypatch.setitem(PROXIES._members, "plug", plug_in(factor))
        config = MeasureConfig("nasbench201", replace(SETTINGS, proxies=("plug",)), sample=1)
        assert found_done(tmp_path / "store.sqlite", config) == [done], factor
