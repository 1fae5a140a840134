"""The channels of a layer: which weights make one, and which take one."""

from torch import Tensor, nn

from archlock.models.tracing import Layer, Norm


def affine(norm: Norm) -> tuple[Tensor, Tensor]:
    """What a normalisation does in evaluation mode: scale and shift of each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt() * (1.0 if norm.weight is None else norm.weight)
    return scale, (0.0 if norm.bias is None else norm.bias) - norm.running_mean * scale


def readers(layer: Layer, column: int) -> tuple[int, int, int]:
    """Which rows of the weight take a column of the input: the first, their number, and their place for it."""
    if isinstance(layer, nn.Linear):
        return 0, layer.out_features, column
    width, rows = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return column // width * rows, rows, column % width


def inputs(layer: Layer, row: int) -> list[int]:
    """The columns that a channel is made of."""
    if isinstance(layer, nn.Linear):
        return list(range(layer.in_features))
    width, rows = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return list(range(row // rows * width, (row // rows + 1) * width))


def column_sizes(layer: Layer) -> Tensor:
    """The largest size of the weights of each column of the input."""
    if isinstance(layer, nn.Linear):
        return layer.weight.abs().amax(0)
    grouped = layer.weight.abs().flatten(2).amax(2).reshape(layer.groups, -1, layer.in_channels // layer.groups)
    return grouped.amax(1).flatten()
