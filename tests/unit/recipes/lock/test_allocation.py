from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archlock.decoding import decode
from archlock.errors import ConfigurationError
from archlock.recipes import Budget, LockConfig
from archlock.recipes.attackers import suite_of
from archlock.recipes.further_training import MOST_EXAMPLES, full_further_trainings
from archlock.recipes.lock import allocation
from archlock.recipes.lock.allocation import (
    ADAPTED,
    ATTACK_SHARE,
    CHOICES_CONFIRMED,
    DRAWS_AN_ARM,
    EVIDENCE_SHARE,
    FINALIST_SHARE,
    SOURCE_ONLY_SHARE,
    SOURCE_ONLY_SHARE_ONCE,
    Seconds,
    allocate,
    nothing,
)
from archlock.recipes.lock.plan import FEWEST_CANDIDATES, Allocation, Workload, evidence_shape
from archlock.records import plain
from archlock.reports import Role
from archlock.tasks import Task, conform
from archlock.training.plan import FEWEST
from tiny_runs import repeated, tiny_config, tiny_source

WORKLOAD = Workload(workers=2, attacked=1, largest_target=500)


def no_clock(source: Task, draft: Allocation) -> float:
    pytest.fail(f"a budget in trainings timed something on {source.name} under {draft}")


@pytest.mark.parametrize(("trainings", "finalists"), [(8, 4), (16, 4), (49, 4), (50, 5), (60, 6), (600, 8)])
def test_a_budget_in_trainings_needs_no_clock(trainings: int, finalists: int) -> None:
    config = tiny_config(budget=Budget(trainings, "trainings"))
    plan = allocate(config, tiny_source(), WORKLOAD, no_clock)
    assert (plan.candidates, plan.finalists) == (trainings, finalists)
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


@pytest.mark.parametrize(("examples", "once"), [(17_999, False), (18_000, True), (60_000, True)])
def test_short_trainings_see_every_image_of_a_large_source_once(examples: int, once: bool) -> None:
    config = tiny_config(width=12, flip=True)
    plan = allocate(config, repeated(tiny_source(), examples), WORKLOAD, no_clock)
    seen = plan.evidence.source_plan
    if once:
        assert (seen.epochs, plan.source_examples, plan.evidence.width) == (1, min(examples, 50_000), 12)
        assert seen.flip, "as full trainings do"
    else:
        assert (seen.epochs, plan.source_examples, plan.evidence.width) == (6, 3000, 8)
    proxies = allocate(replace(config, evidence="zero_cost"), repeated(tiny_source(), examples), WORKLOAD, no_clock)
    assert proxies.source_examples == 3000


def test_minutes_that_do_not_pay_for_all_of_a_large_source_pay_for_few_images() -> None:
    source = repeated(tiny_source(), 18_000)

    def seconds(_: Task, draft: Allocation) -> float:
        return 40.0 if draft.source_examples == 18_000 else 5.0

    few, many = (
        allocate(tiny_config(budget=Budget(minutes, "minutes"), epochs=2), source, WORKLOAD, seconds)
        for minutes in (40, 400)
    )
    assert (few.source_examples, few.evidence.width) == (3000, 4)
    assert few.candidates == int(0.25 * 40 * 60 * 2 / 5.0 / (1 + SOURCE_ONLY_SHARE))
    assert (many.source_examples, many.evidence.source_plan.epochs) == (18_000, 1)
    assert many.candidates == int(0.25 * 400 * 60 * 2 / 40.0 / (1 + SOURCE_ONLY_SHARE_ONCE))


@pytest.mark.parametrize("budget", [Budget(16, "trainings"), Budget(20, "minutes")])
def test_full_trainings_that_are_asked_for_are_planned(budget: Budget) -> None:
    config = tiny_config(budget=budget, finalists=11)
    assert allocate(config, tiny_source(), WORKLOAD, lambda *_: 0.5).finalists == 11


