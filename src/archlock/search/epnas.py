"""A policy that changes architectures step by step, and a predictor that screens what it proposes.

After EPNAS (Zhou, Wang, Arik, Yu, Zawad, Yan, Diamos, BMVC 2019) and RENA (Zhou, Ebrahimi, Arik and others, 2018): an
episode is a few transforms of a known architecture, the policy that chooses them learns by REINFORCE (Williams
1992), a predictor of what comes out saves evaluations, and several limits enter as p^V, with V what is overstepped.
Code and full figures of the papers could not be had, so this is their design and not a copy. Deviations: one hidden
layer and not a recurrent network reads the architecture (codes are short here); the predictor is extremely randomised
trees (Geurts, Ernst and Wehenkel 2006), fitted again before every batch; rewards are ranks, so that their scale does
not matter; a child that oversteps a limit is not evaluated at all unless limits are soft.

What it is good for, on NAS-Bench-201 by validation after 12 epochs, mean test accuracy of what 20 seeds find and its
deviation; what oversteps the limit is bought by none of them:

===========================  ==============  ==============  ================================
strategy                     300 trainings   100 trainings   100, at most 0.4 M parameters
===========================  ==============  ==============  ================================
epnas                        94.37 +- .00    94.04 +- .21    93.17 +- .15
without the policy           94.00 +- .24    93.92 +- .26    93.05 +- .25
without the predictor        94.31 +- .14    93.90 +- .27    93.11 +- .11
regularised evolution        94.28 +- .24    94.16 +- .27    93.18 +- .24
random sampling              94.06 +- .22    93.89 +- .25    92.99 +- .44
===========================  ==============  ==============  ================================

The cell that is best by this evidence tests at 94.37, and under the limit at 93.30. So in long searches every run finds
it, and in short ones plain evolution is as good or better: differences below .1 are noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import ConfigurationError
from archlock.search.limits import Overshoot, overshoot_of, smallest_within
from archlock.search.objective import Judgement
from archlock.search.policy import Episode, Policy, Step
from archlock.search.strategy import Strategy
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import Architecture, Space


@dataclass(frozen=True, slots=True)
class EpnasSettings:
    """Every constant. Born valid (else ConfigurationError)."""

    batch: int = 8
    """Architectures that are asked for at once."""
    proposals: int = 4
    """Episodes for each of them, of which the predictor lets the best pass."""
    longest: int = 6
    """Transforms of an episode are two to so many."""
    warm_up: int = 16
    """Evaluations without which nothing is predicted: until then the first proposals pass."""
    promising: int = 20
    """Every other batch goes on from one of so many best known architectures, the others from the smallest one."""
    penalty: float = 0.5
    """p in p^V."""
    hard: bool = True
    """What oversteps the limits is never asked for; otherwise it only counts less."""
    rate: float = 3e-3
    entropy: float = 1e-3
    trees: int = 60
    policy: bool = True
    """False, an ablation: proposals are random architectures."""
    predictor: bool = True
    """False, an ablation: as many episodes as evaluations, nothing is screened."""

    def __post_init__(self) -> None:
        counts = {name: getattr(self, name) for name in ("batch", "proposals", "warm_up", "promising", "trees")}
        wrong = {name: count for name, count in counts.items() if count < 1}
        if wrong or self.longest < 2 or not 0 < self.penalty < 1 or self.rate <= 0 or self.entropy < 0:
            raise ConfigurationError(
                "epnas needs counts of at least 1, episodes of at least 2 transforms, a penalty between 0 and 1, a "
                f"rate above 0 and an entropy of at least 0; got {self}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What was judged: keys as :meth:`Judgement.keys` makes them, and what is overstepped."""

    architecture: Architecture
    key: tuple[float, float]
    over: float


@dataclass(frozen=True, slots=True, eq=False)
class _Proposal:
    steps: tuple[Step, ...]
    end: Architecture


