"""A policy over the neighbours of an architecture, in NumPy, with its gradients written out.

One hidden layer reads the one-hot code of an architecture and says what every choice in a code is worth from there; a
neighbour's chance is the softmax of what its code is worth. So one network serves every space that has neighbours,
whether they change, insert or remove something. A second output estimates the reward.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

PARTS: Final = ("hidden", "hidden_bias", "choice", "choice_bias", "value", "value_bias")
_DECAY, _DECAY_SQUARES, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One decision of an episode: where it was taken, what could be chosen, and what was."""

    state: Float[np.ndarray, " features"]
    options: Float[np.ndarray, "options features"]
    chosen: int


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """The decisions of an episode, where they led, and the reward there."""

    steps: tuple[Step, ...]
    end: Float[np.ndarray, " features"]
    reward: float


class Policy:
    """The network and its optimiser (Adam, Kingma and Ba 2015)."""

    def __init__(self, features: int, rng: np.random.Generator, *, units: int = 48, rate: float = 3e-3) -> None:
        self.rate = rate
        self.weights: dict[str, np.ndarray] = {
            "hidden": rng.standard_normal((units, features)) / np.sqrt(features),
            "hidden_bias": np.zeros(units),
            "choice": np.zeros((features, units)),
            "choice_bias": np.zeros(features),
            "value": np.zeros(units),
            "value_bias": np.zeros(1),
        }
        self._means = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        self._squares = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        self._updates = 0

    def chances(
        self, state: Float[np.ndarray, " features"], options: Float[np.ndarray, "options features"]
    ) -> Float[np.ndarray, " options"]:
        """The probability of each option."""
        return self._forward(state, options)[1]

    def values(self, states: Float[np.ndarray, "states features"]) -> Float[np.ndarray, " states"]:
        """The reward that is expected of an episode that ends there."""
        hidden = np.tanh(states @ self.weights["hidden"].T + self.weights["hidden_bias"])
        return np.asarray(hidden @ self.weights["value"] + self.weights["value_bias"])

    def gradients(
        self, episodes: tuple[Episode, ...], advantages: Float[np.ndarray, " episodes"], *, entropy: float
    ) -> dict[str, np.ndarray]:
        """Of the mean over episodes of - advantage * log chance of its decisions - entropy + (value - reward)^2."""
        found = {name: np.zeros_like(weight) for name, weight in self.weights.items()}
        for episode, advantage in zip(episodes, advantages.tolist(), strict=True):
            for step in episode.steps:
                hidden, chances = self._forward(step.state, step.options)
                logs = np.log(np.maximum(chances, _TINY))
                slope = advantage * chances
                slope[step.chosen] -= advantage
                slope += entropy * chances * (logs - float(chances @ logs))
                worth = slope @ step.options
                found["choice"] += np.outer(worth, hidden)
                found["choice_bias"] += worth
                self._into_hidden(found, step.state, hidden, worth @ self.weights["choice"])
            hidden = np.tanh(self.weights["hidden"] @ episode.end + self.weights["hidden_bias"])
            missed = 2 * (float(hidden @ self.weights["value"] + self.weights["value_bias"][0]) - episode.reward)
            found["value"] += missed * hidden
            found["value_bias"] += missed
            self._into_hidden(found, episode.end, hidden, missed * self.weights["value"])
        return {name: total / len(episodes) for name, total in found.items()}

    def step(self, gradients: dict[str, np.ndarray]) -> None:
        """One step of the optimiser."""
        self._updates += 1
        for name in PARTS:
            self._means[name] = _DECAY * self._means[name] + (1 - _DECAY) * gradients[name]
            self._squares[name] = _DECAY_SQUARES * self._squares[name] + (1 - _DECAY_SQUARES) * gradients[name] ** 2
            mean = self._means[name] / (1 - _DECAY**self._updates)
            square = self._squares[name] / (1 - _DECAY_SQUARES**self._updates)
            self.weights[name] = self.weights[name] - self.rate * mean / (np.sqrt(square) + _TINY)

    def _forward(
        self, state: Float[np.ndarray, " features"], options: Float[np.ndarray, "options features"]
    ) -> tuple[Float[np.ndarray, " units"], Float[np.ndarray, " options"]]:
        hidden = np.tanh(self.weights["hidden"] @ state + self.weights["hidden_bias"])
        logits = options @ (self.weights["choice"] @ hidden + self.weights["choice_bias"])
        chances = np.exp(logits - logits.max())
        return hidden, chances / chances.sum()

    def _into_hidden(
        self,
        found: dict[str, np.ndarray],
        state: Float[np.ndarray, " features"],
        hidden: Float[np.ndarray, " units"],
        slope: Float[np.ndarray, " units"],
    ) -> None:
        inner = slope * (1 - hidden**2)
        found["hidden"] += np.outer(inner, state)
        found["hidden_bias"] += inner
