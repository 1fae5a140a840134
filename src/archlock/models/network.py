"""The network that every builder returns: normalisation, stem, cells, tail, head."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.spaces import Architecture
from archlock.tasks import KINDS, Signature


class Normalise(nn.Module):
    """Images (in the units of the mean) to zero mean and unit deviation by channel; both are buffers."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(-1, 1, 1))

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The normalised images."""
        return (images - self.mean) / self.std


class DenseDecoder(nn.Module):
    """Linear decoder: a 1x1 convolution says all pixels of a patch, a pixel shuffle lays them out, excess is cut.

    Of signals a patch is one row.
    """

    def __init__(
        self, features: int, outputs: int, stride: int, size: tuple[int, int], *, one_row: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.size, self.one_row = stride, size, one_row
        self.patch = (1, stride) if one_row else (stride, stride)
        self.linear = nn.Conv2d(features, outputs * self.patch[0] * self.patch[1], 1)

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """N x outputs x the size given at birth, which the maps times the stride must cover."""
        (height, width), said = self.size, self.linear(maps)
        if self.one_row:
            count, _, _, across = said.shape
            cut = said.reshape(count, -1, self.stride, across).transpose(2, 3)
            laid: Tensor = cut.reshape(count, -1, 1, self.stride * across)
        else:
            laid = F.pixel_shuffle(said, self.stride)
        return laid[..., :height, :width]

    def patches(self, targets: Float[Tensor, "n d y x"], places: tuple[int, int]) -> Float[Tensor, "n patch h w"]:
        """What the linear layer should say at each of the places (h x w), for images of the size given at birth.

        A patch that reaches over the edge is filled up with the edge pixels.
        """
        more = [n * step - side for n, step, side in zip(places, self.patch, self.size, strict=True)]
        filled = F.pad(targets, (0, more[1], 0, more[0]), mode="replicate")
        if self.one_row:
            count, channels, _, across = filled.shape
            cut = filled.reshape(count, channels, across // self.stride, self.stride).transpose(2, 3)
            return cut.reshape(count, channels * self.stride, 1, across // self.stride)
        return F.pixel_unshuffle(filled, self.stride)


class Network(nn.Module):
    """A model of ours. Takes float32 images, N x C x H x W: in [0, 1], or where they are measured in their own units.

    Signals are N x C x 1 x L; without the row, N x C x L, they are taken as well. ``head`` is an ``nn.Linear`` on
    globally averaged features for classification (returns logits, N x outputs), or a :class:`DenseDecoder` for a dense
    task (returns N x outputs x H x W in the units of the image).
    """

    def __init__(
        self,
        architecture: Architecture,
        signature: Signature,
        body: tuple[nn.Module, nn.Module, nn.Module],
        *,
        features: int,
        stride: int,
    ) -> None:
        """``body`` is stem, cells and tail; it ends in ``features`` channels at a ``stride``-th of the resolution."""
        super().__init__()
        self.architecture, self.signature = architecture, signature
        self.features, self.stride = features, stride
        self.normalise = Normalise(signature.mean, signature.std)
        self.stem, self.cells, self.tail = body
        self.head = head_for(signature, features, stride)

    def forward(
        self, images: Float[Tensor, "n c h w"] | Float[Tensor, "n c length"]
    ) -> Float[Tensor, "n outputs"] | Float[Tensor, "n outputs y x"]:
        """Logits, or an image per example for a dense task."""
        if images.ndim == 3 and self.signature.form == "signal":
            images = images[:, :, None]
        maps = self.tail(self.cells(self.stem(self.normalise(images))))
        result: Tensor = self.head(maps if isinstance(self.head, DenseDecoder) else maps.mean((2, 3)))
        return result


def head_for(signature: Signature, features: int, stride: int) -> nn.Linear | DenseDecoder:
    """Head of a network that ends in so many features at that stride."""
    if KINDS[signature.kind].dense:
        one_row = signature.form == "signal"
        return DenseDecoder(features, signature.outputs, stride, signature.shape[1:], one_row=one_row)
    return nn.Linear(features, signature.outputs)


def check(signature: Signature, width: int, depth: int) -> None:
    """A width, depth or signature that no network can have raises :class:`ConfigurationError`."""
    if width < 1 or depth < 1:
        raise ConfigurationError(f"width and depth of a model must be at least 1; got width {width}, depth {depth}")
    channels = signature.shape[0]
    if not channels == len(signature.mean) == len(signature.std):
        raise ConfigurationError(
            f"a signature needs one mean and one std per channel: images have {channels} channels, but there are "
            f"{len(signature.mean)} means and {len(signature.std)} stds"
        )
