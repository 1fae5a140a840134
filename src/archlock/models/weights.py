"""Weights on disk, as safetensors: nothing in such a file can execute code when it is read."""

from pathlib import Path

import safetensors.torch
from torch import nn

from archlock.errors import RunError
from archlock.records import write_atomic


def save_weights(model: nn.Module, path: Path) -> Path:
    """Write the state of a model as safetensors, atomically, in the default memory layout."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    return write_atomic(path, safetensors.torch.save(state))


def load_weights(model: nn.Module, path: Path) -> nn.Module:
    """Fill a model from a safetensors file; one that is damaged or of another network raises RunError."""
    try:
        state = safetensors.torch.load_file(path)
        model.load_state_dict(state)
    except FileNotFoundError:
        raise RunError(f"{path} is missing; expected the weights of a trained model there") from None
    except Exception as error:  # (the library raises a dozen types on damaged files)
        reason = str(error).strip().splitlines()[0]
        raise RunError(f"{path} does not hold the weights of this network: {reason}") from error
    return model
