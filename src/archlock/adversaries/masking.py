"""Signs that a model hides its gradient instead of being robust: pure functions of what was measured.

The signs are those of Athalye, Carlini, Wagner, "Obfuscated gradients give a false sense of security", ICML 2018,
section 3.1. Not here: adversaries that undo it, so a masked model's figures are upper bounds and nothing more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from archlock.adversaries.looking import HUGE, Look

MANY: Final = 0.01
"""Share of the attacked images that the weaker adversary may beat alone, before it is a sign."""
FEW: Final = 2
"""Fewer images than this are no sign of anything."""
SILENT: Final = 0.05
"""Share of the images without a gradient that is a sign."""
FLAT: Final = 0.1
"""Share of images, above what is possible, that a huge epsilon may leave."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was looked for."""

    name: str
    share: float
    """Of the images that were attacked or looked at."""
    limit: float
    """The share above which it is a sign."""
    seen: bool
    words: str
    """What was found, as a sentence."""


def signs_of_masking(
    look: Look,
    beaten: Mapping[str, np.ndarray],
    epsilons: int,
    *,
    blind: Collection[str],
    one_step: Collection[str],
) -> tuple[Sign, ...]:
    """What speaks for masked gradients.

    ``beaten`` has of each adversary at which of so many ``epsilons`` each image was first beaten (1, 2, ...), of the
    images that the model is right about; ``blind`` and ``one_step`` name adversaries that see no gradient, and those
    that take one step. What was not measured gives no sign.
    """
    signs = [_silent(look)] if look.looked_at else []
    if look.left_at_huge is not None:
        signs.append(_flat(look))
    climbing = [name for name in beaten if name not in blind]
    patient = [name for name in climbing if name not in one_step]
    asking = [name for name in beaten if name in blind]
    quick = [name for name in climbing if name in one_step]
    for name, weak, strong, words in (
        (
            "black box stronger",
            asking,
            climbing,
            "an adversary that sees no gradient beats {} that no gradient leads to",
        ),
        ("one step stronger", quick, patient, "one step along the gradient beats {} that many steps do not"),
    ):
        if weak and strong:
            share, count = _alone(beaten, weak, strong, epsilons)
            seen = share > MANY and count >= FEW
            signs.append(Sign(name, share, MANY, seen, words.format(f"{count} image{'' if count == 1 else 's'}")))
    return tuple(signs)


def _silent(look: Look) -> Sign:
    words = f"{look.silent:.1%} of the {look.looked_at} images that were looked at have no gradient at all"
    return Sign("silent gradient", look.silent, SILENT, look.silent > SILENT, words)


def _flat(look: Look) -> Sign:
    assert look.left_at_huge is not None
    limit = look.possible_at_huge + FLAT
    words = (
        f"within an epsilon of {HUGE:g}, where every image may become the same grey, the model is still right about "
        f"{look.left_at_huge:.1%} after following its gradient; {look.possible_at_huge:.1%} are possible"
    )
    return Sign("no fall at a huge epsilon", look.left_at_huge, limit, look.left_at_huge > limit, words)


def _alone(
    beaten: Mapping[str, np.ndarray], weak: Collection[str], strong: Collection[str], epsilons: int
) -> tuple[float, int]:
    """Most images, over epsilons, that one of the weak beats and none of the strong; as a share and a number."""
    first = {kind: np.minimum.reduce([beaten[name] for name in names]) for kind, names in (("w", weak), ("s", strong))}
    counts = [int(((first["w"] <= place) & (first["s"] > place)).sum()) for place in range(1, epsilons + 1)]
    most = max(counts, default=0)
    return most / max(1, len(first["w"])), most
