"""The limits of a run, applied: which candidates are left, and what measures the finalists.

Everything that is chosen in a run is chosen from what this leaves: the lock, the source-only reference, the random
architectures, and the population in which a source floor at a percentile counts.
"""

import time
from dataclasses import dataclass, replace
from typing import Final

from archlock.decoding import decode
from archlock.errors import ConfigurationError, RunError
from archlock.models import build
from archlock.progress import Progress
from archlock.recipes.engine.market import Candidates, candidates_of_space
from archlock.recipes.limits.calibrating import TIMED, calibrate, calibration_sample
from archlock.recipes.limits.filtering import refuse_impossible, within
from archlock.recipes.limits.forecast import Calibration, Forecast, Networks, open_device
from archlock.recipes.limits.gate import MARGIN, Gate, Meter
from archlock.recipes.limits.latency_model import FEWEST
from archlock.recipes.limits.record import Limits, Runtime
from archlock.recipes.limits.runtimes import chosen_runtime, here, said_of_runtime, time_module
from archlock.recipes.lock.allocation import reachable_shapes
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.workspace import Workspace
from archlock.spaces import SPACES
from archlock.tasks import Signature, Task

DEVICE: Final = "device.json"
"""The calibration of this machine that a run made for itself."""
CALIBRATION_SHARE: Final = 0.1
"""Of a budget in minutes that a calibration may take; with less than ``FEWEST`` timings, finalists alone are
measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What the limits leave."""

    candidates: Candidates
    """That keep the limits, as far as can be told before anything is trained."""
    every: Candidates
    """What there is without limits."""
    forecast: Forecast | None = None
    gate: Gate | None = None
    """Measures the finalists, where this machine is the device; else None."""
    place: str = ""
    """Device and runtime of latencies, in words."""
    notes: tuple[str, ...] = ()


def refuse_at_once(config: LockConfig, source: Task) -> None:
    """What no architecture can keep, at any image size that the budget may come to, is refused before any work."""
    limits = config.limits
    if not limits.any:
        return
    if limits.latency_ms is not None and limits.device_table is None:
        chosen_runtime(limits.runtime)
    refusals = []
    for shape in reachable_shapes(config, source.shape):
        networks = networks_of(config, replace(source.signature, shape=shape))
        try:
            refuse_impossible(limits, networks)
            if limits.device_table is not None:
                _forecast_of_table(limits, networks, candidates_of_space(SPACES[config.space], seed=config.seed))
        except ConfigurationError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def bounds_of(config: LockConfig, signature: Signature, workspace: Workspace, progress: Progress) -> Bounds | None:
    """Apply the limits to the networks that this run will release; None where there are none."""
    if not config.limits.any:
        return None
    every, limits = candidates_of_space(SPACES[config.space], seed=config.seed), config.limits
    networks = networks_of(config, signature)
    forecast, gate, place, notes = None, None, "", list[str]()
    if limits.device_table is not None:
        forecast = _forecast_of_table(limits, networks, every)
        notes.append(_not_measured(forecast))
        place = forecast.device
    elif limits.latency_ms is not None:
        runtime = chosen_runtime(limits.runtime)
        notes += said_of_runtime(limits.runtime)
        forecast, place = _calibration(config, networks, runtime, workspace, progress), here(runtime).words
        meter = Meter(networks, here(runtime), workspace.store, progress)
        gate = Gate(limits.latency_ms * (1 - MARGIN), meter, forecast)
        if forecast is None:
            notes.append(
                "the budget does not pay for a calibration of this machine, so latency is not foretold: only finalists "
                "are measured, and what is above the limit is dropped then"
            )
    kept = within(every, limits, networks, forecast=forecast, measured=gate is not None)
    if gate is not None:
        gate = replace(gate, among=kept.candidates.architectures)
    notes += [*kept.notes, *(forecast.remarks if forecast is not None else ())]
    for line in notes:
        progress.say(line)
    progress.say(f"{len(kept.candidates.architectures):,} of {kept.considered:,} architectures keep the limits")
    return Bounds(kept.candidates, every, forecast, gate, place, tuple(notes))


def networks_of(config: LockConfig, signature: Signature) -> Networks:
    """What a run releases, for images of that signature."""
    return Networks.of(config.space, signature, width=config.width, depth=config.depth)


def _forecast_of_table(limits: Limits, networks: Networks, every: Candidates) -> Forecast:
    """The latencies of another device, checked; ConfigurationError where none of them keeps the limit."""
    assert limits.device_table is not None
    forecast = open_device(limits.device_table, SPACES[networks.space])
    if isinstance(forecast, Calibration):
        forecast.check(networks, runtime=limits.runtime)
    within(every, Limits(latency_ms=limits.latency_ms), networks, forecast=forecast, measured=False)
    return forecast


def _not_measured(forecast: Forecast) -> str:
    if forecast.error == 0:
        return f"latencies are those recorded for {forecast.device}; nothing was measured there again"
    return (
        f"latencies on {forecast.device} are foretold with a median error of {forecast.error:.1%}; only what is "
        "foretold twice that below the limit is chosen, and nothing was measured there: run archlock cost on the "
        "released model there"
    )


def _calibration(
    config: LockConfig, networks: Networks, runtime: Runtime, workspace: Workspace, progress: Progress
) -> Calibration | None:
    """That of this machine, made once in a run; None where the budget does not pay for it."""
    written = workspace.path / DEVICE
    if not written.exists():
        count = _affordable(config, networks, runtime)
        if count < FEWEST:
            return None
    made = workspace.once(
        DEVICE, lambda: calibrate(networks, runtime, count=count, seed=config.seed, progress=progress)
    )
    found = decode(Calibration, made)
    try:
        found.check(networks, runtime=runtime, machine=here(runtime).machine)
    except ConfigurationError as error:
        raise RunError(
            f"{written}: {error}. The run began on that machine: go on there, or start anew in another directory"
        ) from error
    return found


def _affordable(config: LockConfig, networks: Networks, runtime: Runtime) -> int:
    """How many architectures can be timed for a tenth of a budget in minutes; one in trainings pays for all."""
    if config.budget.unit != "minutes":
        return TIMED
    began = time.perf_counter()
    one = calibration_sample(networks, FEWEST, seed=config.seed)[0]
    network = build(one, networks.signature, width=networks.width, depth=networks.depth, seed=0)
    time_module(network, networks.shape, runtime)
    seconds = time.perf_counter() - began
    return min(TIMED, int(CALIBRATION_SHARE * 60 * config.budget.amount / seconds))
