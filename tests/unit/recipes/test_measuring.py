import csv
from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import ConfigurationError, UnknownNameError
from archlock.evidence import EvidenceStore
from archlock.execution import executor_for
from archlock.models import build
from archlock.proxies import PROXIES, PUBLISHED_SEVEN, measure_all
from archlock.recipes.measuring import MeasureConfig, MeasureResult, drawn, measure, proxies_named, write_proxy_csv
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.seeding import derive_seed
from archlock.spaces import SPACES
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits, small_negatives

SETTINGS = ProxySettings(("flops", "snip", "nwot", "jacov"), width=2, depth=1, batch=8, side=8)
CONFIG = MeasureConfig("nasbench201", SETTINGS, sample=40, seed=3)
TASKS = [small_digits(), small_negatives()]


def run(store: Path, config: MeasureConfig = CONFIG, tasks: list[Task] = TASKS, workers: int = 1) -> MeasureResult:
    return measure(tasks, config, store=store, executor=executor_for(workers))


def test_what_is_kept_is_what_the_proxies_say(tmp_path: Path) -> None:
    result = run(tmp_path / "store.sqlite")
    space = SPACES["nasbench201"]
    functions = {space.simplify(one) for one in drawn(CONFIG)}
    assert (result.architectures, result.functions, result.found) == (40, len(functions), 0)
    work = ProxyWork.on({task.name: task for task in TASKS}, SETTINGS, seed=3)
    known = EvidenceStore(tmp_path / "store.sqlite").read()
    assert len(known) == len(functions) * len(SETTINGS.proxies) * len(TASKS)
    function = next(one for one in sorted(functions) if space.is_connected(one))
    seed = derive_seed(3, "proxies", str(function))
    for (name, subject), place in zip(work.subjects.items(), (0, 4), strict=True):
        model = build(function, subject.signature, width=2, depth=1, seed=seed)
        expected = measure_all(model, subject.batches, SETTINGS.proxies, seed=seed)
        keys = work.keys(function)[place : place + 4]
        assert [known[key].value for key in keys] == [expected[proxy].value for proxy in SETTINGS.proxies], name


def test_an_architecture_has_the_values_of_its_function(tmp_path: Path) -> None:
    run(tmp_path / "store.sqlite")
    path = write_proxy_csv(tmp_path / "values.csv", TASKS, CONFIG, store=tmp_path / "store.sqlite")
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["code"] for row in rows] == [one.code for one in drawn(CONFIG)]
    space = SPACES["nasbench201"]
    work = ProxyWork.on({task.name: task for task in TASKS}, SETTINGS, seed=3)
    for row in rows[:5]:
        function = space.simplify(space.architecture(row["code"]))
        assert row["function"] == function.code
        values = [one.value if one.status == "valid" else None for one in measure_proxies(work, function)]
        cells = [row[f"{proxy}_{task.name}"] for task in TASKS for proxy in SETTINGS.proxies]
        assert [float(cell) if cell else None for cell in cells] == values


def test_a_second_run_buys_only_what_is_new(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    first = run(store)
    again = run(store)
    assert (again.found, again.tallies) == (first.functions, first.tallies)
    larger = run(store, replace(CONFIG, sample=60), workers=2)
    assert larger.found == first.functions < larger.functions
    assert EvidenceStore(store).read().keys() >= EvidenceStore(store).read().keys()
    fresh = run(tmp_path / "fresh.sqlite", replace(CONFIG, sample=60))
    values = [{key: one.value for key, one in EvidenceStore(path).read().items()} for path in (store, fresh.store)]
    assert str(values[0]) == str({key: values[1][key] for key in values[0]})


def test_what_is_interrupted_goes_on(tmp_path: Path) -> None:
    class Impatient(type(executor_for(1))):  # type: ignore[misc]
        def run(self, *arguments, **settings):  # type: ignore[no-untyped-def]
            for count, found in enumerate(super().run(*arguments, **settings)):
                if count == 5:
                    raise KeyboardInterrupt
                yield found

    store = tmp_path / "store.sqlite"
    with pytest.raises(KeyboardInterrupt):
        measure(TASKS, CONFIG, store=store, executor=Impatient())
    assert len(EvidenceStore(store)) == 5 * 8
    assert run(store).found == 5


def test_unsupported_and_failed_are_told_apart(tmp_path: Path) -> None:
    settings = replace(SETTINGS, proxies=("params", "snip", "epe_nas"))
    config = MeasureConfig("nasbench201", settings, sample=300, seed=1)
    result = run(tmp_path / "store.sqlite", config)
    told = {(one.proxy, one.task): (one.valid, one.failed, one.unsupported) for one in result.tallies}
    assert told["params", "digits"] == (result.functions, 0, 0)
    assert told["epe_nas", "negatives"] == (0, 0, result.functions)
    assert told["snip", "digits"] == (result.functions - 1, 1, 0)  # all disconnected cells are one function


def test_names_of_proxies() -> None:
    assert proxies_named("all") == tuple(PROXIES)
    assert proxies_named("published") == PUBLISHED_SEVEN
    assert proxies_named("zen, snip") == ("zen", "snip")
    with pytest.raises(UnknownNameError, match="zenn"):
        proxies_named("zenn")


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="of 1 to 15625 architectures; got 0"):
        MeasureConfig("nasbench201", SETTINGS, sample=0)
    with pytest.raises(ConfigurationError, match="chunk is at least 1 architecture; got 0"):
        MeasureConfig("nasbench201", SETTINGS, chunk=0)
    with pytest.raises(ConfigurationError, match="different names; got digits, digits"):
        run(tmp_path / "store.sqlite", tasks=[small_digits(), small_digits(seed=1)])
    with pytest.raises(ConfigurationError, match="different names; got none"):
        run(tmp_path / "store.sqlite", tasks=[])
    with pytest.raises(ConfigurationError, match="asked for twice: snip"):
        ProxySettings(("snip", "snip"))
    with pytest.raises(ConfigurationError, match="got width 0, depth 5"):
        ProxySettings(width=0)
    with pytest.raises(ConfigurationError, match="2 mini-batches of 500 images, and digits has 120"):
        run(tmp_path / "store.sqlite", replace(CONFIG, settings=replace(SETTINGS, batch=500)))
