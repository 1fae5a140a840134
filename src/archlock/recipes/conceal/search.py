"""Rounds of search: disguises are sampled by a policy, a reader is taught on networks that were disguised by the same
policy, and the policy moves to what that reader reads worst.

A round is written down when it is done, its policy before anything is recorded by it, so that a search that was stopped
goes on with the same policies and finds its recordings. What a reader of the search says of the disguise it chose is
too good (it was chosen by it); the procedure judges it by another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import nn

from archlock.decoding import decode
from archlock.errors import MeasurementError
from archlock.leaks import Policy, even_policy, learned, sampled_disguise, watch_sizes
from archlock.models import MANOEUVRES, Disguise
from archlock.progress import Progress
from archlock.recipes.conceal.config import ConcealConfig
from archlock.recipes.conceal.hiding import Folded, hidden
from archlock.recipes.conceal.latency import QUICK, paired_latency
from archlock.recipes.conceal.readers import Taught, seen, skeleton_errors, taught_by
from archlock.recipes.peep.library import Part, Recorded, Shape, record_module, recorded_networks
from archlock.records import read_json, write_json
from archlock.seeding import rng_for

BEGIN: Final = 0.5
"""Chance of every manoeuvre at every convolution before the budget is looked at."""
LESS: Final = 0.7
"""By which chances shrink while too many disguises are too slow."""
SHRINKS: Final = 16
FITTING: Final = 0.5
"""Share of the disguises of a policy that keep the budget."""
ELITE: Final = 0.25
RATE: Final = 0.5
"""How far a policy moves in a round."""
TRIES: Final = 4
"""Samples of a disguise that may be too slow, for each that is asked for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One disguise of the model."""

    plan: tuple[Disguise, ...]
    ratio: float
    """How many times as slow it is."""
    errors: tuple[float, ...] = ()
    """Skeleton error of each observer's reader of the round; empty where it was thinned afterwards and not read."""

    @property
    def worst(self) -> float:
        """Of the observer who reads best."""
        return min(self.errors, default=0.0)


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one round."""

    policy: Policy
    tried: tuple[Tried, ...]
    """Those that keep the budget; the best first."""
    too_slow: int
    unseen_errors: tuple[float, ...]
    """Skeleton error of each observer's reader on random networks in disguise that it was not taught by."""
    training_accuracies: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What a search needs."""

    original: nn.Module
    given: Folded
    shape: Shape
    parts: tuple[Part, ...]
    config: ConcealConfig
    recordings: Path
    """Where random networks are recorded."""
    folder: Path
    workers: int
    progress: Progress


def searched(search: Search) -> tuple[Round, ...]:
    """Every round."""
    config = search.config
    rounds: list[Round] = []
    policy = even_policy([name for name in config.chosen if MANOEUVRES[name].tricks], BEGIN)
    for number in range(config.rounds):
        path = search.folder / f"round-{number + 1}.json"
        if not path.exists():
            write_json(path, _round(search, policy, number))
        rounds.append(decode(Round, read_json(path), where=str(path)))
        best = rounds[-1].tried[: max(1, int(ELITE * config.plans))]
        policy = learned(rounds[-1].policy, [one.plan for one in best], search.given.model, search.given.names, RATE)
    return tuple(rounds)


def networks_by(search: Search, policy: Policy | None, *, seed: int) -> tuple[Recorded, ...]:
    """Random networks, disguised by the policy and recorded, now or before."""
    return recorded_networks(
        search.recordings,
        search.shape,
        search.parts,
        networks=search.config.networks,
        seed=seed,
        workers=search.workers,
        progress=search.progress,
        policy=policy,
    )


def _round(search: Search, policy: Policy, number: int) -> Round:
    path = search.folder / f"policy-{number + 1}.json"
    if not path.exists():
        write_json(path, _within_budget(search, policy, number))
    policy = decode(Policy, read_json(path), where=str(path))
    networks = networks_by(search, policy, seed=search.config.seed)
    readers = taught_by(networks, search.config, arena=search.config.arena, label=f"round {number + 1}")
    found, too_slow = _sampled(search, policy, number)
    search.progress.begin(f"disguises of round {number + 1}", len(found))
    tried = []
    for one in found:
        tried.append(Tried(one.plan, one.ratio, _errors(search, one.plan, readers)))
        search.progress.advance(1, f"{tried[-1].worst:.2f} at {one.ratio:.2f}x")
    return Round(
        policy,
        tuple(sorted(tried, key=lambda one: -one.worst)),
        too_slow,
        tuple(one.checked.skeleton_error for one in readers.values()),
        tuple(one.reader.training_accuracy for one in readers.values()),
    )


def _within_budget(search: Search, policy: Policy, number: int) -> Policy:
    """The policy with chances so small that enough of its disguises keep the budget."""
    search.progress.begin(f"policy of round {number + 1}", SHRINKS)
    count = max(2, search.config.plans // 2)
    for shrink in range(SHRINKS):
        now = policy.scaled(LESS**shrink)
        rng = rng_for(search.config.seed, "budget", number, shrink)
        ratios = [
            _ratio(search, sampled_disguise(now, search.given.model, search.given.names, rng)) for _ in range(count)
        ]
        search.progress.advance(1, f"{sorted(ratios)[count // 2]:.2f} times as slow")
        if sum(ratio <= search.config.budget for ratio in ratios) >= FITTING * count:
            return now
    raise MeasurementError(
        f"no disguise keeps the budget of {search.config.budget:g}x: with folding alone the model is "
        f"{_ratio(search, ()):.2f} times as slow as it was; give a larger --budget"
    )


def _sampled(search: Search, policy: Policy, number: int) -> tuple[list[Tried], int]:
    """Disguises that keep the budget, as many as are asked for or nearly, and how many did not; none comes twice."""
    rng = rng_for(search.config.seed, "plans", number)
    found: dict[tuple[Disguise, ...], Tried] = {}
    too_slow = 0
    search.progress.begin(f"latencies of round {number + 1}", search.config.plans)
    for _ in range(TRIES * search.config.plans):
        plan = sampled_disguise(policy, search.given.model, search.given.names, rng)
        if plan in found:
            continue
        ratio = _ratio(search, plan)
        if ratio <= search.config.budget:
            found[plan] = Tried(plan, ratio)
            search.progress.advance(1)
        else:
            too_slow += 1
        if len(found) == search.config.plans:
            break
    if not found:
        raise MeasurementError(
            f"none of {too_slow} disguises keeps the budget of {search.config.budget:g}x, although half of those "
            "before did; the machine is busy: start the same command again when nothing else runs"
        )
    return list(found.values()), too_slow


def _ratio(search: Search, plan: Sequence[Disguise]) -> float:
    return paired_latency(search.original, hidden(search.given, plan), search.shape, calls=QUICK).ratio


def _errors(search: Search, plan: Sequence[Disguise], readers: dict[str, Taught]) -> tuple[float, ...]:
    """Skeleton error of each reader on one recording in this process."""
    model = hidden(search.given, plan)
    operators = watch_sizes(model, search.shape, true=True).operators
    recording = seen(record_module(model, search.shape, search.parts, rounds=1), arena=search.config.arena)
    return skeleton_errors(readers, recording, operators)
