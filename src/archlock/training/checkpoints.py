"""The state of a training on disk, and whose it is. Nothing in such a file can execute code when it is read."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlock.records import write_atomic


def save_state(path: Path, identity: str, state: Mapping[str, Any]) -> None:
    """Write the state (tensors, numbers, texts, lists, dictionaries) of the training of that identity, atomically."""
    stream = io.BytesIO()
    torch.save({"identity": identity, **state}, stream)
    write_atomic(path, stream.getvalue())


def load_state(path: Path, identity: str, *, device: str) -> dict[str, Any] | None:
    """The state that was written; None if there is none, if it is damaged, or if it is of another training."""
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception:
        return None
    return state if isinstance(state, dict) and state.get("identity") == identity else None


def digest(model: nn.Module) -> str:
    """Identity of a model's structure and weights, so that a checkpoint is never taken up by another training."""
    found = hashlib.sha256(repr(model).encode())
    for name, value in model.state_dict().items():
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
