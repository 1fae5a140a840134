"""Which of a few is running: the nearest, or none of these."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.leaks import Observation, distance, identify, self_check


def noisy(seed: int, *seconds: float, noise: float = 0.02) -> Observation:
    rng = np.random.default_rng(seed)
    return Observation(seconds=tuple(np.array(seconds) * np.exp(noise * rng.standard_normal(len(seconds)))))


MODELS = {
    "a": (1e-5, 2e-5, 1e-5, 8e-5, 1e-5, 3e-5),
    "b": (1e-5, 2e-5, 1e-5, 8e-5, 1e-5, 6e-5),
    "c": (4e-5, 2e-5, 9e-5, 1e-5, 1e-5, 3e-5),
    "d": (4e-5, 2e-5, 9e-5, 1e-5, 1e-5, 3e-5, 2e-5),
}
KNOWN = {name: [noisy(10 * n + k, *seconds) for k in range(4)] for n, (name, seconds) in enumerate(MODELS.items())}


def test_a_distance_is_the_mean_of_the_logarithms_of_ratios() -> None:
    one = Observation(latencies=(1.0, 2.0))
    assert distance(one, Observation(latencies=(2.0, 2.0))) == pytest.approx(0.5, abs=1e-6)
    assert distance(one, one) == 0
    assert distance(KNOWN["a"][0], KNOWN["d"][0]) == distance(KNOWN["d"][0], KNOWN["a"][0]) > 4


def test_every_candidate_is_found_by_another_recording_of_it() -> None:
    for number, (name, seconds) in enumerate(MODELS.items()):
        found = identify([noisy(1000 + number, *seconds)], KNOWN)
        assert found.name == name == found.ranking[0].name
        assert found.separated


def test_a_stranger_is_none_of_these() -> None:
    found = identify([noisy(7, 1e-5, 9e-5, 1e-5, 2e-5, 1e-5, 3e-5)], KNOWN)
    assert found.name == ""
    assert len(found.ranking) == 4
    assert found.ranking[0].distance > found.limit
    assert identify([noisy(8, *MODELS["b"])], {"a": KNOWN["a"]}).name == ""  # (one candidate has a limit too)


def test_candidates_are_told_apart_and_strangers_refused_by_their_own_recordings() -> None:
    checked = self_check(KNOWN)
    assert (checked.top1, checked.top3) == (1.0, 1.0)
    assert checked.strangers == 1.0
    alike = {name: [noisy(10 * n + k, *MODELS["a"]) for k in range(4)] for n, name in enumerate("xyz")}
    assert self_check(alike).top1 < 1
    assert not identify(alike["x"], alike).separated


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="each has 2 recordings or more; too few: a"):
        identify(KNOWN["b"], {"a": KNOWN["a"][:1]})
    with pytest.raises(ConfigurationError, match="there is no candidate"):
        identify(KNOWN["b"], {})
    with pytest.raises(ConfigurationError, match="of the same observer"):
        distance(KNOWN["a"][0], Observation(latencies=(1.0,)))
