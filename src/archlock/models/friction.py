"""The same function in a form that hinders plain fine-tuning: the reverse of ``rebalancing``, by the same means.

Normalisation is folded into the layers before it, channels are rescaled at random where all that take them can make up
for it, and the features before the head are projected to the directions that the head looks at. Nothing of what the
model knows goes away, and whoever knows what was done undoes it with unlabelled images. What can be done is not read
from the model's code but tried (see :mod:`~archlock.models.exact_edits`).
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models.edits import Edit, Fold, Neck, Rescale, neck_of, necked
from archlock.models.exact_edits import TOLERANCE, TRIED_ON, fold, given_to_layers, scale_channels
from archlock.models.heads import TAPPED, linear_head
from archlock.models.taking_apart import Headed
from archlock.models.tracing import Norm, body_layers
from archlock.seeding import derive_seed

SPREAD: Final = 1.5
"""Standard deviation of the logarithm of the scales of channels."""
NEGLIGIBLE: Final = 1e-7
"""Directions of the head with a singular value below this share of the largest make no difference to an answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Hindered:
    """A model that computes what the given one does, and what was done to it."""

    model: Headed
    """In evaluation mode."""
    edits: tuple[Edit, ...]
    left: tuple[str, ...]
    """What could not be done, and why, in sentences."""
    difference: float
    """Largest difference of an answer, as a share of the largest answer, on the images that were given."""


def hindered(model: Headed, images: Float[Tensor, "n c h w"], *, spread: float = SPREAD, seed: int) -> Hindered:
    """A copy that answers the same on ``images`` (up to 1e-4 of the largest answer), hard to fine-tune as it stands.

    The model is left as it was. Scales are exp(``spread`` * normal), from the seed; where single precision cannot bear
    them, half of the spread is tried, and a quarter. A model to which nothing can be done raises
    :class:`~archlock.errors.UnsupportedError` with the reasons, answers that are not finite
    :class:`~archlock.errors.MeasurementError`.
    """
    given = deepcopy(model).eval()
    parameter = next(given.parameters(), torch.zeros(()))
    images = images.to(parameter.device, parameter.dtype)
    with torch.no_grad():
        wanted = given(images)
        if not torch.isfinite(wanted).all():
            raise MeasurementError("the answers of the model are not finite numbers; its training has diverged")
        for tried in (spread, spread / 2, spread / 4):
            copy, edits, left = _edited(deepcopy(given), images[:TRIED_ON], tried, seed)
            if not edits:
                raise UnsupportedError(f"nothing can be done to this model without changing its answers: {_all(left)}")
            apart = float((copy(images) - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))
            if apart <= TOLERANCE:
                return Hindered(copy, edits, left, apart)
    raise MeasurementError(
        f"the edited model answers otherwise than the given one, by {apart:.2g} of the largest answer (at most "
        f"{TOLERANCE:g} are taken for rounding); give a smaller spread of the scales than {spread:g}"
    )


def _edited(model: Headed, few: Tensor, spread: float, seed: int) -> tuple[Headed, tuple[Edit, ...], tuple[str, ...]]:
    """The model after all that can be done to it, in place; what was done, and why the rest was not."""
    left = []
    folds = [Fold(layer, norm) for layer, norm in fold(model, few)]
    if kept := _normalisations(model):
        left.append(
            f"what is left of {kept} is not folded: only a BatchNorm that takes the answer of one layer as it is works "
            "the same for every image"
        )
    rescaled = [Rescale(name, takers) for name, takers in _rescaled(model, few, spread, seed).items()] if spread else []
    if not rescaled:
        left.append(
            "no channels are rescaled: between every layer and those that take its channels stands a sum, a "
            "normalisation or an activation that is not positively homogeneous"
        )
    model, width = _narrowed(model)
    if width is None:
        head = linear_head(model)
        left.append(
            f"the features are not narrowed: the head looks at all the {head.in_features} directions that they have"
        )
    return model, (*folds, *rescaled, *([Neck(width)] if width else [])), tuple(left)


def _rescaled(model: Headed, few: Tensor, spread: float, seed: int) -> dict[str, tuple[str, ...]]:
    """Rescale the channels of every layer where that changes no answer, in place; who takes them, by layer."""
    answer, given = given_to_layers(model, few)
    found = {}
    for name in body_layers(model, few):
        weight = model.get_submodule(name).weight
        assert isinstance(weight, Tensor)
        numbers = torch.Generator().manual_seed(derive_seed(seed, "friction", name))
        scale = (spread * torch.randn(len(weight), generator=numbers)).exp().to(weight)
        if takers := scale_channels(model, name, scale, few, given, answer):
            found[name] = takers
    return found


def _narrowed(model: Headed) -> tuple[Headed, int | None]:
    """The model with no more features than its head has directions; None where the head uses all of them.

    W f = (U S) (V f) with W = U S V: the neck is V, orthonormal, and the head is what is left.
    """
    old = linear_head(model)
    left, values, right = torch.linalg.svd(old.weight.double(), full_matrices=False)
    width = int((values > NEGLIGIBLE * values[0]).sum())
    if not 0 < width < old.in_features:
        return model, None
    bias = None if old.bias is None else old.bias.clone()
    model = necked(model, width)
    neck, head = neck_of(model), linear_head(model)
    neck.weight.copy_(right[:width].reshape(neck.weight.shape))
    head.weight.copy_(left[:, :width] * values[:width])
    if bias is not None:
        head.bias.copy_(bias)
    return model, width


def _normalisations(model: nn.Module) -> str:
    """Kinds of normalisation that are left in a model, in words; empty where there are none."""
    kinds = (*Norm.__args__, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.InstanceNorm2d)
    found = sorted({type(part).__name__ for part in model.modules() if isinstance(part, kinds)})
    return " and ".join(found)


def _all(left: tuple[str, ...]) -> str:
    return "; ".join(left).replace(TAPPED, "")