class Epnas(Strategy):
    """Policy and predictor. Its whole state can be pickled: taken up again it asks the same as if never stopped."""

    def __init__(
        self, space: Space, *, limits: Overshoot | None = None, settings: EpnasSettings | None = None, seed: int
    ) -> None:
        """Limits that nothing in the space meets raise SearchError."""
        self.space = space
        self._limits = limits
        self._settings = settings or EpnasSettings()
        self._seed = seed
        self._rng = rng_for(seed, "epnas")
        self._smallest = smallest_within(space, limits if self._settings.hard else None, self._rng)
        self._policy = Policy(space.encode([self._smallest]).shape[1], self._rng, rate=self._settings.rate)
        self._known: dict[Architecture, _Known] = {}
        self._asked: tuple[_Proposal, ...] = ()
        self._rounds = 0

    def ask(self) -> Sequence[Architecture]:
        """The next batch, none of which was judged before; empty when nothing new is found within the limits."""
        settings = self._settings
        wanted = settings.batch * (settings.proposals if settings.predictor else 1)
        proposals = self._proposals(wanted)
        self._asked = tuple(proposals[row] for row in self._screened([one.end for one in proposals]))
        self._rounds += 1
        return tuple(one.end for one in self._asked)

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """The policy learns from what was judged of the last batch."""
        over = overshoot_of(self._limits, architectures)
        for one, key, missed in zip(architectures, judgement.keys(), over.tolist(), strict=True):
            self._known.setdefault(self.space.canonicalise(one), _Known(one, key, missed))
        if self._settings.policy:
            self._learn()

    def _proposals(self, wanted: int) -> list[_Proposal]:
        """So many different ones that are not known yet, as far as they are found."""
        found: dict[Architecture, _Proposal] = {}
        best = self._best()
        for attempt in range(20 * wanted):
            proposal = self._proposal(best, random=attempt >= 10 * wanted)
            end = self.space.canonicalise(proposal.end)
            if end in self._known or end in found:
                continue
            if self._settings.hard and overshoot_of(self._limits, [proposal.end])[0] > 0:
                continue
            found[end] = proposal
            if len(found) == wanted:
                break
        return list(found.values())

    def _proposal(self, best: Sequence[Architecture], *, random: bool) -> _Proposal:
        if random or not self._settings.policy:
            return _Proposal((), self.space.sample(self._rng))
        goes_on = self._rounds % 2 == 1 and bool(best)
        at = best[int(self._rng.integers(len(best)))] if goes_on else self._smallest
        steps: list[Step] = []
        for _ in range(int(self._rng.integers(2, self._settings.longest + 1))):
            neighbours = self.space.neighbours(at)
            if not neighbours:
                break
            state, *options = self.space.encode([at, *neighbours])
            chances = self._policy.chances(state, np.stack(options))
            chosen = int(self._rng.choice(len(neighbours), p=chances))
            steps.append(Step(state, np.stack(options), chosen))
            at = neighbours[chosen]
        return _Proposal(tuple(steps), at)

    def _screened(self, ends: Sequence[Architecture]) -> Int[np.ndarray, " chosen"]:
        """Positions of those that are asked for."""
        settings = self._settings
        if not settings.predictor or len(self._known) < settings.warm_up or not ends:
            return np.arange(min(settings.batch, len(ends)))
        from sklearn.ensemble import ExtraTreesRegressor

        known = [one.architecture for one in self._known.values()]
        chance = derive_seed(self._seed, "epnas", "trees", str(self._rounds)) % 2**32
        model = ExtraTreesRegressor(settings.trees, random_state=chance).fit(self.space.encode(known), self._quality())
        foretold = model.predict(self.space.encode(ends)) * settings.penalty ** overshoot_of(self._limits, ends)
        return np.asarray(np.argsort(-foretold, kind="stable")[: settings.batch])

    def _best(self) -> list[Architecture]:
        known = [one.architecture for one in self._known.values()]
        order = np.argsort(-self._quality(), kind="stable")[: self._settings.promising]
        return [known[row] for row in order]

    def _quality(self) -> Float[np.ndarray, " known"]:
        """Rank of everything that is known among its different values, from 0 to 1; 0 if all are equal."""
        keys = [one.key for one in self._known.values()]
        place = {key: row for row, key in enumerate(sorted(set(keys)))}
        return np.array([place[key] for key in keys], dtype=float) / max(len(place) - 1, 1)

    def _learn(self) -> None:
        """One step of REINFORCE; where all rewards are as expected there is nothing to learn, and the policy stays."""
        quality = dict(zip(self._known, self._quality().tolist(), strict=True))
        episodes = []
        for proposal in self._asked:
            end = self.space.canonicalise(proposal.end)
            if end in quality and proposal.steps:
                reward = quality[end] * self._settings.penalty ** self._known[end].over
                episodes.append(Episode(proposal.steps, self.space.encode([proposal.end])[0], reward))
        if not episodes:
            return
        rewards = np.array([one.reward for one in episodes])
        surprise = rewards - self._policy.values(np.stack([one.end for one in episodes]))
        spread = float(surprise.std())
        advantages = (surprise - surprise.mean()) / spread if spread > 0 else np.zeros(len(episodes))
        gradients = self._policy.gradients(tuple(episodes), advantages, entropy=self._settings.entropy)
        self._policy.step(gradients)


def epnas_without_policy(space: Space, *, limits: Overshoot | None = None, seed: int) -> Epnas:
    """An ablation: random architectures, screened by the predictor."""
    return Epnas(space, limits=limits, settings=EpnasSettings(policy=False), seed=seed)


def epnas_without_predictor(space: Space, *, limits: Overshoot | None = None, seed: int) -> Epnas:
    """An ablation: whatever the policy proposes is evaluated."""
    return Epnas(space, limits=limits, settings=EpnasSettings(predictor=False), seed=seed)


ABLATIONS: Final = ("epnas_without_policy", "epnas_without_predictor")
"""Names in the catalog of what is shown beside ``epnas``, as are random sampling and regularised evolution."""
