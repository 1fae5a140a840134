"""What the outcomes of a record say: paired differences, their intervals, and the strongest attack.

The locked model is compared with another one (the source-only model, or a random architecture) under the same attack
with the same seed, so differences are paired. An attacker is allowed to choose the attack: the strongest one is chosen
by *validation* score, seed by seed, and its *test* score is what counts.
What counts is what the weights are *worth*: an attacker who gets less from the model than from the data alone (an
ordinary network, or one of the models from scratch) leaves the model alone. So below that level a lock takes nothing
more away. An attack that failed on one of the two models that are compared is left out for both, so a crash never
counts as a defence. A negative R squared counts as 0: an attacker would rather answer with the mean.

Intervals: two-sided t intervals over seeds (Student 1908), from three seeds on. The mean over several targets is taken
seed by seed first (over the seeds that all have), so its interval speaks about *these* targets. With fewer seeds but at
least five targets it is the percentile bootstrap over the targets (Efron 1979). Otherwise there is none, and the report
says so. Intervals cover chance in training and attacking, not the finite test sets, and are not corrected for the
number of rows in a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from archlock.reports.outcomes import (
    MODEL_FREE,
    WEIGHTLESS,
    Attacks,
    Place,
    Record,
    Terms,
    counted_score,
    strongest_of,
    terms_of,
    valid_outcomes,
    without_the_model,
)
from archlock.reports.record import LockRecord
from archlock.reports.record_parts import OutcomeRecord, Role, TargetRecord
from archlock.seeding import rng_for
from archlock.tasks import Kind

CONFIDENCE: Final = 0.95
LEAST_SEEDS: Final = 3
LEAST_TARGETS: Final = 5
STRONGEST: Final = "strongest attack"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean of ``count`` values with its interval; ``low`` and ``high`` are None where no interval can be given."""

    mean: float
    low: float | None
    high: float | None
    count: int
    basis: Literal["seeds", "targets"] = "seeds"

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Test scores of the locked model and another one under one attack on one target (tuples in the order of seeds)."""

    target: str
    attacker: str
    terms: Terms
    seeds: tuple[int, ...]
    locked: tuple[float, ...]
    other: tuple[float, ...]
    chosen_locked: tuple[str, ...]
    """Attackers behind the scores of the locked model (always the same one unless ``attacker`` is the strongest)."""
    chosen_other: tuple[str, ...]
    against: Role = "source_only"
    """Which model the other one is."""
    without: tuple[float, ...] = ()
    """Test scores of whoever has the data and not the weights; empty where nobody tried, or for a single attack."""

    @property
    def fraction(self) -> float:
        """Share of the target's training data."""
        return self.terms.fraction

    @property
    def differences(self) -> tuple[float, ...]:
        """Taken away from the attacker, seed by seed: the other model minus the locked one, higher is a better lock.

        Nobody does worse than without the model, where that was measured.
        """
        least = self.without or (-np.inf,) * len(self.seeds)
        return tuple(float(max(o, w) - max(k, w)) for o, k, w in zip(self.other, self.locked, least, strict=True))

    @property
    def worth_before(self) -> tuple[float, ...]:
        """What the weights of the other model are worth, seed by seed: points above who has none; may be negative."""
        return tuple(o - w for o, w in zip(self.other, self.without, strict=False))

    @property
    def nobody_needs_it(self) -> bool:
        """Whether those who have no model get at least as far as those who have either, with every seed."""
        models = zip(self.other, self.locked, strict=True)
        return bool(self.without) and all(max(pair) <= w for pair, w in zip(models, self.without, strict=True))

    @property
    def taken_away(self) -> Estimate:
        """Mean of the differences with its interval."""
        return estimate(self.differences)


