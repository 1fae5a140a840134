"""Networks of NAS-Bench-Macro (Su et al., CVPR 2021): inverted bottlenecks in three groups, any width and resolution.

Convolutions have no bias, every one is followed by batch normalisation, rectifiers are plain ReLU. Published: width 32
(the stem's channels), depth 1, images of 32 x 32: parameters, and multiply-adds without normalisation, are then those
of the benchmark's file. Images are reduced eight times in each direction, sizes rounded up.

``group_width`` is our reading of the secure variant of DeepPeep (Jha et al., JETC 2020; its text could not be had):
convolutions in groups of so many channels, as in E2GC (Jha et al., VLSID 2020, same authors), where the design has one
kernel a channel. A variant of the network, no architecture of the space: codes and recorded values are of width 1.
"""

from typing import Final

from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.models.chain import Chain, Part, network_of
from archlock.models.network import Network
from archlock.models.operations import ConvolutionNorm
from archlock.spaces import Architecture, MacroLayer, macro_layers
from archlock.tasks import Signature

TAIL: Final = 40
"""Channels before the head, in multiples of the stem's."""


class InvertedBottleneck(nn.Module):
    """1x1 to more channels, one kernel a channel, 1x1 back; added to the input where the shape is the same.

    From MobileNetV2 (Sandler et al., CVPR 2018).
    """

    def __init__(
        self, channels_in: int, channels_out: int, stride: int, *, kernel: int, expansion: int, group_width: int = 1
    ) -> None:
        super().__init__()
        hidden = expansion * channels_in
        if hidden % group_width:
            raise ConfigurationError(
                f"groups of {group_width} channels do not divide {hidden} (expansion {expansion} of {channels_in}); "
                f"give a width that is a multiple of {group_width}, or narrower groups"
            )
        self.residual = stride == 1 and channels_in == channels_out
        self.expand = ConvolutionNorm(channels_in, hidden, 1)
        self.relu_a = nn.ReLU()
        self.depthwise = ConvolutionNorm(hidden, hidden, kernel, stride, groups=hidden // group_width)
        self.relu_b = nn.ReLU()
        self.project = ConvolutionNorm(hidden, channels_out, 1)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        hidden = self.relu_b(self.depthwise(self.relu_a(self.expand(images))))
        result: Tensor = self.project(hidden)
        return images + result if self.residual else result


def mobilenet_macro(
    architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool, group_width: int = 1
) -> Network:
    """Stem of ``width`` channels, groups of 2, 4 and 8 times as many, 40 times as many before the head; total stride 8.

    Every digit stands for ``depth`` layers of its kind, of which the first makes the change. There is nothing to
    ``prune``: an identity that changes nothing is not built at all. With a ``group_width`` above 1 kernels are of
    groups of so many channels and not of one each; where that does not divide the channels: ConfigurationError.
    """
    del prune
    chain = mobilenet_macro_chain(architecture, signature, width=width, depth=depth, group_width=group_width)
    return network_of(chain, architecture, signature)


def mobilenet_macro_chain(
    architecture: Architecture, signature: Signature, *, width: int, depth: int, group_width: int = 1
) -> Chain:
    """Its parts."""
    layers: list[Part] = []
    channels = width
    for layer in macro_layers(architecture, depth=depth):
        layers.append(Part(_module, (layer, channels, layer.multiple * width, group_width)))
        channels = layer.multiple * width
    stem = Part(_rectified, (signature.shape[0], width, 3))
    return Chain(stem, tuple(layers), Part(_rectified, (channels, TAIL * width, 1)), TAIL * width, 8)


def _rectified(channels_in: int, channels_out: int, kernel: int) -> nn.Module:
    return nn.Sequential(ConvolutionNorm(channels_in, channels_out, kernel), nn.ReLU())


def _module(layer: MacroLayer, channels_in: int, channels_out: int, group_width: int) -> nn.Module:
    if layer.expansion == 0:
        return ConvolutionNorm(channels_in, channels_out, layer.kernel, layer.stride)
    return InvertedBottleneck(
        channels_in,
        channels_out,
        layer.stride,
        kernel=layer.kernel,
        expansion=layer.expansion,
        group_width=group_width,
    )
