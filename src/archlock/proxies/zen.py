"""Expressivity of a network: how much its features move when its input does.

Paper: Lin, Wang, Sun, Chen, Sun, Qian, Li, Jin, "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition",
ICCV 2021, algorithm 1 and eq. 5.
"""

import math
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.proxies.gradients import BLIND
from archlock.proxies.layers import BATCH_NORMS, NORMALISATIONS, WEIGHT_LAYERS
from archlock.proxies.proxy import Proxy
from archlock.proxies.workbench import Workbench
from archlock.seeding import derive_seed

NOISE: Final = 0.01
"""Size of the input's perturbation (alpha in the paper)."""
REPEATS: Final = 2
"""Draws that are averaged (the paper uses 32; with 2, two seeds rank NAS-Bench-201 cells alike, at 0.99)."""

_POOLINGS: Final = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_PASSIVE: Final = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.Flatten)


class Zen(Proxy):
    """log of the mean over images of the 1-norm of f(x + 0.01 e) - f(x), plus the sum over batch norms of log s.

    f is the feature map before global pooling, x and e are Gaussian noise of the shape of the first batch's images, all
    weights are sampled from N(0, 1) (normalisations are reset), and s is the root of the channel mean of the batch
    variance that a batch norm meets for x, which undoes its rescaling. The value therefore depends on the architecture
    and the seed alone, not on the model's weights. Deviations: s is taken for x itself where the released code reads
    half-updated running statistics; 2 draws instead of 32.

    The feature map is what enters the last adaptive pooling module; without one, the last image-shaped output of a
    module that is no container; for a model whose output is an image, the output. A batch norm that runs counts even
    if its branch is dead.
    """

    name = "zen"
    paper = "Lin et al., Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition, ICCV 2021"
    unit = "log of a feature distance"
    cost = "forward"

    def score(self, bench: Workbench) -> float:
        """Mean over the draws."""
        chance = torch.Generator().manual_seed(derive_seed(bench.seed, "zen"))
        return sum(self._once(bench, chance) for _ in range(REPEATS)) / REPEATS

    def _once(self, bench: Workbench, chance: torch.Generator) -> float:
        model = bench.model()
        like = bench.batch().images
        clean, noise = (torch.randn(like.shape, generator=chance).to(like) for _ in range(2))
        with torch.no_grad():
            redraw(model, chance)
            before, scales = features(model, clean)
            after, _ = features(model, clean + NOISE * noise)
        distance = float((after.double() - before.double()).abs().flatten(1).sum(dim=1).mean())
        if distance == 0:
            raise MeasurementError(BLIND)
        return math.log(distance) + sum(scales)


def redraw(model: nn.Module, chance: torch.Generator) -> None:
    """Draw layer weights from N(0, 1), in place; biases become 0, normalisations the identity map."""
    for module in model.modules():
        if isinstance(module, WEIGHT_LAYERS):
            module.weight.copy_(torch.randn(module.weight.shape, generator=chance))
        elif isinstance(module, NORMALISATIONS) and getattr(module, "weight", None) is not None:
            module.get_parameter("weight").fill_(1.0)
        else:
            continue
        if getattr(module, "bias", None) is not None:
            module.get_parameter("bias").fill_(0.0)


def features(model: nn.Module, images: Tensor) -> tuple[Tensor, list[float]]:
    """The feature map before global pooling (see :class:`Zen`), and the log of what each batch norm divided by."""
    watch = _Watch()
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, BATCH_NORMS):
                hooks.enter_context(module.register_forward_pre_hook(watch.on_batch_norm))
            if not any(True for _ in module.children()):
                hooks.enter_context(module.register_forward_hook(watch.on_leaf))
        outputs: Tensor = model(images)
    found = watch.pooled if watch.pooled is not None else watch.candidate
    return outputs if outputs.dim() == 4 or found is None else found, watch.log_scales


class _Watch:
    """Notes candidates for the feature map, and the scales of batch norms, in a forward pass."""

    def __init__(self) -> None:
        self.candidate: Tensor | None = None
        self.pooled: Tensor | None = None
        self.log_scales: list[float] = []

    def on_batch_norm(self, _module: nn.Module, arguments: tuple[Any, ...]) -> None:
        (values,) = arguments
        axes = [axis for axis in range(values.dim()) if axis != 1]
        centred = values - values.mean(dim=axes, keepdim=True)
        mean_variance = float(centred.square_().mean(dtype=torch.float64))
        self.log_scales.append(math.log(mean_variance) / 2 if mean_variance > 0 else -math.inf)

    def on_leaf(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if isinstance(module, _POOLINGS):
            self.pooled = arguments[0].clone()
        elif isinstance(output, Tensor) and output.dim() == 4 and not isinstance(module, _PASSIVE):
            self.candidate = output
