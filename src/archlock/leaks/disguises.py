"""What a disguised model was before: the labels that a reader is taught and judged by who knows of disguises.

A disguise is no secret: whoever reads may own the tool, and teaches a reader on networks that they disguised
themselves. Of each operator they know what it stands for, or that it is a decoy.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from archlock.leaks.operators import DECOY, Operator, convolution_operator
from archlock.models import Convolution, Disguised


@contextmanager
def before_disguise(module: nn.Module) -> Iterator[Callable[[], Operator | None]]:
    """While a model runs: a function that says what the operator of now stands for; None outside of disguises."""
    now: list[Operator] = []

    def entering(operator: Operator) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            now.append(operator)

        return enter

    def leave(*_: Any) -> None:
        now.pop()

    handles = []
    for disguise in [one for one in module.modules() if isinstance(one, Disguised)]:
        true, decoy = true_operator(disguise.true), Operator(DECOY, disguise.true.channels_out)
        for part in disguise.modules():
            operator = true if part is disguise.working else decoy
            handles += [part.register_forward_pre_hook(entering(operator)), part.register_forward_hook(leave)]
    try:
        yield lambda: now[-1] if now else None
    finally:
        for handle in handles:
            handle.remove()


def true_operator(layer: Convolution) -> Operator:
    """The operator that a convolution was before it was disguised."""
    of_one = layer.channels_in == layer.groups
    return convolution_operator(layer.kernel, layer.stride, layer.groups, layer.channels_out, of_one=of_one)
