"""NAS-Bench-Macro (Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021).

MobileNetV2-style networks of eight layers, 3^8 = 6,561 codes. Digits: 0 identity, 1 inverted bottleneck with a 3x3
kernel and expansion 3, 2 the same with a 5x5 kernel and expansion 6. The layers stand in groups of two, three and
three; the first of a group halves the resolution and changes the channels, so that an identity there is a 1x1
convolution. Any other identity is nothing at all: where identities stand behind the first layer of a group does not
matter, and the codes are 3,969 functions. A network of identities alone is a valid one (45 % on CIFAR-10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.spaces.architecture import Architecture, Traits
from archlock.spaces.digit_space import DigitSpace
from archlock.spaces.pairs import pair_products

GROUPS: Final = (2, 3, 3)
"""Layers of each group; the first of a group has stride 2."""
CHANNELS: Final = (2, 4, 8)
"""Channels of each group, in multiples of the stem's."""
KERNELS: Final = {"1": 3, "2": 5}
EXPANSIONS: Final = {"1": 3, "2": 6}
FIRSTS: Final = tuple(accumulate((0, *GROUPS[:-1])))
"""Places of the first layers of the groups."""
STEM: Final = 32
"""Published channels of the stem, for which costs are counted."""
_WORDS: Final = ("identity", "MBConv 3x3 expansion 3", "MBConv 5x5 expansion 6")


@dataclass(frozen=True, slots=True)
class MacroLayer:
    """A layer that is there: an inverted bottleneck, or a 1x1 convolution where ``expansion`` is 0."""

    kernel: int
    expansion: int
    multiple: int
    """Channels that it makes, in multiples of the stem's."""
    stride: int


def macro_layers(code: str, *, depth: int = 1) -> tuple[MacroLayer, ...]:
    """The layers of a code in order; every digit stands for ``depth`` of them, of which the first makes the change.

    An identity that changes nothing is left out.
    """
    found = []
    for first, count, multiple in zip(FIRSTS, GROUPS, CHANNELS, strict=True):
        for place in range(first, first + count):
            for repeat in range(depth):
                stride = 2 if place == first and repeat == 0 else 1
                digit = code[place]
                if digit != "0":
                    found.append(MacroLayer(KERNELS[digit], EXPANSIONS[digit], multiple, stride))
                elif stride > 1:
                    found.append(MacroLayer(1, 0, multiple, stride))
    return tuple(found)


def layer_macs(digit: str, channels_in: int, channels_out: int, pixels_in: int, pixels_out: int) -> int:
    """Multiply-adds of a layer without its normalisations; of an identity as if it changed something."""
    if digit == "0":
        return channels_in * channels_out * pixels_out
    hidden = EXPANSIONS[digit] * channels_in
    return hidden * (channels_in * pixels_in + (KERNELS[digit] ** 2 + channels_out) * pixels_out)


def _costs() -> Float[np.ndarray, "places digits"]:
    """Millions of multiply-adds of every layer at the published width and 32 x 32 pixels."""
    found = np.zeros((sum(GROUPS), 3))
    channels, pixels = STEM, 32 * 32
    for group, first in enumerate(FIRSTS):
        for place in range(first, first + GROUPS[group]):
            begins = place == first
            wider, fewer = (CHANNELS[group] * STEM, pixels // 4) if begins else (channels, pixels)
            for digit in range(3):
                if begins or digit:
                    found[place, digit] = layer_macs(str(digit), channels, wider, pixels, fewer) / 1e6
            channels, pixels = wider, fewer
    return found


COSTS: Final = _costs()


class MobileNetMacro(DigitSpace):
    """All codes of eight digits."""

    name = "mobilenet_macro"
    places = sum(GROUPS)
    alphabet = "012"

    def describe_code(self) -> str:
        """What a code looks like."""
        return f"{self.places} digits from 0 to 2 such as '02012100' or '{self.name}:02012100'"

    def read_official(self, text: str) -> str | None:  # noqa: ARG002
        """None: the benchmark's file knows an architecture by its code."""
        return None

    def layers(self, architecture: Architecture, *, depth: int = 1) -> tuple[MacroLayer, ...]:
        """The layers that are built; see :func:`macro_layers`."""
        return macro_layers(self.code(architecture), depth=depth)

    def official_string(self, architecture: Architecture) -> str:
        """The code itself, as in the benchmark's file."""
        return self.code(architecture)

    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The same function with the smallest code: behind the first layer of a group, identities stand first.

        The benchmark records one accuracy for all codes of a function.
        """
        code = self.code(architecture)
        parts = [code[first : first + layers] for first, layers in zip(FIRSTS, GROUPS, strict=True)]
        moved = (part[0] + part[1:].replace("0", "").rjust(len(part) - 1, "0") for part in parts)
        return Architecture(self.name, "".join(moved))

    def simplify(self, architecture: Architecture) -> Architecture:
        """The same as :meth:`canonicalise`: all codes of a function cost the same."""
        return self.canonicalise(architecture)

    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code, products of the indicators of every two places, counts and cost: the same for one function.

        Then how often each digit is there in each group, and the logarithm of the multiply-adds.
        """
        digits = self.digits([self.canonicalise(one) for one in architectures])
        one_hot = np.eye(len(self.alphabet))[digits]
        counts = [one_hot[:, first : first + layers].sum(axis=1) for first, layers in zip(FIRSTS, GROUPS, strict=True)]
        cost = np.log(self.relative_cost(architectures))[:, None]
        flat = one_hot.reshape(len(digits), self.places * len(self.alphabet))
        return np.concatenate([flat, pair_products(one_hot), *counts, cost], axis=1)

    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Millions of multiply-adds of the eight layers at the published width (32) and 32 x 32 pixels."""
        digits = self.digits(architectures)
        return np.asarray(COSTS[np.arange(self.places), digits].sum(axis=1))

    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """One convolution for an identity that begins a group, three for a bottleneck there; all others are passed."""
        firsts = self.digits(architectures)[:, list(FIRSTS)]
        return np.asarray(np.where(firsts == 0, 1.0, 3.0).sum(axis=1))

    def choice_names(self) -> tuple[str, ...]:
        """The choices in words, place by place."""
        return tuple(f"{word} at place {place}" for place in range(1, self.places + 1) for word in _WORDS)

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """How many layers of each kind, how deep each group is, and the cost."""
        digits = self.digits(architectures)
        present = (digits > 0) | np.isin(np.arange(self.places), FIRSTS)
        columns = {
            **{f"number of {word}": (digits == digit).sum(axis=1) for digit, word in enumerate(_WORDS)},
            **{
                f"layers of group {group + 1}": present[:, first : first + GROUPS[group]].sum(axis=1)
                for group, first in enumerate(FIRSTS)
            },
            "convolutions on the shortest path": self.shortest_path(architectures),
            "cost (million multiply-adds)": self.relative_cost(architectures),
        }
        return Traits(tuple(columns), np.stack([np.asarray(c, dtype=float) for c in columns.values()], axis=1))


mobilenet_macro = MobileNetMacro()
