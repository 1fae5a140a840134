"""The feature maps of a forward pass: how much memory they need at once, and how many bytes go back and forth.

A forward pass is a list of :class:`Step` s, one for each tensor that is made. A runtime that plans its memory keeps a
tensor from the step that makes it to the last one that reads it, and lets an element-wise step write over what it reads
where nothing else will read that. Batch normalisation right after a convolution is folded into it and makes no tensor.
What a convolution needs as work space depends on the runtime and is not counted, nor are weights.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

_NORMS: Final = ("batch_norm",)
_CONVOLUTIONS: Final = ("convolution",)


@dataclass(frozen=True, slots=True)
class Step:
    """One tensor that a forward pass makes; the first is the image."""

    size: int
    """Bytes."""
    reads: tuple[int, ...] = ()
    """Numbers of the steps whose tensors it reads, each once."""
    elementwise: bool = False
    """Whether it may write over one of them of its own size."""


def peak_bytes(steps: Sequence[Step]) -> int:
    """The most bytes that tensors take at once, over the steps in their order."""
    last = {read: number for number, step in enumerate(steps) for read in step.reads}
    held: dict[int, int] = {}
    peak = 0
    for number, step in enumerate(steps):
        over = next(
            (r for r in step.reads if step.elementwise and last[r] == number and steps[r].size == step.size), None
        )
        if over is not None:
            held.pop(over)
        held[number] = step.size
        peak = max(peak, sum(held.values()))
        for over_now in (*step.reads, number):
            if last.get(over_now, number) == number:
                held.pop(over_now, None)
    return peak


def moved_bytes(steps: Iterable[Step]) -> int:
    """Bytes of what all steps read and write, the image's own making left out."""
    steps = tuple(steps)
    return sum(step.size + sum(steps[read].size for read in step.reads) for step in steps if step.reads)


def steps_of(module: nn.Module, shape: tuple[int, int, int]) -> tuple[Step, ...]:
    """The steps of one forward pass on one image of shape (channels, height, width), by watching it on zeros.

    In evaluation mode; the module is left untouched. What is a view of another tensor is no step.
    """
    modes = {one: one.training for one in module.modules()}
    parameter = next(module.parameters(), torch.zeros(()))
    image = torch.zeros(1, *shape, device=parameter.device, dtype=parameter.dtype)
    watcher = _Watcher(image)
    try:
        module.eval()
        with torch.no_grad(), watcher:
            module(image)
    finally:
        for one, training in modes.items():
            one.training = training
    return tuple(watcher.steps)


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation on tensors that come from the image."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps = [Step(_bytes_of(image))]
        self._made_by: WeakKeyDictionary[Any, int] = WeakKeyDictionary({image.untyped_storage(): 0})
        self._convolved: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, and note what it read and made."""
        made = func(*args, **(kwargs or {}))
        reads = tuple(dict.fromkeys(self._numbers(tree_flatten((args, kwargs or {}))[0])))
        if not reads:
            return made
        name = func._schema.name
        for tensor in tree_flatten(made)[0]:
            if not isinstance(tensor, Tensor) or tensor.numel() == 0:
                continue
            in_place = self._known(tensor)
            if in_place and not func._schema.is_mutable:  # a view
                continue
            is_norm = any(word in name for word in _NORMS)
            if is_norm and reads[0] in self._convolved:
                number = reads[0]
            else:
                elementwise = is_norm or in_place or torch.Tag.pointwise in func.tags
                self.steps.append(Step(_bytes_of(tensor), reads, elementwise))
                number = len(self.steps) - 1
                if any(word in name for word in _CONVOLUTIONS):
                    self._convolved.add(number)
            self._made_by[tensor.untyped_storage()] = number
        return made

    def _known(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage() in self._made_by

    def _numbers(self, values: Iterable[Any]) -> Iterable[int]:
        for value in values:
            if isinstance(value, Tensor) and self._known(value):
                yield self._made_by[value.untyped_storage()]


def _bytes_of(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
