"""Whether groups and blocks are exact: what is zero is removed, and one sees whether the answers stay.

One trial says it of all groups together, another of all blocks; where such a trial fails, its halves are tried, down
to the single one. So the label "exact" is always seen and never concluded. What fails when it is removed (a forward
pass that counts on the old size) cannot go, and is no group.
"""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import torch
from torch import Tensor, nn

from archlock.models.groups import Block, Fixed, Group, Structure
from archlock.models.narrowing import dropped, idle, narrowed, zeroed
from archlock.models.tracing import Norm
from archlock.seeding import rng_for

TOLERANCE: Final = 1e-5
"""Of how far answers are apart from image to image: what may be rounding."""
DOUBTFUL: Final = 1e-2
"""Up to here a difference may come of single precision; then double precision says."""
SHARE: Final = 0.25
"""Of the units of each group, which are zeroed and removed."""

Member = TypeVar("Member", Group, Block)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of removing what is zero."""

    difference: float
    """Of the answers, as a share of how far they are apart from image to image; infinite where it failed."""
    failure: str = ""


def labelled(model: nn.Module, structure: Structure, images: Tensor, *, seed: int = 0) -> Structure:
    """The structure with what was seen of every group and block; what cannot go is among what is fixed.

    Images are N x C x H x W, two or more. Batch normalisations take their statistics from them, so that answers differ
    in a network that was never trained, too.
    """
    lively = _lively(model, images)
    chosen = {
        group.name: sorted(
            rng_for(seed, "exactness", group.name).choice(group.units, _some(group.units), replace=False)
        )
        for group in structure.groups
    }

    def of_groups(members: Sequence[Group]) -> Trial:
        mine = {group.name: [int(one) for one in chosen[group.name]] for group in members}
        return tried(
            lively, lambda one: zeroed(one, structure, mine), lambda one: narrowed(one, structure, mine), images
        )

    def of_blocks(members: Sequence[Block]) -> Trial:
        names = [block.name for block in members]
        return tried(lively, lambda one: idle(one, names), lambda one: dropped(one, structure, names), images)

    expected = [group for group in structure.groups if not group.why]
    others = [group for group in structure.groups if group.why]
    seen = _apart(expected, of_groups) | {
        name: trial for one in others for name, trial in _apart([one], of_groups).items()
    }
    groups = tuple(_said_of(group, seen[group.name]) for group in structure.groups if not seen[group.name].failure)
    fails = [
        Fixed(layer, group.units, group.units, f"without some of them the forward pass fails ({trial.failure})")
        for group in structure.groups
        if (trial := seen[group.name]).failure
        for layer in group.layers
    ]
    seen_blocks = _apart(structure.blocks, of_blocks)
    blocks = tuple(
        _said_of(block, seen_blocks[block.name]) for block in structure.blocks if not seen_blocks[block.name].failure
    )
    fails += [
        Fixed(name, 0, 0, f"without it the forward pass fails ({trial.failure})")
        for name, trial in seen_blocks.items()
        if trial.failure
    ]
    return replace(structure, groups=groups, blocks=blocks, fixed=(*structure.fixed, *fails))


def tried(
    model: nn.Module,
    zero: Callable[[nn.Module], nn.Module],
    remove: Callable[[nn.Module], nn.Module],
    images: Tensor,
) -> Trial:
    """Zero and remove, in single precision, and in double where that leaves a doubt."""
    trial = Trial(0.0)
    for precise in (False, True):
        base = deepcopy(model).double() if precise else model
        given = images.double() if precise else images
        with torch.no_grad():
            wanted = _answer(zero(base), given)
            try:
                got = _answer(remove(zero(base)), given)
            except Exception as error:  # a stranger's module may raise anything
                return Trial(float("inf"), (str(error).strip() or type(error).__name__).splitlines()[0])
        if got.shape != wanted.shape:
            return Trial(float("inf"), f"it answers {tuple(got.shape)} instead of {tuple(wanted.shape)}")
        scale = float((wanted - wanted.mean(0)).abs().max()) or float(wanted.abs().max()) or 1.0
        difference = float((got - wanted).abs().max()) / scale
        trial = Trial(float("inf") if math.isnan(difference) else difference)
        if difference <= TOLERANCE or difference > DOUBTFUL:
            return trial
    return trial


def _apart(members: Sequence[Member], trial: Callable[[Sequence[Member]], Trial]) -> dict[str, Trial]:
    """Of every member what came of it: of all together where nothing changed, else of halves."""
    if not members:
        return {}
    found = trial(members)
    if len(members) == 1 or found.difference <= TOLERANCE:
        return dict.fromkeys((member.name for member in members), found)
    half = len(members) // 2
    return _apart(members[:half], trial) | _apart(members[half:], trial)


def _said_of(member: Member, trial: Trial) -> Member:
    if trial.difference <= TOLERANCE:
        return replace(member, exact=True, why="")
    seen = f"answers differ by {trial.difference:.1%} of what they differ by from image to image"
    return replace(member, exact=False, why=f"{member.why}: {seen}" if member.why else seen)


def _some(units: int) -> int:
    return max(1, round(SHARE * units))


def _lively(model: nn.Module, images: Tensor) -> nn.Module:
    """A copy in evaluation mode whose batch normalisations have the statistics of the images."""
    copy = deepcopy(model).eval().float()
    norms = [part for part in copy.modules() if isinstance(part, Norm) and part.running_var is not None]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    try:
        with torch.no_grad():
            _answer(copy, images)
    except ValueError:  # (one value a channel has no statistics)
        return deepcopy(model).eval().float()
    return copy.eval()


def _answer(model: nn.Module, images: Tensor) -> Tensor:
    said = model(images)
    found = getattr(said, "logits", said)
    found = found[0] if isinstance(found, tuple) else found
    assert isinstance(found, Tensor)
    return found
