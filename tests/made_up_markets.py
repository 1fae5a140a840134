"""Small markets with known values, for tests: candidates without a table, and a space far too large to enumerate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from archlock.recipes.engine.market import Ask, Bought, Candidates, Kind
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space
from archlock.spaces.architecture import Traits


def made_up_candidates(count: int, *, shares: np.ndarray | None = None, seed: int = 0) -> Candidates:
    """Candidates on four coordinates; the first one is the size, every third has an open shortcut."""
    places = np.random.default_rng(seed).normal(size=(count, 4)) / 2
    size = (places[:, 0] - places[:, 0].mean()) / places[:, 0].std()
    return Candidates(
        tuple(Architecture("made_up", f"{row:06d}") for row in range(count)),
        places,
        size,
        (np.arange(count) % 3 == 0).astype(float),
        np.full(count, 1 / count) if shares is None else shares,
        size,
    )


@dataclass(eq=False)
class MadeUpMarket:
    """Values by task and row that many trainings would bring; a training adds noise, and short ones are worse."""

    candidates: Candidates
    worth: np.ndarray
    """Tasks by candidates; the source first."""
    full: int
    short: int = 0
    noise: float = 0.0
    known: bool = True
    repeatable: bool = True
    failing: frozenset[int] = frozenset()
    told_noise: float | None = None
    """What it says of its noise; None: the truth."""
    asks: list[Ask] = field(default_factory=list)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(f"t{task}" for task in range(1, len(self.worth)))

    def left(self, kind: Kind) -> int:
        return (self.full if kind == "full" else self.short) - len(self.bought(kind))

    def bought(self, kind: Kind) -> list[int]:
        """Rows, as often as they were bought, in order."""
        return [row for ask in self.asks if ask.kind == kind for row in ask.rows.tolist()]

    def buy(self, ask: Ask) -> Bought:
        assert 0 < len(ask.rows) <= self.left(ask.kind), "no more is bought than is left"
        known = [pair for one in self.asks if one.kind == ask.kind for pair in _pairs(one)]
        assert len({*known, *_pairs(ask)}) == len(known) + len(ask.rows), "nothing is bought twice"
        self.asks.append(ask)
        values = np.stack([self._train(ask.kind, row, number) for row, number in _pairs(ask)], axis=1)
        noise = self.noise if self.told_noise is None else self.told_noise
        return Bought(values, np.full(len(self.worth), np.nan if ask.kind == "short" else noise))

    def _train(self, kind: Kind, row: int, number: int) -> np.ndarray:
        if row in self.failing:
            return np.full(len(self.worth), np.nan)
        luck = rng_for(0, kind, str(row), str(number)).standard_normal(len(self.worth))
        worse, noise = (5.0, 2 * self.noise) if kind == "short" else (0.0, self.noise)
        return self.worth[:, row] - worse + noise * luck


def _pairs(ask: Ask) -> list[tuple[int, int]]:
    return list(zip(ask.rows.tolist(), ask.numbers.tolist(), strict=True))


def smooth_market(
    count: int, full: int, *, others: int = 1, own: float = 0.1, seed: int = 0, **more: object
) -> MadeUpMarket:
    """Size is good everywhere; the second coordinate is good on the source and bad on every other task."""
    candidates = made_up_candidates(count, seed=seed)
    places, rng = candidates.places, np.random.default_rng(seed + 1)
    source = 70 + 4 * places[:, 0] + 3 * places[:, 1]
    targets = [50 + 4 * places[:, 0] - 3 * places[:, 1] + task * places[:, 2] for task in range(others)]
    worth = np.stack([source, *targets]) + own * rng.standard_normal((1 + others, count))
    return MadeUpMarket(candidates, worth, full, **more)


class HugeSpace(Space):
    """A million million architectures: twelve digits, of which the last says nothing; none is ever enumerated."""

    name = "made_up"

    def __len__(self) -> int:
        return 10**12

    def enumerate(self) -> Iterator[Architecture]:
        raise AssertionError("nobody enumerates a space of this size")

    def architecture(self, code: str) -> Architecture:
        return Architecture(self.name, code)

    def parse(self, text: str) -> Architecture:
        return self.architecture(text)

    def official_string(self, architecture: Architecture) -> str:
        return architecture.code

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self.architecture("".join(str(digit) for digit in rng.integers(0, 10, 12)))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        raise NotImplementedError

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        raise NotImplementedError

    def canonicalise(self, architecture: Architecture) -> Architecture:
        return architecture

    def simplify(self, architecture: Architecture) -> Architecture:
        return self.architecture(architecture.code[:-1] + "0")

    def is_connected(self, architecture: Architecture) -> bool:
        return architecture.code[0] != "0"

    def encode(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return np.array([[float(digit) for digit in one.code] for one in architectures])

    def features(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.encode(architectures)

    def relative_cost(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.encode(architectures).sum(axis=1)

    def shortest_path(self, architectures: Sequence[Architecture]) -> np.ndarray:
        return self.encode(architectures)[:, 1]

    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        raise NotImplementedError

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        raise NotImplementedError
