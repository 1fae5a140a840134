"""Contract of search strategies: what every member of ``STRATEGIES``, and every plug-in, must do."""

import numpy as np

from archlock.search import Judgement, StrategyMaker, search, tabulated
from archlock.spaces import Architecture, Space


def check_strategy(make: StrategyMaker, space: Space, *, evaluations: int = 60) -> None:
    """Assert the contract on a small space with a score that prefers late codes, half of it infeasible."""
    before = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    everything = tuple(space.enumerate())
    values = np.linspace(0, 1, len(everything))
    judgement = Judgement(values, np.where(np.arange(len(everything)) % 2 == 0, 0.0, 1 - values / 2))
    objective = tabulated(everything, judgement)

    strategy = make(space, seed=3)
    assert strategy.space is space
    first = tuple(strategy.ask())
    assert first, "a fresh strategy has something to ask"
    for architecture in first:
        assert space.architecture(architecture.code) == architecture, "it asks for architectures of its space"
    assert tuple(make(space, seed=3).ask()) == first, "same seed, same questions"
    strategy.tell(first[:1], objective(first[:1]))
    assert isinstance(tuple(strategy.ask()), tuple), "it goes on when only the first few were judged"

    traces = [search(make(space, seed=3), objective, evaluations=evaluations, keep=5) for _ in range(2)]
    assert traces[0] == traces[1], "same seed, same trace"
    found: list[Architecture] = [one.architecture for one in traces[0].best]
    assert len({space.canonicalise(one) for one in found}) == len(found), "what is found is distinct"
    assert objective(found).feasible.all(), "what is found keeps the floor"
    scores = [one.score for one in traces[0].best]
    assert scores == sorted(scores, reverse=True) == objective(found).scores.tolist(), "best first, with its own score"
    assert traces[0].evaluated <= evaluations
    after = np.random.get_state()[1]  # type: ignore[index]  # noqa: NPY002
    assert np.array_equal(before, after), "no global generator is touched"
