"""What locks: which structures go with a low target standing among the architectures that keep the source floor.

For every named trait (a choice at a place, a count, a depth, a shortcut, the size) the effect on the target percentile
is a least-squares slope, adjusted for the source percentile, with a heteroscedasticity-robust interval (HC3, MacKinnon
and White 1985). Isomorphic architectures count once, with the mean of their recorded values. Over pairs of tasks the
effects are averaged, with an interval over tasks, since tasks are what generalises. Which decisions matter
at all is said by functional ANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014), as Optuna computes it.

This is description, not search: it reads the truth of a table. Effects are associations within one space; percentiles
near the top are compressed, and what a table records is training from scratch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from archlock.errors import MeasurementError
from archlock.extras import require
from archlock.jackknife import CONFIDENCE, over_tasks
from archlock.spaces import Architecture, Space, Traits

FEWEST: Final = 8
"""Architectures that must have an indicator trait, and as many that must not have it."""
_TRIALS: Final = 600
_TREES: Final = 16


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one trait goes with."""

    kind: str
    """``choice`` (an operation or module at a place) or ``shape`` (counts, depths, paths, size)."""
    name: str
    effect: float
    """Target percentile points, for having the trait or for one more of it, at the same source percentile."""
    low: float
    high: float
    p_value: float
    """After Benjamini-Hochberg over the traits of one pair (or of all pairs together)."""
    count: int
    """Architectures (or pairs) behind it."""
    agreement: float = 1.0
    """Share of the pairs in which the effect has this sign."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Share of the variance that decisions at one place explain by themselves (functional ANOVA), in [0, 1]."""

    name: str
    share: float


def pair_patterns(
    space: Space,
    architectures: Sequence[Architecture],
    source: Float[np.ndarray, " architectures"],
    target: Float[np.ndarray, " architectures"],
    *,
    floor: float,
) -> tuple[Pattern, ...]:
    """Patterns of one pair, strongest first, from percentiles in [0, 100] of all architectures of a table.

    Fewer than ``2 * FEWEST`` different architectures above the floor raise MeasurementError. Traits that do not vary
    enough among them are left out.
    """
    representatives, source, target = _distinct(space, architectures, source, target)
    kept = np.flatnonzero(source >= floor)
    if len(kept) < 2 * FEWEST:
        raise MeasurementError(
            f"patterns need at least {2 * FEWEST} different architectures that keep the source floor; got "
            f"{len(kept)} at percentile {floor:g}: lower the floor"
        )
    feasible = [representatives[row] for row in kept]
    found = []
    for kind, traits in (("choice", space.choices(feasible)), ("shape", space.shape(feasible))):
        for name, values in zip(traits.names, traits.values.T, strict=True):
            if _varies(values):
                count = int((values > 0).sum()) if set(np.unique(values)) <= {0.0, 1.0} else len(values)
                effect, error, p_value = _slope(values, source[kept], target[kept])
                half = error * _quantile(len(kept) - 3)
                found.append(Pattern(kind, name, effect, effect - half, effect + half, p_value, count))
    return _controlled(found)


def common_patterns(pairs: Mapping[tuple[str, str], tuple[Pattern, ...]]) -> tuple[Pattern, ...]:
    """Mean effect of every trait over the pairs (source, target) that have it, strongest first.

    The interval is over tasks (:func:`~archlock.jackknife.over_tasks`); a trait that is found with too few of them for
    an interval is left out.
    """
    from scipy.stats import t

    found = []
    for kind, name in dict.fromkeys(
        (pattern.kind, pattern.name) for patterns in pairs.values() for pattern in patterns
    ):
        effects = {
            pair: pattern.effect for pair, patterns in pairs.items() for pattern in patterns if pattern.name == name
        }
        values = np.array(list(effects.values()))
        spread = over_tasks(tuple(effects), partial(_mean_of, values))
        if spread is None:
            continue
        mean = float(values.mean())
        agreement = float((np.sign(values) == np.sign(mean)).mean())
        p_value = float(2 * t.sf(abs(mean) / max(spread.error, 1e-12), spread.freedom))
        low, high = mean - spread.half_width, mean + spread.half_width
        found.append(Pattern(kind, name, mean, low, high, p_value, len(values), agreement))
    return _controlled(found)


