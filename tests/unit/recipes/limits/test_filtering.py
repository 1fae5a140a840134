"""Who keeps the limits, and what is said where nobody does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

import archlock
from archlock.errors import ConfigurationError
from archlock.models import costs_of
from archlock.recipes.engine.market import Candidates, candidates_among
from archlock.recipes.limits.filtering import refuse_impossible, within
from archlock.recipes.limits.forecast import Networks
from archlock.spaces import SPACES, Architecture

NETWORKS = Networks("transnas101_micro", (3, 16, 16), 10, 8, 1)
SPACE = SPACES[NETWORKS.space]


@pytest.fixture(scope="module")
def candidates() -> Candidates:
    sampled = [SPACE.sample(rng) for rng in [np.random.default_rng(0)] for _ in range(300)]
    return candidates_among(SPACE, sampled)


@dataclass(frozen=True)
class Said:
    """A forecast of one number times the relative cost; codes that end in 0 have none."""

    factor: float = 1.0
    error: float = 0.1
    device: str = "a board"
    remarks: tuple[str, ...] = ()

    def milliseconds(self, architectures: Sequence[Architecture]) -> np.ndarray:
        values = 1 + self.factor * SPACE.relative_cost(architectures)
        return np.where([one.code.endswith("0") for one in architectures], np.nan, values)


def test_only_what_keeps_all_exact_limits_is_left(candidates: Candidates) -> None:
    limits = archlock.Limits(parameters=30_000, macs=1.5e6, peak_bytes=20_000)
    kept = within(candidates, limits, NETWORKS, forecast=None, measured=False)
    costs = costs_of(candidates.architectures, NETWORKS.signature, width=8, depth=1)
    right = (costs.parameters <= 30_000) & (costs.macs <= 1.5e6) & (costs.peak_bytes <= 20_000)
    assert 0 < right.sum() < len(right)
    assert kept.candidates.architectures == tuple(np.array(candidates.architectures, dtype=object)[right])
    assert kept.considered == len(candidates.architectures)
    assert kept.notes == ()
    shares, apart = candidates.shares[right], 1 - candidates.shares.sum()
    np.testing.assert_allclose(kept.candidates.shares, shares / (shares.sum() + apart))
    assert 0 < 1 - kept.candidates.shares.sum() < 1, "what is connected to nothing is small, and below all"


def test_a_limit_that_all_meet_is_noted(candidates: Candidates) -> None:
    kept = within(candidates, archlock.Limits(parameters=1e9), NETWORKS, forecast=None, measured=False)
    assert kept.candidates is candidates
    assert kept.notes == ("the limit of 1G parameters (--max-params) restricts nothing: every architecture keeps it",)


def test_the_least_of_the_space_is_named_where_none_keeps_a_limit() -> None:
    began = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        refuse_impossible(archlock.Limits(parameters=500), NETWORKS)
    assert time.process_time() - began < 2
    least = costs_of(tuple(SPACE.enumerate()), NETWORKS.signature, width=8, depth=1, memory=False).parameters
    smallest = costs_of([SPACE.architecture("000100")], NETWORKS.signature, width=8, depth=1).parameters[0]
    assert least.min() <= smallest
    assert "no architecture of transnas101_micro at width 8 and depth 1, for images of 3 x 16 x 16" in str(caught.value)
    assert "keeps the limit of 500 parameters (--max-params): the smallest, transnas101_micro:" in str(caught.value)
    assert f"has {smallest:,} parameters" in str(caught.value)
    refuse_impossible(archlock.Limits(parameters=30_000), NETWORKS)


def test_limits_that_contradict_each_other_say_so(candidates: Candidates) -> None:
    costs = costs_of(candidates.architectures, NETWORKS.signature, width=8, depth=1)
    least, most = float(costs.parameters.min()), float(costs.intensity.max())
    limits = archlock.Limits(parameters=least, intensity=most)
    with pytest.raises(
        ConfigurationError, match=r"the limits contradict each other: .* keep each of them, but none ke"
    ):
        within(candidates, limits, NETWORKS, forecast=None, measured=False)


@pytest.mark.parametrize("measured", [True, False])
def test_a_forecast_has_slack_where_it_is_checked_and_a_margin_where_it_is_not(
    candidates: Candidates, measured: bool
) -> None:
    forecast = Said()
    limits = archlock.Limits(latency_ms=12.0)
    kept = within(candidates, limits, NETWORKS, forecast=forecast, measured=measured)
    foretold = forecast.milliseconds(candidates.architectures)
    most = 12.0 * 1.2 if measured else 12.0 / 1.2
    right = np.nan_to_num(foretold, nan=np.inf) <= most
    assert kept.candidates.architectures == tuple(np.array(candidates.architectures, dtype=object)[right])
    missing = int(np.isnan(foretold).sum())
    assert kept.notes == (
        f"{missing:,} of {len(foretold):,} architectures have no latency on a board and are left out",
    )


def test_a_latency_that_nobody_is_foretold_to_keep(candidates: Candidates) -> None:
    with pytest.raises(
        ConfigurationError, match=r"limit of 0.\d+ ms .--max-latency.: the smallest, .* foretold with an"
    ):
        within(candidates, archlock.Limits(latency_ms=0.5), NETWORKS, forecast=Said(), measured=False)
