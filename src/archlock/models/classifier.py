"""A classifier as two parts: a body that makes features, and a linear head that makes logits of them.

Any module becomes one (``taking_apart``): its own heads are taken out, and what arrived at them is the features. So
what the model answers is ``head(features)`` by construction, in evaluation and in training mode.
"""

from collections.abc import Callable
from typing import Final, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import UnsupportedError

Reading = Literal["mean", "first", "whole"]
"""How what arrives at a head becomes one row of features per image: the mean over all places, the first token alone, or
all numbers of the map (a convolution whose kernel covers it)."""


class Classifier(nn.Module):
    """Images in [0, 1], N x C x H x W, to logits, N x outputs: ``head(body(images))``."""

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        """``body`` returns features, N x ``head.in_features``."""
        super().__init__()
        self.body, self.head = body, head

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Logits."""
        logits: Tensor = self.head(self.body(images))
        return logits


class Side(nn.Module):
    """Bodies side by side, each on the same images; returns the features of them all."""

    def __init__(self, bodies: list[nn.Module]) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """The features of every body, one after the other."""
        return torch.cat([body(images) for body in self.bodies], 1)


class Tap(nn.Module):
    """Stands where a head was: keeps what arrives, and hands on zeros in the shape of the head's answer."""

    def __init__(self, outputs: int, reading: Reading, *, convolution: bool) -> None:
        super().__init__()
        self.outputs, self.reading, self.convolution = outputs, reading, convolution
        self.arrived: Tensor | None = None

    def forward(self, given: Tensor) -> Tensor:
        """Zeros; a second call before the features are taken raises UnsupportedError."""
        if self.arrived is not None:
            raise UnsupportedError("the head is used twice for one answer, so there is no one row of features")
        self.arrived = given
        if not self.convolution:
            return given.new_zeros(*given.shape[:-1], self.outputs)
        places = (1, 1) if self.reading == "whole" else given.shape[2:]
        return given.new_zeros(len(given), self.outputs, *places)

    def features(self) -> Float[Tensor, "n features"]:
        """What arrived, one row per image."""
        if self.arrived is None:
            raise UnsupportedError("the head is not used, or not in this mode, so what it would get is not known")
        return READINGS[self.reading](self.arrived.movedim(1, -1) if self.convolution else self.arrived)


class Tapped(nn.Module):
    """The body of anybody's model: the model with taps for heads; returns what arrives at them, side by side."""

    def __init__(self, model: nn.Module, taps: tuple[str, ...]) -> None:
        """``taps`` names the submodules that are a :class:`Tap`; the empty name is the model itself."""
        super().__init__()
        self.model, self.taps = model, taps

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Features; whatever the model answers beside them is left."""
        taps = [self._tap(name) for name in self.taps]
        try:
            self.model(images)
            return torch.cat([tap.features() for tap in taps], 1)
        finally:
            for tap in taps:
                tap.arrived = None  # (else a copy of the model would be one of the graph, too)

    def _tap(self, name: str) -> Tap:
        found = self.model.get_submodule(name)
        assert isinstance(found, Tap)
        return found


READINGS: Final[dict[Reading, Callable[[Tensor], Tensor]]] = {
    "mean": lambda given: given if given.ndim == 2 else given.flatten(1, -2).mean(1),
    "first": lambda given: given.flatten(1, -2)[:, 0],
    "whole": lambda given: given.movedim(-1, 1).flatten(1),
}
"""Of N x (places x) channels, N rows."""
