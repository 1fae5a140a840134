"""A market: where a search buys evidence on candidates, be they trained on the spot or recorded in a table.

The search knows candidates by row. It buys trainings of some rows on all tasks that it may see, and gets values with
their noise. What it cannot buy it cannot know: a market has no truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from archlock.errors import SearchError
from archlock.preferences import coordinates, normal_scores
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

Kind = Literal["short", "full"]
"""How much a training costs: ``short`` ones are cheap and only foretell ``full`` ones, by which the lock is chosen."""
MOST_CANDIDATES = 20_000
"""A space of more architectures is sampled."""
MOST_CHANGES = 3
"""So many decisions of a sensible architecture are changed at most, where a space has one."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What can be chosen: arrays over architectures, no two of them the same. Nothing here is measured."""

    architectures: tuple[Architecture, ...]
    places: Float[np.ndarray, "architectures coordinates"]
    """Structure, as coordinates in which distance is meaningful."""
    size: Float[np.ndarray, " architectures"]
    """Normal scores of the relative cost."""
    open_shortcut: Float[np.ndarray, " architectures"]
    """1 where the input reaches the output without any convolution, else 0."""
    shares: Float[np.ndarray, " architectures"]
    """Share of everything for which each stands; what is left of 1 is connected to nothing and below all."""
    capacity: Float[np.ndarray, " architectures"]
    """How capable each looks without a training: its size, and good proxies of the source where they are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """Trainings to be bought on every task: rows, and for each the number of the training (0: its first seed)."""

    kind: Kind
    rows: Int[np.ndarray, " asked"]
    numbers: Int[np.ndarray, " asked"]


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """What an :class:`Ask` brought."""

    values: Float[np.ndarray, "tasks asked"]
    """Higher is better; the source first, then the others in their order. NaN where a training failed."""
    noise: Float[np.ndarray, " tasks"]
    """Standard deviation of one training about what others of it bring; 0 where nothing is known of it."""
    refused: Bool[np.ndarray, " asked"] | None = None
    """What may not be trained at all, since it breaks a limit: it cost nothing, and is not to be asked for again."""


@runtime_checkable
class Market(Protocol):
    """Candidates, tasks, and evidence for sale. The same question has the same answer."""

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        ...

    @property
    def others(self) -> tuple[str, ...]:
        """Tasks to lock against, as far as the search may know: the targets, their stand-ins, or none."""
        ...

    @property
    def known(self) -> bool:
        """Whether the others are the very targets (scheme TK), and no stand-ins."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a full training can be bought again with another seed."""
        ...

    def left(self, kind: Kind) -> int:
        """How many more trainings of a kind can be bought on every task."""
        ...

    def buy(self, ask: Ask) -> Bought:
        """Buy the trainings on the source and on all others."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AroundMarket:
    """What a market says of itself, passed on, for those that stand before one and sell in a way of their own."""

    market: Market

    @property
    def others(self) -> tuple[str, ...]:
        """Those of the market."""
        return self.market.others

    @property
    def known(self) -> bool:
        """As the market says."""
        return self.market.known

    @property
    def repeatable(self) -> bool:
        """As the market says."""
        return self.market.repeatable


def candidates_of_space(space: Space, *, seed: int, most: int = MOST_CANDIDATES) -> Candidates:
    """Every function of a space once, as its cheapest architecture; of a space with more than ``most`` architectures,
    those of so many that are :func:`sampled`. Only a space that is small enough is ever enumerated."""
    if len(space) <= most:
        return candidates_among(space, list(space.enumerate()))
    return candidates_among(space, sampled(space, most, rng_for(seed, "candidates")))


def sampled(space: Space, count: int, rng: np.random.Generator) -> list[Architecture]:
    """So many architectures, uniformly at random; of a space with a sensible one, within a few changes of that."""
    begin = space.sensible()
    if begin is None:
        return [space.sample(rng) for _ in range(count)]
    found = []
    for changes in rng.integers(MOST_CHANGES + 1, size=count).tolist():
        one = begin
        for _ in range(changes):
            one = space.mutate(one, rng)
        found.append(one)
    return found


def candidates_among(space: Space, architectures: Sequence[Architecture]) -> Candidates:
    """The functions of these architectures, each with the share of them that computes it."""
    counts: dict[Architecture, int] = {}
    for one in architectures:
        if space.is_connected(one):
            cheapest = space.simplify(one)
            counts[cheapest] = counts.get(cheapest, 0) + 1
    if not counts:
        raise SearchError(
            f"none of {len(architectures)} architectures of {space.name} connects its input to its output"
        )
    return described(space, tuple(counts), np.array(list(counts.values())) / len(architectures))


def described(
    space: Space, architectures: tuple[Architecture, ...], shares: Float[np.ndarray, " architectures"]
) -> Candidates:
    """Candidates with all that their structure says of them."""
    size = normal_scores(space.relative_cost(architectures))
    shortcut = (space.shortest_path(architectures) == 0).astype(float)
    return Candidates(architectures, coordinates(space, architectures), size, shortcut, shares, size)
