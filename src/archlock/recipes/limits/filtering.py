"""Which architectures keep the limits: found before anything is bought, and refused in words where there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from archlock.errors import ConfigurationError
from archlock.models import Costs, costs_of
from archlock.recipes.engine.market import MOST_CANDIDATES, Candidates, described, sampled
from archlock.recipes.limits.forecast import SLACK, Forecast, Networks
from archlock.recipes.limits.record import Limits
from archlock.reports import amount_in_words
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture

OF_MEMORY: Final = ("peak_bytes", "intensity")
OPTIONS: Final = {
    "parameters": "--max-params",
    "macs": "--max-macs",
    "weights_bytes": "--max-weights",
    "peak_bytes": "--max-memory",
    "intensity": "--min-intensity",
    "latency_ms": "--max-latency",
}


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """The candidates that keep the limits."""

    candidates: Candidates
    considered: int
    """How many there are without limits."""
    notes: tuple[str, ...]
    """What a user should know of the limits, in sentences."""


def counted(name: str, costs: Costs) -> Float[np.ndarray, " architectures"]:
    """The cost that a limit is on."""
    return np.asarray(getattr(costs, name), dtype=float)


def keeps(name: str, values: Float[np.ndarray, " architectures"], limit: float) -> Bool[np.ndarray, " architectures"]:
    """Which values keep a limit: those up to it, of the intensity those from it on; what is not known does not."""
    with np.errstate(invalid="ignore"):
        return np.asarray(values >= limit if name == "intensity" else values <= limit)


def refuse_impossible(limits: Limits, networks: Networks) -> None:
    """ConfigurationError where no architecture of the space keeps the exact limits: quick, and before any work."""
    if not limits.exact:
        return
    architectures = connected(networks.space)
    _refuse(limits.exact, _values(architectures, networks, limits), architectures, networks)


def within(
    candidates: Candidates, limits: Limits, networks: Networks, *, forecast: Forecast | None, measured: bool
) -> Within:
    """The candidates that keep the limits, each with its share of those that do.

    A latency is what the ``forecast`` says. Where each finalist is going to be ``measured``, a forecast may be over the
    limit by what it is usually off (twice its error); where nobody can measure, it has to be below it by as much.
    Without a forecast latency keeps nobody out. ConfigurationError where nobody is left.
    """
    architectures = candidates.architectures
    values = _values(architectures, networks, limits)
    wanted = dict(limits.exact)
    notes = []
    if forecast is not None and limits.latency_ms is not None:
        values["latency_ms"] = forecast.milliseconds(architectures)
        slack = 1 + SLACK * forecast.error
        wanted["latency_ms"] = limits.latency_ms * slack if measured else limits.latency_ms / slack
        notes += _unknown(values["latency_ms"], forecast)
    kept = _refuse(wanted, values, architectures, networks, _believed(forecast))
    notes += [
        f"the limit of {amount_in_words(name, getattr(limits, name))} ({OPTIONS[name]}) restricts nothing: every "
        "architecture keeps it"
        for name, limit in wanted.items()
        if keeps(name, values[name], limit).all()
    ]
    rows = np.flatnonzero(kept)
    if len(rows) == len(architectures):
        return Within(candidates, len(architectures), tuple(notes))
    shares = candidates.shares[rows]
    everything = shares.sum() + (1 - candidates.shares.sum())  # with what is connected to nothing, which is small
    fewer = described(SPACES[networks.space], tuple(architectures[row] for row in rows), shares / everything)
    return Within(fewer, len(architectures), tuple(notes))


def kept_among(architectures: tuple[Architecture, ...], limits: Limits, networks: Networks) -> tuple[Architecture, ...]:
    """Those that keep the exact limits; all of them where none does."""
    values = _values(architectures, networks, limits)
    masks = [keeps(name, values[name], limit) for name, limit in limits.exact.items()]
    kept = np.logical_and.reduce([np.ones(len(architectures), dtype=bool), *masks])
    return tuple(one for one, keep in zip(architectures, kept, strict=True) if keep) or architectures


@cache
def connected(name: str) -> tuple[Architecture, ...]:
    """The architectures of a space that connect input and output; of a large space, among many that are drawn."""
    space = SPACES[name]
    if len(space) <= MOST_CANDIDATES:
        every: Sequence[Architecture] = tuple(space.enumerate())
    else:
        every = sampled(space, MOST_CANDIDATES, rng_for(0, "limits"))
    return tuple(one for one in every if space.is_connected(one))


def _values(
    architectures: tuple[Architecture, ...], networks: Networks, limits: Limits
) -> dict[str, Float[np.ndarray, " architectures"]]:
    """The costs that there are exact limits on."""
    if not limits.exact:
        return {}
    memory = any(name in limits.exact for name in OF_MEMORY)
    costs = costs_of(architectures, networks.signature, width=networks.width, depth=networks.depth, memory=memory)
    return {name: counted(name, costs) for name in limits.exact}


def _refuse(
    wanted: dict[str, float],
    values: dict[str, Float[np.ndarray, " architectures"]],
    architectures: Sequence[Architecture],
    networks: Networks,
    believed: str = "",
) -> Bool[np.ndarray, " architectures"]:
    """Which architectures keep all limits; ConfigurationError where none does."""
    masks = {name: keeps(name, values[name], limit) for name, limit in wanted.items()}
    kept = np.logical_and.reduce([np.ones(len(architectures), dtype=bool), *masks.values()])
    if kept.any():
        return np.asarray(kept)
    channels, height, width = networks.shape
    where = (
        f"of {networks.space} at width {networks.width} and depth {networks.depth}, for images of {channels} x "
        f"{height} x {width}"
    )
    for name, mask in masks.items():
        if mask.any():
            continue
        best = _best(name, values[name])
        most = "highest" if name == "intensity" else "smallest"
        has = amount_in_words(name, float(values[name][best])) + (believed if name == "latency_ms" else "")
        raise ConfigurationError(
            f"no architecture {where} keeps the limit of {amount_in_words(name, wanted[name])} ({OPTIONS[name]}): the "
            f"{most}, {architectures[best]}, has {has}; give a wider limit, a smaller --width or smaller images"
        )
    both = " and ".join(f"{amount_in_words(name, limit)} ({OPTIONS[name]})" for name, limit in wanted.items())
    alone = "; ".join(
        f"{amount_in_words(name, wanted[name])}: {int(mask.sum()):,} architectures" for name, mask in masks.items()
    )
    raise ConfigurationError(
        f"the limits contradict each other: architectures {where} keep each of them, but none keeps {both} together "
        f"({alone}); widen one of them"
    )


def _believed(forecast: Forecast | None) -> str:
    """What is said beside a latency that was foretold."""
    if forecast is None or forecast.error == 0:
        return ""
    return f", foretold with an error of {forecast.error:.1%}, of which the limit takes {SLACK:g} into account"


def _best(name: str, values: Float[np.ndarray, " architectures"]) -> int:
    return int(np.nanargmax(values) if name == "intensity" else np.nanargmin(values))


def _unknown(values: Float[np.ndarray, " architectures"], forecast: Forecast) -> list[str]:
    missing = int(np.isnan(values).sum())
    if missing == len(values):
        raise ConfigurationError(
            f"{forecast.device} has no latency of any of the {len(values):,} architectures of this space; give a table "
            "of this space, or calibrate"
        )
    if not missing:
        return []
    return [f"{missing:,} of {len(values):,} architectures have no latency on {forecast.device} and are left out"]
