"""How models are disguised: chances of tricks, and disguises sampled by them, of a model and of networks that teach."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import nn

from archlock.errors import ConfigurationError
from archlock.leaks.recording import Recording, Shape
from archlock.models import MANOEUVRES, Disguise, Fold, Trick, convolutions_of, followed, restructured
from archlock.records import fingerprint

DIGITS: Final = 4
"""Of chances, so that they are read as they were written."""


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely a trick is at a convolution where it fits."""

    trick: Trick
    chance: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Chances of tricks; normalisation is folded always. Born valid (else ConfigurationError)."""

    chances: tuple[Chance, ...] = ()

    def __post_init__(self) -> None:
        for name in {one.trick.manoeuvre for one in self.chances}:
            own = [one.chance for one in self.chances if one.trick.manoeuvre == name]
            if min(own) < 0 or sum(own) > 1 + 1e-9:
                raise ConfigurationError(f"chances of {name} are at least 0 and at most 1 in all; got {own}")

    @property
    def fingerprint(self) -> str:
        """The same for the same chances."""
        return fingerprint(self)

    def of(self, trick: Trick) -> float:
        """The chance of a trick; 0 for one that is not among them."""
        return next((one.chance for one in self.chances if one.trick == trick), 0.0)

    def scaled(self, factor: float) -> "Policy":
        """With all chances so many times as large (a factor of at most 1)."""
        return Policy(tuple(replace(one, chance=round(one.chance * factor, DIGITS)) for one in self.chances))


def even_policy(manoeuvres: Sequence[str], chance: float) -> Policy:
    """Every manoeuvre at every convolution with that chance, each of its tricks as likely."""
    every = [(trick, len(MANOEUVRES[name].tricks)) for name in manoeuvres for trick in MANOEUVRES[name].tricks]
    return Policy(tuple(Chance(trick, chance / count) for trick, count in every))


def sampled_disguise(
    policy: Policy, model: nn.Module, names: Sequence[str], rng: np.random.Generator
) -> tuple[Disguise, ...]:
    """Disguises of the named convolutions of a model, which stays as it is; those of which nothing came are left
    out."""
    found = []
    for name in names:
        layer = deepcopy(model.get_submodule(name)).to("meta")
        row: tuple[nn.Module, ...] = (layer,)
        tricks: list[Trick] = []
        for manoeuvre in MANOEUVRES.values():
            at = float(rng.random())
            for trick in manoeuvre.options(row):
                at -= policy.of(trick)
                if at < 0:
                    row = manoeuvre.apply(row, trick)
                    tricks.append(trick)
                    break
        if tricks:
            found.append(Disguise(name, tuple(tricks)))
    return tuple(found)


def in_disguise(network: nn.Module, policy: Policy, shape: Shape, rng: np.random.Generator) -> nn.Module:
    """A random network as the policy would hide it, in place: structure alone, its numbers mean as little as before."""
    with torch.no_grad():
        folds = [Fold(layer, norm) for layer, norm in followed(network.eval(), torch.zeros(1, *shape))]
    folded = restructured(network, folds)
    return restructured(folded, sampled_disguise(policy, folded, convolutions_of(folded), rng))


def learned(
    policy: Policy, plans: Sequence[Sequence[Disguise]], model: nn.Module, names: Sequence[str], rate: float
) -> Policy:
    """The policy after what good plans have in common (cross-entropy method, Rubinstein 1999): chances move so far
    towards how often each trick was taken where it fits the convolution as it was."""
    taken = [trick for plan in plans for one in plan for trick in one.tricks]
    fits: list[Trick] = []
    for name in names:
        row = (model.get_submodule(name),)
        fits += [trick for manoeuvre in MANOEUVRES.values() for trick in manoeuvre.options(row)]
    moved = []
    for one in policy.chances:
        places = len(plans) * fits.count(one.trick)
        often = min(1.0, taken.count(one.trick) / places) if places else one.chance
        moved.append(replace(one, chance=round((1 - rate) * one.chance + rate * often, DIGITS)))
    return Policy(_within(moved))


def as_from_arena(recording: Recording) -> Recording:
    """What is seen where every allocation is a block of the largest size, given back at the end. Simulated."""
    count = len(recording.sizes)
    return replace(recording, sizes=(max(recording.sizes),) * count, held=(0,) * count)


def _within(chances: Sequence[Chance]) -> tuple[Chance, ...]:
    """Chances of each manoeuvre scaled down where they are more than 1 in all."""
    sums: dict[str, float] = {}
    for one in chances:
        sums[one.trick.manoeuvre] = sums.get(one.trick.manoeuvre, 0.0) + one.chance
    return tuple(replace(one, chance=one.chance / max(1.0, sums[one.trick.manoeuvre])) for one in chances)
