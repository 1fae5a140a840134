import math
from pathlib import Path

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, PROBE
from archlock.recipes.engine.market import Ask, Candidates, Market, candidates_among
from archlock.recipes.lock import live_market
from archlock.recipes.lock.live_market import ENOUGH_REPEATS, LiveMarket
from archlock.recipes.lock.run import Run
from archlock.spaces import SPACES, Architecture
from made_up_trainings import MadeUpTrainings
from tiny_runs import tiny_begin, tiny_config, tiny_target

SPACE = SPACES["nasbench201"]
CODES = ("333333", "222222", "111333", "313131", "123123")
VALIDATION = 24


@pytest.fixture
def candidates() -> Candidates:
    return candidates_among(SPACE, [SPACE.architecture(code) for code in CODES])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return tiny_begin(tmp_path / "run", tiny_config(simulated=("rotation", "jigsaw"), seed=5))


def market(run: Run, candidates: Candidates, *, targets: bool = True) -> LiveMarket:
    return LiveMarket(run, candidates, targets=targets, short=6, full=9)


def ask(kind: str, *trainings: tuple[int, int]) -> Ask:
    rows, numbers = zip(*trainings, strict=True)
    return Ask(kind, np.array(rows, dtype=int), np.array(numbers, dtype=int))  # type: ignore[arg-type]


def made_up(monkeypatch: pytest.MonkeyPatch, value: object) -> MadeUpTrainings:
    trainings = MadeUpTrainings(value)  # type: ignore[arg-type]
    monkeypatch.setattr(live_market, "gather", trainings)
    return trainings


def test_it_is_a_market(run: Run, candidates: Candidates) -> None:
    selling = market(run, candidates)
    assert isinstance(selling, Market)
    assert selling.repeatable
    assert selling.others == ("rotation", "jigsaw")
    assert not selling.known, "simulated targets are stand-ins"


def test_targets_of_the_owner_are_known(tmp_path: Path, candidates: Candidates) -> None:
    run = tiny_begin(tmp_path / "known", tiny_config(scheme="tk"), known=[tiny_target()], sealed=0)
    assert market(run, candidates).known
    assert market(run, candidates).others == ("other digits",)