def test_full_trainings_on_large_images_have_batches_that_fit_in_memory_on_targets_too() -> None:
    small = allocate(tiny_config(), tiny_source(), WORKLOAD, no_clock)
    large = allocate(tiny_config(), conform(tiny_source(), (3, 224, 224)), WORKLOAD, no_clock)
    assert small.final.target_plan.batch_size == small.evidence.target_plan.batch_size > FEWEST
    assert large.final.target_plan.batch_size == large.final.source_plan.batch_size == FEWEST
    assert large.evidence.target_plan.batch_size > FEWEST, "evidence is bought on small images"


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


@pytest.mark.parametrize(
    ("changes", "searches"),
    [
        ({}, 1 + SOURCE_ONLY_SHARE),
        ({"scheme": "tk"}, 1 + SOURCE_ONLY_SHARE),
        ({"scheme": "s"}, 1),
        ({"arms": ("random", "nsga2")}, 2 + SOURCE_ONLY_SHARE),
        ({"evidence": "zero_cost"}, 1),  # the proxies of one search are those of the other
    ],
    ids=["tu", "tk", "s", "nsga2", "zero cost"],
)
def test_minutes_buy_candidates_at_the_price_that_was_timed(changes: dict[str, Any], searches: float) -> None:
    """The search without targets has short trainings of its own, which cost less and are partly those of the other."""
    config = tiny_config(budget=Budget(10, "minutes"), **changes)
    asked: list[Allocation] = []

    def priced(source: Task, draft: Allocation) -> float:
        asked.append(draft)
        return 6.0

    plan = allocate(config, tiny_source(), WORKLOAD, priced)
    assert plan.candidates == int(EVIDENCE_SHARE * 1200 / 6 / searches)  # ten minutes of two workers
    assert plan.final.source_plan.epochs == 2  # what the owner asks, however few
    assert [draft.candidates for draft in asked] == [FEWEST_CANDIDATES]
    assert plan.evidence == asked[0].evidence  # what was timed is what is done
    assert 1 <= plan.attack_plan.epochs <= 40
    assert plan.attack_examples <= 500


ARMED = [(), ("random",), ("random", "same_size")]


@pytest.fixture
def priced_plan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[LockConfig, Allocation]]:
    """The plan of an hour where an image costs a thread so many seconds, and a candidate two minutes, or as said."""

    def plan(
        seconds: float, *, candidate: float = 120.0, seconds_rehearsing: Seconds = nothing, **changes: Any
    ) -> tuple[LockConfig, Allocation]:
        monkeypatch.setattr(allocation, "_seconds_per_image", lambda config, source: seconds)
        config = tiny_config(budget=Budget(60, "minutes"), epochs=None, attack_seeds=3, keep_size=True, **changes)
        return config, allocate(config, tiny_source(), WORKLOAD, lambda source, draft: candidate, seconds_rehearsing)

    return plan


@pytest.mark.parametrize("arms", ARMED)
def test_attackers_get_their_share_whatever_the_number_of_models(
    priced_plan: Callable[..., tuple[LockConfig, Allocation]], arms: tuple[Role, ...]
) -> None:
    """Every training of every attacker on every model, at a hundredth of a second an image, is the attackers' share."""
    config, plan = priced_plan(0.01, arms=arms)
    models = 2 + len(arms)
    trainings = suite_of(config, plan.attack_plan, seeds=config.attack_seeds).full_trainings * WORKLOAD.attacked
    images = models * (trainings + full_further_trainings(config.attack_seeds)) * plan.attack_examples
    spent = 0.01 * images * plan.attack_plan.epochs
    share = ATTACK_SHARE * 3600 * WORKLOAD.workers
    assert share * 0.6 < spent <= share, "whole epochs, so not quite all of it"


def test_honest_users_are_priced_with_the_few_images_that_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "_seconds_per_image", lambda config, source: 0.0001)
    config = tiny_config(budget=Budget(60, "minutes"), epochs=None, attack_seeds=3, keep_size=True, arms=())
    workload = replace(WORKLOAD, largest_target=100 * MOST_EXAMPLES)
    plan = allocate(config, tiny_source(), workload, lambda source, draft: 120.0)
    trainings = suite_of(config, plan.attack_plan, seeds=config.attack_seeds).full_trainings * workload.attacked
    spent = 0.0001 * 2 * trainings * plan.attack_examples * plan.attack_plan.epochs
    share = ATTACK_SHARE * 3600 * workload.workers
    assert share * 0.8 < spent <= share, "nearly all of it is the attackers'"


