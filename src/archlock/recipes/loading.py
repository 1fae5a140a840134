"""A model of ours back from its folder, ready to answer."""

from pathlib import Path

from torch import nn

from archlock.recipes.edited import EDITED, open_edited
from archlock.recipes.export import load as load_released


def load(path: str | Path) -> nn.Module:
    """The locked model of a run directory, or an edited network, in evaluation mode.

    It takes float32 images in [0, 1], N x C x H x W (or signals in the units of the data, N x C x L), and returns
    logits (normalisation is its first layer). An edited network that only your own code can build is opened by
    ``open_model`` with its ``factory``.
    """
    folder = Path(path)
    if (folder / EDITED).exists():
        return open_edited(folder, factory=None, arguments={}).module
    return load_released(folder)