def test_a_gain_is_the_better_of_probe_and_fine_tuning(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the probe is better, there the fine-tuning; one of two may fail, and where both do nothing is known."""
    gains = {
        (0, PROBE): 0.4,
        (0, FINE_TUNE): 0.6,
        (1, PROBE): 0.5,
        (1, FINE_TUNE): 0.3,
        (2, PROBE): math.nan,
        (2, FINE_TUNE): 0.2,
        (3, PROBE): math.nan,
        (3, FINE_TUNE): math.nan,
    }
    row = {a: place for place, a in enumerate(candidates.architectures)}

    def value(a: Architecture, task: str, measure: str, seed: int) -> float:
        if task == "source":
            return 0.9 - row[a] / 10
        return gains[row[a], measure] if task == "jigsaw" else 0.35

    made_up(monkeypatch, value)
    bought = market(run, candidates).buy(ask("short", (3, 0), (0, 0), (1, 0), (2, 0)))
    assert bought.values.tolist() == [
        [pytest.approx(one) for one in (0.6, 0.9, 0.8, 0.7)],
        [0.35] * 4,
        [pytest.approx(math.nan, nan_ok=True), 0.6, 0.5, 0.2],
    ]
    assert np.isnan(bought.noise).all(), "nobody knows the noise of short trainings"


def test_a_number_is_a_seed_of_its_own(run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = made_up(monkeypatch, lambda a, task, measure, seed: seed / 10)
    bought = market(run, candidates).buy(ask("full", (0, 0), (1, 2), (0, 1), (1, 0)))
    assert bought.values[0].tolist() == pytest.approx([0.5, 0.7, 0.6, 0.5]), "the run's seed is 5"
    first, second = candidates.architectures[:2]
    (call,) = trainings.calls
    assert call.jobs == ((first, 5), (second, 7), (first, 6), (second, 5)), "all at once, for as many workers"


def test_noise_is_that_of_few_images_until_there_are_repeats(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is the pooled deviation between trainings of one architecture, if that is more."""
    deviates = {"source": 0.3, "rotation": 0.0, "jigsaw": 0.2}

    def value(a: Architecture, task: str, measure: str, seed: int) -> float:
        return 0.5 + (deviates[task] if seed % 2 else -deviates[task])

    made_up(monkeypatch, value)
    selling = market(run, candidates)
    assert ENOUGH_REPEATS == 3
    first = selling.buy(ask("full", (0, 0), (0, 1), (1, 0), (1, 1)))  # two repeats
    few = math.sqrt(0.25 / VALIDATION)
    assert first.noise.tolist() == pytest.approx([few] * 3)
    second = selling.buy(ask("full", (2, 0), (2, 1)))
    pooled = [math.sqrt(2 * one**2) for one in deviates.values()]  # of pairs, one degree of freedom each
    assert second.noise.tolist() == pytest.approx([pooled[0], few, pooled[2]])


def test_a_source_only_market_trains_nothing_on_targets(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = made_up(monkeypatch, lambda a, task, measure, seed: 0.5)
    selling = market(run, candidates, targets=False)
    assert selling.others == ()
    for kind in ("short", "full"):
        bought = selling.buy(ask(kind, (0, 0), (1, 0)))
        assert bought.values.shape == (1, 2)
        assert bought.noise.shape == (1,)
    assert {call.targets for call in trainings.calls} == {()}
    assert {key.measure for key in trainings.known} == {"source_accuracy"}
    assert all("source only" in call.stage for call in trainings.calls)


def test_what_was_bought_is_taken_from_what_is_left_and_its_keys_are_kept(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = made_up(monkeypatch, lambda a, task, measure, seed: 0.5)
    selling = market(run, candidates)
    assert (selling.left("short"), selling.left("full")) == (6, 9)
    selling.buy(ask("short", (0, 0), (1, 0)))
    selling.buy(ask("full", (0, 0), (0, 1), (1, 0)))
    assert (selling.left("short"), selling.left("full")) == (4, 6)
    assert selling.keys == set(trainings.known)
    assert len(selling.keys) == 5 * 5  # a source, and two measures on two targets


def test_short_trainings_are_small_and_full_ones_leave_weights(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = made_up(monkeypatch, lambda a, task, measure, seed: 0.5)
    selling = market(run, candidates)
    selling.buy(ask("short", (0, 0)))
    selling.buy(ask("full", (0, 0)))
    short, full = (call.tasks for call in trainings.calls)
    assert (short.folder, full.folder) == (None, run.workspace.checkpoints)
    assert (short.settings, full.settings) == (run.allocation.evidence, run.allocation.final)
    assert full.source is run.source


def test_finalists_are_means_over_trainings_that_succeeded(
    run: Run, candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order in which they were bought; one all of whose trainings failed somewhere is none."""
    row = {a: place for place, a in enumerate(candidates.architectures)}

    def value(a: Architecture, task: str, measure: str, seed: int) -> float:
        if row[a] == 3 and task == "jigsaw":
            return math.nan
        if row[a] == 1 and seed == 6:
            return math.nan
        return {"source": 0.6, "rotation": 0.3, "jigsaw": 0.2}[task] + (seed - 5) / 10

    made_up(monkeypatch, value)
    selling = market(run, candidates)
    selling.buy(ask("short", (4, 0)))
    selling.buy(ask("full", (2, 0), (3, 0)))
    selling.buy(ask("full", (1, 0), (1, 1), (1, 2), (2, 1)))
    second, first = selling.finalists()
    assert (second.architecture, first.architecture) == (candidates.architectures[2], candidates.architectures[1])
    assert first.source_scores == pytest.approx((0.6, 0.8))
    assert first.per_target == {"rotation": pytest.approx(0.4), "jigsaw": pytest.approx(0.3)}
    assert second.source_scores == pytest.approx((0.6, 0.7))
    assert second.per_target == {"rotation": pytest.approx(0.35), "jigsaw": pytest.approx(0.25)}