def importances(
    space: Space,
    architectures: Sequence[Architecture],
    standing: Float[np.ndarray, " architectures"],
    *,
    seed: int = 0,
) -> tuple[Importance, ...]:
    """How much the decision at every place explains of the percentile on a task, over the whole table.

    From a random sample of 600 architectures at most; deterministic for a seed. Without the extra ``tuning``:
    ConfigurationError.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(architectures), min(len(architectures), _TRIALS), replace=False))
    decisions = _decisions(space.choices([architectures[row] for row in rows]))
    shares = _functional_anova(decisions, standing[rows], seed)
    return tuple(Importance(place, shares[place]) for place in decisions)


def _distinct(
    space: Space,
    architectures: Sequence[Architecture],
    source: Float[np.ndarray, " architectures"],
    target: Float[np.ndarray, " architectures"],
) -> tuple[list[Architecture], np.ndarray, np.ndarray]:
    representatives = [space.canonicalise(architecture) for architecture in architectures]
    codes, first, classes = np.unique([one.code for one in representatives], return_index=True, return_inverse=True)
    counts = np.bincount(classes, minlength=len(codes))
    means = [np.bincount(classes, values) / counts for values in (source, target)]
    return [representatives[row] for row in first], means[0], means[1]


def _mean_of(values: Float[np.ndarray, " pairs"], kept: Bool[np.ndarray, " pairs"]) -> float:
    return float(values[kept].mean())


def _varies(values: Float[np.ndarray, " architectures"]) -> bool:
    levels, counts = np.unique(values, return_counts=True)
    return len(levels) > 1 and bool(len(values) - counts.max() >= FEWEST)


def _slope(
    trait: Float[np.ndarray, " architectures"],
    source: Float[np.ndarray, " architectures"],
    target: Float[np.ndarray, " architectures"],
) -> tuple[float, float, float]:
    """Slope of the target on the trait, adjusted for the source; its HC3 standard error and p-value."""
    from scipy.stats import t

    design = np.column_stack([np.ones(len(trait)), trait, source])
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = inverse @ (design.T @ target)
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = (target - design @ coefficients) / np.maximum(1 - leverage, 1e-9)
    covariance = inverse @ (design.T * scaled**2) @ design @ inverse
    error = float(np.sqrt(max(covariance[1, 1], 0)))
    effect = float(coefficients[1])
    return effect, error, float(2 * t.sf(abs(effect) / max(error, 1e-12), len(trait) - 3))


def _quantile(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, max(freedom, 1)))


def _controlled(patterns: list[Pattern]) -> tuple[Pattern, ...]:
    """With p-values controlled for their number, the strongest effect per standard error first."""
    from dataclasses import replace

    from scipy.stats import false_discovery_control

    if not patterns:
        return ()
    adjusted = false_discovery_control([pattern.p_value for pattern in patterns])
    together = [replace(pattern, p_value=float(p)) for pattern, p in zip(patterns, adjusted, strict=True)]
    return tuple(sorted(together, key=lambda pattern: (pattern.p_value, -abs(pattern.effect), pattern.name)))


def _decisions(traits: Traits) -> dict[str, Int[np.ndarray, " architectures"]]:
    """Place -> which of its choices was made, from indicators called ``choice on place`` or ``choice at place``."""
    places: dict[str, list[int]] = {}
    for column, name in enumerate(traits.names):
        place = name.rpartition(" on ")[2] if " on " in name else name.rpartition(" at ")[2]
        places.setdefault(place, []).append(column)
    return {place: traits.values[:, columns].argmax(axis=1) for place, columns in places.items()}


def _functional_anova(
    decisions: Mapping[str, Int[np.ndarray, " architectures"]],
    values: Float[np.ndarray, " architectures"],
    seed: int,
) -> dict[str, float]:
    require("tuning", "a functional analysis of variance")
    import optuna

    choices = {
        place: optuna.distributions.CategoricalDistribution(range(int(c.max()) + 1)) for place, c in decisions.items()
    }
    varying = {place: made for place, made in decisions.items() if np.ptp(made) > 0}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study()
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params={place: int(made[row]) for place, made in varying.items()},
                    distributions={place: choices[place] for place in varying},
                    value=float(value),
                )
                for row, value in enumerate(values)
            ]
        )
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
        shares = evaluator.evaluate(study, target=lambda trial: float(trial.value or 0.0))
    finally:
        optuna.logging.set_verbosity(verbosity)
    return {place: float(shares.get(place, 0.0)) for place in decisions}
