"""Calibrate this machine: time a few architectures of a space here, and fit what foretells the others."""

import time
from datetime import UTC, datetime
from typing import Final

import numpy as np

from archlock.errors import ConfigurationError
from archlock.models import build
from archlock.progress import Progress
from archlock.recipes.engine.market import candidates_of_space
from archlock.recipes.limits.forecast import Calibration, Networks, counts_of
from archlock.recipes.limits.latency_model import FEWEST, fit, stratified
from archlock.recipes.limits.record import Runtime
from archlock.recipes.limits.runtimes import here, time_module
from archlock.recipes.limits.timing import BUSY_SPREAD
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture, CellSpace

TIMED: Final = 25
"""Architectures that are timed unless another number is asked for."""


def calibration_sample(networks: Networks, count: int, *, seed: int) -> tuple[Architecture, ...]:
    """Architectures to be timed, each another function: one from each of so many strata of live operations.

    In a space without cells the strata are of the relative cost.
    """
    if count < FEWEST:
        raise ConfigurationError(f"a calibration times at least {FEWEST} architectures; got {count}")
    space = SPACES[networks.space]
    every = candidates_of_space(space, seed=seed).architectures
    amounts = space.relative_cost(every)
    if isinstance(space, CellSpace):
        amounts = counts_of(networks, every)["live"].sum(axis=1)
    rows = stratified(amounts, count, rng_for(seed, "calibration"))
    return tuple(every[row] for row in rows)


def calibrate(
    networks: Networks, runtime: Runtime, *, count: int = TIMED, seed: int = 0, progress: Progress
) -> Calibration:
    """Build, and in ONNX Runtime export, each of the sample; time it with one thread; fit."""
    sample = calibration_sample(networks, count, seed=seed)
    progress.begin("timing architectures on this machine", len(sample))
    timings = []
    for one in sample:
        began = time.perf_counter()
        network = build(one, networks.signature, width=networks.width, depth=networks.depth, seed=0)
        timings.append(time_module(network, networks.shape, runtime))
        seconds = time.perf_counter() - began
        progress.advance(1, f"{one.code}: {timings[-1].cpu_ms:.3g} ms ({seconds:.1f} s to export and time)")
    milliseconds = np.array([timing.cpu_ms for timing in timings])
    place, busy = here(runtime), sum(timing.spread > BUSY_SPREAD for timing in timings)
    return Calibration(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=place.machine,
        on=place.words,
        runtime=runtime,
        networks=networks,
        codes=tuple(one.code for one in sample),
        timed_ms=tuple(milliseconds.tolist()),
        busy=busy,
        model=fit(counts_of(networks, sample), milliseconds),
        remarks=busy_words(busy, len(sample)),
    )


def busy_words(busy: int, count: int) -> tuple[str, ...]:
    """What is said where the machine was busy."""
    if not busy:
        return ()
    return (
        f"the machine was busy: {busy} of {count} timings have blocks that differ by more than {BUSY_SPREAD:.0%}; "
        "calibrate again when nothing else runs",
    )
