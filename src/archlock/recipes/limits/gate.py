"""Every finalist is measured before it is trained at full size, and what is above the limit is not bought.

A forecast decides who may be looked at, a measurement who may be released: the market is wrapped, so the search meets
the limit whatever it asks for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from archlock.evidence import EvidenceStore, Key, Measurement, fidelity_name
from archlock.models import build
from archlock.progress import Progress
from archlock.recipes.engine.market import AroundMarket, Ask, Bought, Candidates, Kind
from archlock.recipes.limits.forecast import SLACK, Forecast, Networks
from archlock.recipes.limits.runtimes import Place, time_module
from archlock.records import fingerprint
from archlock.spaces import Architecture

MARGIN: Final = 0.03
"""Share of the limit that a latency measured here stays below it: by so much two measurements on a quiet machine
differ."""
PATIENCE: Final = 4
"""By how many more measurements are above the limit than below it until forecasts have to be lower by their error."""
LOWEST: Final = 0.2
"""Share of the candidates, those with the lowest forecasts, that are always worth a measurement."""


@dataclass(frozen=True, slots=True, eq=False)
class Meter:
    """Measures latencies on this machine; each once, since the store remembers them."""

    networks: Networks
    place: Place
    store: EvidenceStore
    progress: Progress

    def __call__(self, architecture: Architecture) -> float:
        """Milliseconds of the untrained network: weights make no difference."""
        settings = fingerprint([self.place, self.networks])
        key = Key(str(architecture), "", "latency", split="", fidelity=fidelity_name("latency", settings))
        found = self.store.read(fidelity=key.fidelity).get(key)
        if found is None:
            (found,) = self.store.settle([self._measured(architecture, key)])
        return found.value

    def _measured(self, architecture: Architecture, key: Key) -> Measurement:
        began = time.perf_counter()
        networks = self.networks
        network = build(architecture, networks.signature, width=networks.width, depth=networks.depth, seed=0)
        timing = time_module(network, networks.shape, self.place.runtime)
        self.progress.say(f"measured {architecture}: {timing.cpu_ms:.4g} ms")
        if timing.busy:
            self.progress.say(f"warning: {timing.busy}")
        return Measurement(key, timing.cpu_ms, "ms", time.perf_counter() - began, note=timing.busy)


@dataclass(slots=True, eq=False)
class Gate:
    """Says who may be trained at full size: what is measured, and is within the limit.

    What is foretold to be above the limit by more than the tolerance is not even measured. The tolerance is twice the
    error of the forecast; the more measurements are above the limit, the lower a forecast has to be, and with each that
    is not the higher it may be again. The lowest forecasts are always worth a measurement.
    """

    most: float
    """Milliseconds that may be measured."""
    measure: Callable[[Architecture], float]
    forecast: Forecast | None = None
    among: tuple[Architecture, ...] = ()
    """The candidates."""
    measured: dict[Architecture, float] = field(default_factory=dict)
    refused: int = 0
    """Measurements above the limit."""
    _lowest: float = 0.0

    def passes(self, architecture: Architecture) -> bool:
        """Whether it may be trained at full size. The same questions in the same order have the same answers."""
        if architecture not in self.measured:
            if not self._promising(architecture):
                return False
            self.measured[architecture] = self.measure(architecture)
            self.refused += self.measured[architecture] > self.most
        return self.measured[architecture] <= self.most

    def _promising(self, architecture: Architecture) -> bool:
        if self.forecast is None:
            return True
        steps = min(SLACK, SLACK - (2 * self.refused - len(self.measured)) // PATIENCE)
        believed = self.most * (1 + max(steps, -SLACK) * self.forecast.error)
        return float(self.forecast.milliseconds([architecture])[0]) <= max(believed, self._low)

    @property
    def _low(self) -> float:
        """A forecast that is among the lowest of the candidates'."""
        if not self._lowest and self.forecast is not None and self.among:
            self._lowest = float(np.nanquantile(self.forecast.milliseconds(self.among), LOWEST))
        return self._lowest


@dataclass(frozen=True, slots=True, eq=False)
class GatedMarket(AroundMarket):
    """A :class:`~archlock.recipes.engine.market.Market` that trains nothing at full size that does not pass."""

    passes: Callable[[Architecture], bool]

    @property
    def candidates(self) -> Candidates:
        """Those of the market."""
        return self.market.candidates

    def left(self, kind: Kind) -> int:
        """What the market still sells: what is refused costs nothing."""
        return self.market.left(kind)

    def buy(self, ask: Ask) -> Bought:
        """Buy what passes; what does not is refused."""
        if ask.kind == "short":
            return self.market.buy(ask)
        architectures = self.candidates.architectures
        refused = np.array([not self.passes(architectures[row]) for row in ask.rows.tolist()], dtype=bool)
        values = np.full((1 + len(self.others), len(ask.rows)), np.nan)
        if refused.all():
            return Bought(values, np.full(len(values), np.nan), refused)
        bought = self.market.buy(replace(ask, rows=ask.rows[~refused], numbers=ask.numbers[~refused]))
        values[:, ~refused] = bought.values
        return Bought(values, bought.noise, refused)
