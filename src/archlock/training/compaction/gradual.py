"""HESSO: groups of units fade to zero, some in each period, while any optimiser trains the network.

Chen et al. 2024 (arXiv 2409.09085), after their released code. Deviations, each for a reason:

* The direction of the scores is the *raw* gradient, averaged over about ten batches (an exponential mean). The released
  code takes the optimiser's own step, normalised by Adam, with momentum and weight decay in it: ``published=True``.
* What an optimiser remembers of a removed unit is cleared, and its gradients are from then on. The released code keeps
  both, so that momentum moves what is gone until the next multiplication.
* Fewer steps than periods are refused (the released default of one step removes everything at once, and fewer divide
  by zero).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.training.compaction.choosing import Choice, lowest
from archlock.training.compaction.fading import Places, Units
from archlock.training.compaction.saliencies import Scores, saliency_of

MEMORY: Final = 0.9
"""Of the exponential mean of gradients: about ten batches."""


@dataclass(frozen=True, slots=True)
class Periods:
    """When units fade."""

    start: int
    """Steps before the first period."""
    steps: int
    """Of all periods together."""
    periods: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.periods < 1:
            raise ConfigurationError(
                f"units fade after 0 or more steps in 1 or more periods; got {self.start} and {self.periods}"
            )
        if self.steps < self.periods:
            raise ConfigurationError(
                f"pruning_steps {self.steps} cannot hold {self.periods} periods, each of which needs a step; give at "
                f"least {self.periods}, or fewer periods"
            )

    @property
    def length(self) -> int:
        """Steps of a period."""
        return self.steps // self.periods

    @property
    def end(self) -> int:
        """Steps after which everything is gone."""
        return self.start + self.periods * self.length

    def begins(self, step: int) -> int:
        """The number of the period that begins with a step (both from 1); 0 where none does."""
        after = step - self.start - 1
        period = after // self.length + 1
        return period if after >= 0 and after % self.length == 0 and period <= self.periods else 0

    def factor(self, step: int) -> float:
        """What the fading units are multiplied by after a step (from 1): linear, to exactly zero."""
        left = self.length - (step - self.start) % self.length
        return (left - 1) / left


@dataclass(slots=True, eq=False)
class Fade:
    """What changes while units fade."""

    step: int = 0
    period: int = 0
    gone: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each group the units that are zero for good, in the order in which they went."""
    fading: dict[str, tuple[int, ...]] = field(default_factory=dict)
    mean: dict[str, Tensor] = field(default_factory=dict)
    """Exponential mean of the gradients, before it is divided by ``1 - MEMORY ** step``."""


Decide = Callable[[], Scores]
"""Scores that somebody else has for the units, asked for when a period begins."""


class Gradual:
    """Wraps an optimiser: its ``step`` makes one step of it, and one of the fading."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        choice: Choice,
        periods: Periods,
        weighting: Mapping[str, float],
        *,
        published: bool = False,
        decide: Decide | None = None,
    ) -> None:
        """``decide`` gives the scores instead of the weighting (corrective cycles)."""
        self.units = Units(model, choice.structure, choice.groups)
        self.optimiser, self.choice, self.periods, self.weighting = optimiser, choice, periods, weighting
        self.published, self.decide = published, decide
        self.fade = Fade()
        self._set_places()

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Those of the optimiser."""
        return self.optimiser.param_groups

    @property
    def finished(self) -> bool:
        """Whether all that is to go is gone."""
        return self.fade.period == self.periods.periods and not self.fade.fading

    def zero_grad(self) -> None:
        """As the optimiser does."""
        self.optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One step of the optimiser, with gradients in place, and what it means for the units."""
        fade = self.fade
        fade.step += 1
        self._remember_gradients()
        self._zero.without_gradient()
        period = self.periods.begins(fade.step)
        if period and self.published and self.decide is None:
            before = {name: value.detach().clone() for name, value in self.units.parameters.items()}
            self.optimiser.step()
            self._begin(period, self.units.rows(before), self.units.rows(self._step_from(before)))
        else:
            if period:
                self._begin(period, self.units.weights(), self.units.rows(self._gradients()))
            self.optimiser.step()
        if fade.fading:
            factor = self.periods.factor(fade.step)
            self._fading.scale(factor)
            if factor == 0:
                self._end()
        self._zero.scale(0.0)

    def state(self) -> dict[str, Any]:
        """All that changes, in plain types and tensors."""
        fade = self.fade
        return {
            "step": fade.step,
            "period": fade.period,
            "gone": {name: list(units) for name, units in fade.gone.items()},
            "fading": {name: list(units) for name, units in fade.fading.items()},
            "mean": fade.mean,
            "optimiser": self.optimiser.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave."""
        gone, fading = ({name: tuple(units) for name, units in state[key].items()} for key in ("gone", "fading"))
        self.fade = Fade(state["step"], state["period"], gone, fading, dict(state["mean"]))
        self.optimiser.load_state_dict(state["optimiser"])
        self._set_places()

    def _begin(self, period: int, weights: Mapping[str, Tensor], direction: Mapping[str, Tensor]) -> None:
        scores = saliency_of(weights, direction, self.weighting) if self.decide is None else self.decide()
        new = lowest(self.choice, scores, self.fade.gone, period=period, periods=self.periods.periods)
        self.fade.fading = {name: tuple(units) for name, units in new.items()}
        self.fade.period = period
        self._set_places()

    def _end(self) -> None:
        """What faded is gone."""
        self._fading.forget(self.optimiser)
        for name, units in self.fade.fading.items():
            self.fade.gone[name] = (*self.fade.gone.get(name, ()), *units)
        self.fade.fading = {}
        self._set_places()

    def _set_places(self) -> None:
        self._zero: Places = self.units.places(self.fade.gone)
        self._fading: Places = self.units.places(self.fade.fading)

    def _remember_gradients(self) -> None:
        for name, value in self.units.parameters.items():
            if value.grad is not None:
                mean = self.fade.mean.setdefault(name, torch.zeros_like(value))
                mean.mul_(MEMORY).add_(value.grad, alpha=1 - MEMORY)

    def _gradients(self) -> dict[str, Tensor]:
        share = 1 - MEMORY**self.fade.step
        zeros = {name: value for name, value in self.units.parameters.items() if name not in self.fade.mean}
        return {name: mean / share for name, mean in self.fade.mean.items()} | {
            name: torch.zeros_like(value) for name, value in zeros.items()
        }

    def _step_from(self, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the optimiser subtracted, by its rate."""
        rate = {id(value): group["lr"] for group in self.param_groups for value in group["params"]}
        return {
            name: (before[name] - value.detach()) / (rate.get(id(value)) or 1.0)
            for name, value in self.units.parameters.items()
        }
