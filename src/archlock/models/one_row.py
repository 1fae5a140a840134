"""Networks for signals: convolutions and poolings of one row, where those for images have as many as columns.

An example of one row is all that a signal is, so of a 3 x 3 kernel only the middle row ever sees anything but padding:
a 1 x 3 kernel is the same function with a third of the weights and operations. One module is not the same:
:class:`~archlock.models.operations.FactorisedReduction` looks one pixel down and right with half of its channels, which
for a signal would be padding, and looks one step right instead.
"""

from torch import nn

from archlock.models.operations import FactorisedReduction
from archlock.tasks import Form


def as_built_for(form: Form, module: nn.Module) -> nn.Module:
    """The module for examples of that form: itself for images, with other parts in it for signals; weights are new."""
    return module if form == "image" else in_one_row(module)


def in_one_row(module: nn.Module) -> nn.Module:
    """The module with every part that looks at several rows replaced by one that looks at one."""
    if isinstance(module, nn.Conv2d):
        return _convolution(module)
    if isinstance(module, nn.AvgPool2d):
        return _pooling(module)
    if isinstance(module, FactorisedReduction):
        module.down = 0
    for name, part in list(module.named_children()):
        setattr(module, name, in_one_row(part))
    return module


def _convolution(part: nn.Conv2d) -> nn.Conv2d:
    return nn.Conv2d(
        part.in_channels,
        part.out_channels,
        (1, _across(part.kernel_size)),
        (1, _across(part.stride)),
        (0, _across(part.padding)),
        groups=part.groups,
        bias=part.bias is not None,
        device=part.weight.device,
    )


def _pooling(part: nn.AvgPool2d) -> nn.AvgPool2d:
    return nn.AvgPool2d(
        (1, _across(part.kernel_size)),
        (1, _across(part.stride)),
        (0, _across(part.padding)),
        ceil_mode=part.ceil_mode,
        count_include_pad=part.count_include_pad,
    )


def _across(size: object) -> int:
    """Of a number for both sides, or one for each, that of the width."""
    across = size[1] if isinstance(size, tuple) else size
    assert isinstance(across, int)
    return across
