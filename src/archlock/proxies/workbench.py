"""Where proxies look at a model without touching it, and where what several of them need is computed once.

The model itself never runs: every look runs a fresh private copy, in training mode, under private random generators
that start from the seed each time. So a look gives the same numbers whoever asks first, and nothing is left behind.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.proxies.gradients import BLIND, gradients
from archlock.proxies.loss_pass import LossPass, loss_pass
from archlock.seeding import derive_seed
from archlock.tasks import Kind
from archlock.training import Batch


class Workbench:
    """A model and its batches, laid out for measuring. All looks are lazy, cached, and must run ``undisturbed()``."""

    def __init__(self, model: nn.Module, batches: Sequence[Batch], *, seed: int) -> None:
        if not batches or any(len(batch) == 0 for batch in batches):
            sizes = [len(batch) for batch in batches]
            raise ConfigurationError(f"proxies need batches with at least one image each; got batches of {sizes}")
        self.seed = seed
        self._model = model
        self._batches = tuple(batches)
        self._loss_passes: dict[int, LossPass] = {}

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def kind(self) -> Kind:
        """Kind of the task, told by the targets: float images are dense, integers are classes."""
        return "dense" if self._batches[0].targets.is_floating_point() else "classification"

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Gradients on, whatever the caller's mode, and the global random generators put back afterwards."""
        device = self._place.device
        with (
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        ):
            yield

    def fresh_model(self) -> nn.Module:
        """A private copy in training mode, all floating parameters differentiable, no gradients, channels last.

        Also restarts the random generators (dropout and the like) from the seed.
        """
        fresh = copy.deepcopy(self._model).train()
        for parameter in fresh.parameters():
            parameter.grad = None
            parameter.requires_grad_(parameter.is_floating_point())
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        seed = derive_seed(self.seed, "proxies")
        torch.default_generator.manual_seed(seed)
        if self._place.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        return fresh

    def batch(self, index: int = 0) -> Batch:
        """A private copy of a batch on the model's device and, for images, in the model's precision."""
        given = self._batches[index]
        images = self._moved(given.images)
        targets = self._moved(given.targets) if self.kind == "dense" else given.targets.to(self._place.device)
        return Batch(images, targets)

    def loss_pass(self, index: int = 0) -> LossPass:
        """Everything that one forward and backward pass of the task's loss on a batch tells.

        A constant predictor raises :class:`MeasurementError`.
        """
        if index not in self._loss_passes:
            self._loss_passes[index] = loss_pass(self.fresh_model(), self.batch(index))
        found = self._loss_passes[index]
        if not found.sees_images:
            raise MeasurementError(BLIND)
        return found

    @cached_property
    def input_jacobian(self) -> Float64[Tensor, "examples pixels"]:
        """Gradient of the sum of all outputs with respect to each image of the first batch, on the CPU in float64.

        An image on which the output does not depend raises :class:`MeasurementError`.
        """
        images = self.batch().images.requires_grad_()
        outputs = self.fresh_model()(images)
        (gradient,) = gradients(outputs.sum(), [images])
        rows = gradient.flatten(1).double().cpu()
        if not bool(rows.any(dim=1).all()):
            raise MeasurementError(BLIND)
        return rows

    @property
    def _place(self) -> Tensor:
        """A tensor that lies where, and is as precise as, the model's weights (the images, if it has none)."""
        floating = (p for p in self._model.parameters() if p.is_floating_point())
        return next(floating, self._batches[0].images)

    def _moved(self, images: Tensor) -> Tensor:
        return images.detach().to(self._place, copy=True, memory_format=torch.preserve_format)