def estimate(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate:
    """Mean and two-sided t interval of independent values; no interval below three values.

    Raises ValueError for no values at all.
    """
    if not values:
        raise ValueError("an estimate needs at least one value")
    mean = float(np.mean(values))
    if len(values) < LEAST_SEEDS:
        return Estimate(mean, None, None, len(values))
    from scipy.stats import t

    standard_error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    half = float(t.ppf(0.5 + confidence / 2, len(values) - 1)) * standard_error
    return Estimate(mean, mean - half, mean + half, len(values))


def source_loss(record: LockRecord) -> Estimate:
    """Source test score of the source-only model minus that of the locked one: what the lock costs.

    Paired by training seed, over those with a score of both models; where there is none, or one model was trained more
    often, a difference of means, without interval.
    """
    models = record.locked, record.source_only
    locked, plain = (dict(zip(model.trainings, model.source_test, strict=True)) for model in models)
    asked = {len(model.source_test) + len(model.diverged) for model in models}
    if len(asked) == 1 and (both := locked.keys() & plain.keys()):
        return estimate([plain[number] - locked[number] for number in sorted(both)])
    difference = float(np.mean(list(plain.values())) - np.mean(list(locked.values())))
    return Estimate(difference, None, None, min(len(locked), len(plain)))


def comparisons(record: Attacks, against: Role = "source_only") -> tuple[Comparison, ...]:
    """One comparison per (target, attacker, terms) that has at least one seed valid for both models."""
    pairs: dict[tuple[str, str, Terms], list[tuple[OutcomeRecord, OutcomeRecord]]] = {}
    for (target, terms, _), by_role in valid_outcomes(record).items():
        for attacker, outcome in by_role["locked"].items():
            other = by_role[against].get(attacker)
            if other is not None:
                pairs.setdefault((target, attacker, terms), []).append((outcome, other))
    kinds = {target.name: target.kind for target in record.targets}
    return tuple(
        _comparison(target, attacker, terms, found, kinds[target], against)
        for (target, attacker, terms), found in pairs.items()
    )


def strongest(record: Attacks, against: Role = "source_only") -> tuple[Comparison, ...]:
    """One comparison per (target, terms): for each model and seed the attack with the best validation score.

    Only attacks valid for both models (with that seed) take part, and of these such that use the weights, if there are
    any.
    """
    pairs: dict[tuple[str, Terms], list[tuple[OutcomeRecord, OutcomeRecord]]] = {}
    for (target, terms, _), by_role in valid_outcomes(record).items():
        both = with_weights([name for name in by_role["locked"] if name in by_role[against]])
        if both:
            best = tuple(strongest_of([by_role[role][name] for name in both]) for role in ("locked", against))
            pairs.setdefault((target, terms), []).append((best[0], best[1]))
    kinds, alone = {target.name: target.kind for target in record.targets}, without_the_model(record)
    return tuple(
        _comparison(target, STRONGEST, terms, found, kinds[target], against, alone)
        for (target, terms), found in pairs.items()
    )


def with_weights(attackers: Sequence[str]) -> list[str]:
    """Those of the attackers who use the weights; if there are none, those who use the architecture."""
    able = [name for name in attackers if name not in WEIGHTLESS]
    return able or [name for name in attackers if name != MODEL_FREE]


def strongest_alone(record: Record) -> dict[tuple[str, Terms], tuple[OutcomeRecord, ...]]:
    """By (target, terms): the strongest valid attack on the locked model, one outcome per seed; needs no pair.

    Where an ordinary network of the attacker's own is all there is, that.
    """
    found: dict[tuple[str, Terms], list[OutcomeRecord]] = {}
    for (target, terms, _), by_role in valid_outcomes(record).items():
        met = by_role["locked"]
        if met:
            names = with_weights(list(met)) or list(met)
            found.setdefault((target, terms), []).append(strongest_of([met[name] for name in names]))
    return {place: tuple(outcomes) for place, outcomes in found.items()}


def baseline_gain(record: Record, outcomes: Sequence[OutcomeRecord], baseline: str, terms: Terms) -> float | None:
    """Mean test score of outcomes on one target minus that of a baseline: ``chance``, or an attack with the same seeds.

    None where there is nothing to compare, or the outcomes are the baseline itself.
    """
    tests = {outcome.seed: outcome.test for outcome in outcomes if outcome.test is not None}
    if baseline == "chance":
        chances = {target.name: target.chance for target in record.targets}
        return float(np.mean(list(tests.values()))) - chances[outcomes[0].target] if tests else None
    if all(outcome.attacker == baseline for outcome in outcomes):
        return None
    others = {
        other.seed: other.test
        for other in record.outcomes
        if other.attacker == baseline
        and other.defended == "locked"
        and (other.target, terms_of(other)) == (outcomes[0].target, terms)
        and other.test is not None
    }
    differences = [test - others[seed] for seed, test in tests.items() if seed in others]
    return float(np.mean(differences)) if differences else None


def judged_targets(record: Record) -> tuple[TargetRecord, ...]:
    """Targets that the verdict is about, among those attacked: real ones before simulated ones.

    Of the real ones, those the search never saw; with known targets (scheme tk) those it knew. When there are
    none of the preferred sort, the next: the other real ones, then the simulated ones.
    """
    attacked = {outcome.target for outcome in record.outcomes}
    targets = [target for target in record.targets if target.name in attacked]
    wanted = isinstance(record, LockRecord) and record.scheme == "tk"
    real = [target for target in targets if not target.simulated]
    preferred = [target for target in real if target.seen_by_search == wanted]
    return tuple(preferred or real or targets)


def headline(record: Record, against: Role = "source_only") -> tuple[Comparison, ...]:
    """The strongest attack on every judged target, with most data and then most time of those that have a pair."""
    names = [target.name for target in judged_targets(record)]
    largest: dict[str, Comparison] = {}
    for comparison in strongest(record, against):
        known = largest.get(comparison.target)
        if known is None or comparison.terms.rank > known.terms.rank:
            largest[comparison.target] = comparison
    return tuple(largest[name] for name in names if name in largest)


def overall(found: Sequence[Comparison], *, seed: int, confidence: float = CONFIDENCE) -> Estimate:
    """Mean over targets of what was taken away; see the head of this file for the interval.

    ``seed`` is for the bootstrap. Raises ValueError for no comparisons at all.
    """
    if not found:
        raise ValueError("an overall estimate needs at least one comparison")
    common = set(found[0].seeds).intersection(*(comparison.seeds for comparison in found))
    if len(common) >= LEAST_SEEDS:
        tables = [dict(zip(comparison.seeds, comparison.differences, strict=True)) for comparison in found]
        means = [float(np.mean([table[one] for table in tables])) for one in sorted(common)]
        return estimate(means, confidence=confidence)
    means = [float(np.mean(comparison.differences)) for comparison in found]
    if len(found) >= LEAST_TARGETS:
        return _bootstrapped(means, seed=seed, confidence=confidence)
    return Estimate(float(np.mean(means)), None, None, len(common))


def _bootstrapped(means: Sequence[float], *, seed: int, confidence: float) -> Estimate:
    if len(set(means)) == 1:  # nothing to resample, and SciPy would warn
        return Estimate(means[0], means[0], means[0], len(means), "targets")
    from scipy.stats import bootstrap

    result = bootstrap(
        (np.asarray(means),),
        np.mean,
        n_resamples=9999,
        confidence_level=confidence,
        method="percentile",
        rng=rng_for(seed, "report", "bootstrap"),
    )
    interval = result.confidence_interval
    return Estimate(float(np.mean(means)), float(interval.low), float(interval.high), len(means), "targets")


def _comparison(
    target: str,
    attacker: str,
    terms: Terms,
    pairs: Sequence[tuple[OutcomeRecord, OutcomeRecord]],
    kind: Kind,
    against: Role,
    alone: Mapping[Place, float] = MappingProxyType({}),
) -> Comparison:
    ordered = sorted(pairs, key=lambda pair: pair[0].seed)
    seeds = tuple(locked.seed for locked, _ in ordered)
    without = [alone[target, terms, seed] for seed in seeds if (target, terms, seed) in alone]
    return Comparison(
        target,
        attacker,
        terms,
        seeds,
        tuple(counted_score(locked, kind) for locked, _ in ordered),
        tuple(counted_score(other, kind) for _, other in ordered),
        tuple(locked.attacker for locked, _ in ordered),
        tuple(other.attacker for _, other in ordered),
        against,
        tuple(without) if len(without) == len(seeds) else (),
    )
