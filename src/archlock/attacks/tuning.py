"""The search inside an attack: which setting next, by tree-structured Parzen estimators (Bergstra et al. 2011).

Optuna proposes; the study lives in memory and ends with the attack. The value is searched on a logarithmic scale, as a
place between the ends of its optimiser's range, so that what one optimiser teaches about "fast" and "slow" helps with
the other. Of a setting that fails the search learns no score.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archlock.attacks.setting import Setting, Tuned
from archlock.extras import require
from archlock.training import Optimiser


@dataclass(frozen=True, slots=True)
class SearchRange:
    """Where to look. For a probe (``tuned`` is strength) the value alone is searched, in the first range."""

    values: Mapping[Optimiser, tuple[float, float]]
    """Least and largest value by optimiser, both above 0."""
    horizons: tuple[float, ...]
    tuned: Tuned

    @property
    def optimisers(self) -> tuple[Optimiser, ...]:
        """Those to choose from."""
        known = tuple(self.values)
        return known[:1] if self.tuned == "strength" else known

    def value_at(self, place: float, optimiser: Optimiser) -> float:
        """The value at a place in [0, 1] between the ends, in logarithms; to three digits, so that reports tell all."""
        low, high = self.values[optimiser]
        return min(high, max(low, float(f"{low * (high / low) ** place:.3g}")))

    def place_of(self, setting: Setting) -> float:
        """Where the value lies; outside the range, at its nearer end."""
        low, high = self.values[setting.optimiser]
        return min(1.0, math.log(setting.value / low) / math.log(high / low)) if setting.value > low else 0.0


def tune(
    score_of: Callable[[Setting], float | None],
    around: SearchRange,
    *,
    first: Sequence[Setting],
    trials: int,
    seed: int,
) -> None:
    """Ask ``score_of`` for the scores (higher is better; None: it failed) of ``trials`` settings in all.

    Those of ``first`` come first, as far as the trials go; their optimisers and horizons need not be among those
    searched, but then the search does not learn from them. Same seed and same scores, same settings.
    """
    require("tuning", "a search by trials")
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(len(first) + 1, trials // 3))
        study = optuna.create_study(direction="maximize", sampler=sampler)
        space = {
            "place": optuna.distributions.FloatDistribution(0.0, 1.0),
            "optimiser": optuna.distributions.CategoricalDistribution(around.optimisers),
            "horizon": optuna.distributions.CategoricalDistribution(around.horizons),
        }
        for setting in first[:trials]:
            score = score_of(setting)
            known = setting.optimiser in around.optimisers and setting.horizon in around.horizons
            if score is not None and known:
                place = around.place_of(setting)
                params = {"place": place, "optimiser": setting.optimiser, "horizon": setting.horizon}
                study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=score))
        for _ in range(trials - len(first)):
            trial = study.ask(space)
            optimiser = trial.params["optimiser"]
            value = around.value_at(trial.params["place"], optimiser)
            score = score_of(Setting(value, optimiser, trial.params["horizon"]))
            failed = optuna.trial.TrialState.FAIL if score is None else None
            study.tell(trial, score, state=failed)
    finally:
        optuna.logging.set_verbosity(verbosity)