SEARCHES = {  # what a full training of each search costs, in those on the source alone
    "tu": ({}, [1, ADAPTED], ADAPTED - 1),
    "tk": ({"scheme": "tk"}, [1, ADAPTED], ADAPTED - 1),
    "s": ({"scheme": "s"}, [1], 0),
    "zero cost": ({"evidence": "zero_cost"}, [1, 1], 0),
    "rehearsal": ({"evidence": "rehearsal"}, [1, 1], 0),
}
"""And what it costs to adapt a finalist that the source-only search shares."""


@pytest.mark.parametrize("arms", ARMED)
@pytest.mark.parametrize(("changes", "searches", "shared"), SEARCHES.values(), ids=SEARCHES)
def test_full_trainings_get_their_share_whatever_the_number_of_models(
    priced_plan: Callable[..., tuple[LockConfig, Allocation]],
    arms: tuple[Role, ...],
    changes: dict[str, Any],
    searches: list[float],
    shared: float,
) -> None:
    """Every search's finalists and its choice, or two, with both other seeds; an arm's draws and its other seeds."""
    config, plan = priced_plan(0.05, arms=arms, attackers=("linear_probe",), **changes)
    assert config.attack_seeds == 3
    trainings = sum(cost * (plan.finalists + 2 * CHOICES_CONFIRMED) for cost in searches) + shared * plan.finalists
    trainings += len(arms) * (DRAWS_AN_ARM + 2)
    epoch = 0.05 * trainings * len(tiny_source().train)
    share = FINALIST_SHARE * 3600 * WORKLOAD.workers
    epochs = plan.final.source_plan.epochs
    assert 5 < epochs < 200, "neither end of what is allowed"
    assert epochs == int(share / epoch)
    assert 1 <= CHOICES_CONFIRMED <= 2


def test_rehearsals_are_paid_from_the_share_of_full_trainings(
    priced_plan: Callable[..., tuple[LockConfig, Allocation]],
) -> None:
    """Finalists of both searches, and the choice of the one against targets, or two, with both other seeds."""
    asked: list[Allocation] = []

    def rehearsing(source: Task, draft: Allocation) -> float:
        asked.append(draft)
        return 60.0

    changes = {"evidence": "rehearsal", "arms": (), "attackers": ("linear_probe",)}
    _, free = priced_plan(0.05, **changes)
    _, plan = priced_plan(0.05, seconds_rehearsing=rehearsing, **changes)
    trained = plan.finalists + 2 * CHOICES_CONFIRMED
    rehearsed = plan.finalists + trained
    epoch = 0.05 * 2 * trained * len(tiny_source().train)
    share = FINALIST_SHARE * 3600 * WORKLOAD.workers
    assert plan.final.source_plan.epochs == int((share - 60 * rehearsed) / epoch) < free.final.source_plan.epochs
    assert [draft.attack_examples for draft in asked] == [plan.attack_examples], "timed with what attackers will have"
    with pytest.raises(ConfigurationError, match=r"and?.* 1 epochs of full training .* give about") as caught:
        priced_plan(0.05, seconds_rehearsing=lambda source, draft: 6000.0, **changes)
    minutes = int(str(caught.value).split("give about ")[1].split(" minutes", maxsplit=1)[0])
    assert FINALIST_SHARE * minutes * 60 * WORKLOAD.workers > 6000 * rehearsed, "what is advised suffices"
    _, armed = priced_plan(0.05, candidate=60.0, seconds_rehearsing=rehearsing, **{**changes, "arms": ("nsga2",)})
    epoch = 0.05 * 3 * trained * len(tiny_source().train)  # NSGA-II's finalists, and its choice, or two, twice more
    assert armed.final.source_plan.epochs == int((share - 60 * (rehearsed + trained)) / epoch)


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
