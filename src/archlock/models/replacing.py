"""Put another submodule in the place of one."""

from torch import nn


def put(model: nn.Module, name: str, new: nn.Module) -> nn.Module:
    """The model with another submodule in place of the named one, under all of its names; in place but for the root."""
    if not name:
        return new
    old = model.get_submodule(name)
    for place, module in list(model.named_modules(remove_duplicate=False)):
        if module is old:
            parent, _, child = place.rpartition(".")
            setattr(model.get_submodule(parent), child, new)
    return model
