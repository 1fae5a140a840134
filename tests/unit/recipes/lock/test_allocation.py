from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archlock.decoding import decode
from archlock.errors import ConfigurationError
from archlock.recipes import Budget, LockConfig
from archlock.recipes.further_training import full_further_trainings
from archlock.recipes.lock import allocation
from archlock.recipes.lock.allocation import (
    ADAPTATION_SHARE,
    ATTACK_SHARE,
    EVIDENCE_SHARE,
    FEWEST_CANDIDATES,
    FINALIST_SHARE,
    Allocation,
    Workload,
    allocate,
    evidence_shape,
    suite_of,
)
from archlock.records import plain
from archlock.reports import Role
from archlock.tasks import Task
from tiny_runs import tiny_config, tiny_source

WORKLOAD = Workload(workers=2, attacked=1, largest_target=500)


def no_clock(source: Task, draft: Allocation) -> float:
    pytest.fail(f"a budget in trainings timed something on {source.name} under {draft}")


@pytest.mark.parametrize(
    ("trainings", "rounds", "finalists"), [(8, 1, 4), (15, 1, 4), (16, 2, 4), (24, 3, 4), (60, 3, 6), (600, 3, 8)]
)
def test_a_budget_in_trainings_needs_no_clock(trainings: int, rounds: int, finalists: int) -> None:
    config = tiny_config(budget=Budget(trainings, "trainings"))
    plan = allocate(config, tiny_source(), WORKLOAD, no_clock)
    assert (plan.candidates, plan.rounds, plan.finalists) == (trainings, rounds, finalists)
    assert plan == allocate(config, tiny_source(), replace(WORKLOAD, workers=7), no_clock)


def test_a_plan_reads_as_it_was_written() -> None:
    plan = allocate(tiny_config(), tiny_source(), WORKLOAD, no_clock)
    assert decode(Allocation, plain(plan)) == plan


def test_settings_reach_the_plan() -> None:
    plan = allocate(tiny_config(width=12, depth=2, epochs=7, flip=True), tiny_source(), WORKLOAD, no_clock)
    assert (plan.final.width, plan.final.depth, plan.final.source_plan.epochs) == (12, 2, 7)
    assert plan.final.source_plan.flip
    assert plan.evidence.width == 8  # evidence is never bought on wider networks
    assert plan.attack_examples == 500


def test_too_few_trainings_say_how_many_are_needed() -> None:
    config = tiny_config(budget=Budget(7, "trainings"))
    with pytest.raises(ConfigurationError, match=r"a budget of 7 trainings is too small .* give at least 8 trainings"):
        allocate(config, tiny_source(), WORKLOAD, no_clock)


def test_too_few_minutes_say_how_many_would_do() -> None:
    config = tiny_config(budget=Budget(1, "minutes"), epochs=None)
    with pytest.raises(ConfigurationError) as caught:
        allocate(config, tiny_source(), WORKLOAD, lambda source, draft: 60.0)
    message = str(caught.value)
    assert "a budget of 1 minutes is too small for this data on 2 workers: it pays 0 candidates" in message
    hint = int(message.split("give about ")[1].split(" minutes", maxsplit=1)[0])
    assert hint >= 13  # eight candidates of a minute on two workers, at their share of the budget
    assert "or a smaller --width" in message


def test_minutes_buy_candidates_at_the_price_that_was_timed() -> None:
    config = tiny_config(budget=Budget(10, "minutes"))
    asked: list[Allocation] = []

    def priced(source: Task, draft: Allocation) -> float:
        asked.append(draft)
        return 6.0

    plan = allocate(config, tiny_source(), WORKLOAD, priced)
    assert plan.candidates == int(EVIDENCE_SHARE * 1200 / 6)  # ten minutes of two workers
    assert plan.final.source_plan.epochs == 2  # what the owner asks, however few
    assert [draft.candidates for draft in asked] == [FEWEST_CANDIDATES]
    assert plan.evidence == asked[0].evidence  # what was timed is what is done
    assert 1 <= plan.attack_plan.epochs <= 40
    assert plan.attack_examples <= 500


ARMED = [(), ("random",), ("random", "same_size")]


@pytest.fixture
def priced_plan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[LockConfig, Allocation]]:
    """The plan of an hour where an image costs a thread so many seconds, and a candidate two minutes."""

    def plan(seconds: float, **changes: Any) -> tuple[LockConfig, Allocation]:
        monkeypatch.setattr(allocation, "_seconds_per_image", lambda config, source: seconds)
        config = tiny_config(budget=Budget(60, "minutes"), epochs=None, attack_seeds=3, keep_size=True, **changes)
        return config, allocate(config, tiny_source(), WORKLOAD, lambda source, draft: 120.0)

    return plan


@pytest.mark.parametrize("arms", ARMED)
def test_attackers_get_their_share_whatever_the_number_of_models(
    priced_plan: Callable[..., tuple[LockConfig, Allocation]], arms: tuple[Role, ...]
) -> None:
    """Every training of every attacker on every model, at a fiftieth of a second an image, is the attackers' share."""
    config, plan = priced_plan(0.02, arms=arms)
    models = 2 + len(arms)
    trainings = suite_of(config, plan.attack_plan).full_trainings * WORKLOAD.attacked
    images = models * (trainings + full_further_trainings(config.attack_seeds)) * plan.attack_examples
    spent = 0.02 * images * plan.attack_plan.epochs
    share = ATTACK_SHARE * 3600 * WORKLOAD.workers
    assert share * 0.6 < spent <= share, "whole epochs, so not quite all of it"


@pytest.mark.parametrize("arms", ARMED)
def test_full_trainings_get_their_share_whatever_the_number_of_models(
    priced_plan: Callable[..., tuple[LockConfig, Allocation]], arms: tuple[Role, ...]
) -> None:
    """Finalists once, both models and every arm with the other seeds, and an arm's first trainings."""
    config, plan = priced_plan(0.1, arms=arms, attackers=("linear_probe",))
    others = (2 + len(arms)) * (config.attack_seeds - 1)
    first = plan.finalists * ADAPTATION_SHARE + len(arms)
    images = (first + others) * len(tiny_source().train) * plan.final.source_plan.epochs
    share = FINALIST_SHARE * 3600 * WORKLOAD.workers
    assert share * 0.8 < 0.1 * images <= share


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 8, 8), (1, 8, 8)),
        ((3, 16, 16), (3, 16, 16)),
        ((3, 24, 24), (3, 16, 16)),
        ((3, 32, 32), (3, 16, 16)),
        ((3, 64, 48), (3, 32, 24)),
        ((3, 224, 224), (3, 32, 32)),
    ],
)
def test_evidence_is_bought_on_smaller_images(shape: tuple[int, int, int], expected: tuple[int, int, int]) -> None:
    assert evidence_shape(shape) == expected
