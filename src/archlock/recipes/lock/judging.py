"""From a preference to what a search sees: a judgement of every architecture of the space.

The search knows no preference and the preference no search; they meet here, and nowhere else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from archlock.adaptation import FINE_TUNE, SOURCE
from archlock.preferences import Column, Preference, ScoreModel
from archlock.ranking import rank_percentiles
from archlock.recipes.lock.config import LockConfig
from archlock.reports import TradeOffPoint
from archlock.search import STRATEGIES, Judgement, SourceFloor, lock_judgement, published_judgement, search, tabulated
from archlock.search import trade_off as best_at_floors
from archlock.seeding import derive_seed
from archlock.spaces import Architecture, Space

SOURCE_TASK = "source"
"""Name of the source among the tasks of a preference."""
ALLOWANCES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05)
"""Losses of source accuracy at which the trade-off is shown."""
SEARCH_FLOOR = SourceFloor("percentile", 0.97)
"""The floor of a search whose scores have no units, so that a loss of accuracy means nothing to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """What is believed of a whole space: source and target scores of every connected architecture.

    Architectures that are the same function have the same scores, those of the cheapest among them: it is what is
    measured, trained and released in the place of all.
    """

    architectures: tuple[Architecture, ...]
    cheapest: tuple[Architecture, ...]
    """For each architecture, the cheapest one that is the same function."""
    source: Float[np.ndarray, " architectures"]
    """Expected accuracy, where the preference knows units; else a score."""
    targets: Float[np.ndarray, "targets architectures"]
    in_units: bool

    @property
    def percentiles(self) -> Mapping[Architecture, float]:
        """Source percentile of every architecture, in [0, 1]."""
        return dict(zip(self.architectures, rank_percentiles(self.source).tolist(), strict=True))

    @property
    def forecasts(self) -> Mapping[Architecture, float]:
        """Mean target score of every architecture; 0 when there are no targets."""
        scores = self.targets.mean(0) if len(self.targets) else np.zeros(len(self.architectures))
        return dict(zip(self.architectures, scores.tolist(), strict=True))


def landscape(preference: Preference, space: Space, targets: Sequence[str]) -> Landscape:
    """Score every connected architecture of the space on the source and on the known targets."""
    architectures = tuple(a for a in space.enumerate() if space.is_connected(a))
    cheapest = tuple(map(space.simplify, architectures))
    functions = {one: place for place, one in enumerate(dict.fromkeys(cheapest))}
    places = [functions[one] for one in cheapest]
    scores = preference.scores(tuple(functions))[:, places]
    rows = [preference.tasks.index(name) for name in targets]
    column = Column(SOURCE_TASK, SOURCE)
    in_units = isinstance(preference, ScoreModel) and column in preference.columns
    source = scores[preference.tasks.index(SOURCE_TASK)]
    if isinstance(preference, ScoreModel) and in_units:
        source = preference.predict(tuple(functions), column)[0][places]
    return Landscape(architectures, cheapest, source, scores[rows], in_units)


def shortlist(
    config: LockConfig,
    seen: Landscape,
    space: Space,
    *,
    targeted: bool,
    count: int,
    slack: float = 1.0,
    evaluations: int | None = None,
) -> tuple[Architecture, ...]:
    """The best architectures by the configured strategy: for the lock, or (not ``targeted``) for the source alone.

    No two are the same function, and each is the cheapest of its function. The search itself counts isomorphic ones
    once, which is not the same; so it may list fewer than it judged.
    """
    targets = seen.targets if targeted else seen.targets[:0]
    floor = _search_floor(config, seen, slack) if targeted else SourceFloor("percentile", 0.0)
    judge = published_judgement if config.objective == "published" else lock_judgement
    objective = tabulated(*_with_disconnected(space, seen.architectures, judge(seen.source, targets, floor)))
    strategy = STRATEGIES[config.strategy](space, seed=derive_seed(config.seed, "search", str(targeted)))
    trace = search(strategy, objective, evaluations=evaluations or len(space), keep=len(space))
    return tuple(dict.fromkeys(space.simplify(found.architecture) for found in trace.best))[:count]


def _search_floor(config: LockConfig, seen: Landscape, slack: float) -> SourceFloor:
    """The floor in units that the landscape knows, ``slack`` times as far from the best."""
    floor = config.floor if seen.in_units or config.floor.kind == "percentile" else SEARCH_FLOOR
    if floor.kind == "percentile":
        return SourceFloor("percentile", max(0.0, 1 - slack * (1 - floor.value)))
    return SourceFloor("accuracy_loss", min(1.0, slack * floor.value))


def trade_off_points(preference: Preference, seen: Landscape, targets: Sequence[str]) -> tuple[TradeOffPoint, ...]:
    """What each loss of source accuracy would buy, by the model's beliefs; empty where it knows no units."""
    if not (isinstance(preference, ScoreModel) and seen.in_units and targets):
        return ()
    columns = [Column(name, FINE_TUNE) for name in targets]
    gains = np.mean([preference.predict(seen.cheapest, column)[0] for column in columns], axis=0)
    score = seen.targets.mean(0)
    best = int(np.argmax(seen.source))
    points = best_at_floors(seen.source, score, [float(seen.source[best]) - loss for loss in ALLOWANCES])
    return tuple(
        TradeOffPoint(
            source_loss=round(float(seen.source[best]) - point.floor, 6),
            code=seen.cheapest[point.index].code,
            source_validation=float(seen.source[point.index]),
            target_gain=float(gains[point.index]),
            taken_away=float(gains[best] - gains[point.index]),
            estimated=True,
        )
        for point in reversed(points)
    )


def _with_disconnected(
    space: Space, architectures: Sequence[Architecture], judgement: Judgement
) -> tuple[tuple[Architecture, ...], Judgement]:
    """The same judgements, and for constant predictors one that no search can want."""
    known = set(architectures)
    rest = [a for a in space.enumerate() if a not in known]
    scores = np.concatenate([judgement.scores, np.full(len(rest), judgement.scores.min())])
    worst = judgement.shortfall.max(initial=0.0) + 1.0
    return (*architectures, *rest), Judgement(scores, np.concatenate([judgement.shortfall, np.full(len(rest), worst)]))
