"""Where proxies look at a model without touching it, and where what several of them need is computed once.

The model itself never runs: every look runs a private copy that is first put back to the model's weights and buffers,
in training mode, under private random generators that start from the seed each time. So a look gives the same numbers
whoever asked before, and nothing is left behind. (State that a module keeps outside its parameters and buffers is
copied once and not put back.)
"""

import math
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from functools import cached_property

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.proxies.cells import CellShape, cells
from archlock.proxies.gradients import BLIND
from archlock.proxies.image_passes import ImagePart, ImagePasses, image_passes
from archlock.proxies.loss_pass import ALL_PARTS, LossPart, LossPass, loss_pass
from archlock.proxies.private_copy import private_copy
from archlock.proxies.topology import topology
from archlock.seeding import derive_seed
from archlock.tasks import Kind
from archlock.training import Batch


class Workbench:
    """A model and its batches, laid out for measuring. All passes are lazy, cached, and must run ``undisturbed()``."""

    def __init__(self, model: nn.Module, batches: Sequence[Batch], *, seed: int) -> None:
        if not batches or any(len(batch) == 0 for batch in batches):
            sizes = [len(batch) for batch in batches]
            raise ConfigurationError(f"proxies need batches with at least one image each; got batches of {sizes}")
        self.seed = seed
        self._model = model
        self._batches = tuple(batches)
        self._needs: frozenset[LossPart] = frozenset()
        self._image_needs: frozenset[ImagePart] = frozenset()
        self._loss_passes: dict[int, LossPass] = {}
        self._image_passes: ImagePasses | None = None

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def kind(self) -> Kind:
        """Kind of the task, as the batches say."""
        return self._batches[0].kind

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Gradients on and no autocast, whatever the caller does; the global random generators are put back."""
        device = self._place.device
        with (
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            torch.autocast(device.type, enabled=False),
            torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        ):
            yield

    @property
    def original(self) -> nn.Module:
        """The model itself: to be read, never run or changed."""
        return self._model

    def model(self, precision: torch.dtype | None = None) -> nn.Module:
        """The private copy with the model's weights and buffers: training mode, all floating parameters
        differentiable, no gradients, channels last, in the model's precision unless another one is given. It may be
        run and changed until the next call.

        Who adds hooks or sets attributes takes them away again. The random generators (dropout and the like) restart
        from the seed.
        """
        private, parameters, buffers = self._private
        for parameter, given in parameters:
            parameter.data = _copied(given, precision)
            parameter.grad = None
            parameter.requires_grad_(parameter.is_floating_point())
        for module, name, buffer in buffers:
            setattr(module, name, _copied(buffer, precision))
        seed = derive_seed(self.seed, "proxies")
        torch.default_generator.manual_seed(seed)
        if self._place.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        return private.train()

    def batch(self, index: int = 0) -> Batch:
        """A private copy of a batch on the model's device and, for images, in the model's precision."""
        given = self._batches[index]
        images = self._moved(given.images)
        floating = given.targets.is_floating_point()
        targets = self._moved(given.targets) if floating else given.targets.to(self._place.device)
        return Batch(images, targets, given.kind)

    def expect(self, needs: Set[LossPart], image_needs: Set[ImagePart]) -> None:
        """Say beforehand what will be asked of the first batch, so that one pass answers all of it."""
        self._needs |= needs
        self._image_needs |= image_needs

    def loss_pass(self, index: int = 0, needs: Set[LossPart] = ALL_PARTS) -> LossPass:
        """The parts of the pass on a batch that are needed; all of it is run again if they were not expected.

        A constant predictor raises :class:`MeasurementError` (the Jacobian alone does not tell).
        """
        found = self._loss_passes.get(index)
        if found is None or not needs <= found.parts:
            asked = needs | (self._needs if index == 0 else frozenset()) | (found.parts if found else frozenset())
            found = self._loss_passes[index] = self._run(index, needs, asked)
        if needs != {"jacobian"} and not found.sees_images:
            raise MeasurementError(BLIND)
        return found

    def _run(self, index: int, needs: Set[LossPart], asked: Set[LossPart]) -> LossPass:
        try:
            return loss_pass(self.model(), self.batch(index), asked)
        except RuntimeError:
            if needs == asked:
                raise
        return loss_pass(self.model(), self.batch(index), needs)  # another part failed, not these

    def codes(self, part: LossPart) -> LossPass:
        """The pass with the rectifiers' codes; MeasurementError where there are none that mean anything."""
        found = self.loss_pass(needs={part})
        if not math.isfinite(found.loss):
            raise MeasurementError(f"its loss is {found.loss}, so its codes mean nothing")
        if found.rectifiers == 0:
            raise MeasurementError("it has no rectifier module (nn.ReLU and its kin) that the output depends on")
        return found

    @property
    def input_jacobian(self) -> Float64[Tensor, "examples pixels"]:
        """Gradient of the sum of all outputs with respect to each image of the first batch, on the CPU in float64.

        An image on which the output does not depend raises :class:`MeasurementError`.
        """
        rows = self.loss_pass(needs={"jacobian"}).jacobian
        if not bool(rows.any(dim=1).all()):
            raise MeasurementError(BLIND)
        return rows

    def image_passes(self, part: ImagePart) -> ImagePasses:
        """A part of what one pass for every image of the first batch finds.

        A constant predictor raises :class:`MeasurementError`.
        """
        found = self._image_passes
        if found is None or part not in found.parts:
            asked = {part} | self._image_needs | (found.parts if found else frozenset())
            found = self._image_passes = image_passes(self.model(), self.batch(), asked)
        if not found.sees_images:
            raise MeasurementError(BLIND)
        return found

    @cached_property
    def cells(self) -> tuple[CellShape, ...]:
        """The model's cells, as the formulas of its topology want them (see ``cells``)."""
        return cells(topology(self.model(), self.batch()))

    @cached_property
    def _private(
        self,
    ) -> tuple[nn.Module, list[tuple[nn.Parameter, nn.Parameter]], list[tuple[nn.Module, str, Tensor]]]:
        """The copy, its parameters with those of the model, and its buffers' places with the model's buffers."""
        private = private_copy(self._model)
        parameters = list(zip(private.parameters(), self._model.parameters(), strict=True))
        pairs = zip(private.modules(), self._model.modules(), strict=True)
        buffers = [(own, name, buffer) for own, given in pairs for name, buffer in given.named_buffers(recurse=False)]
        return private, parameters, buffers

    @property
    def _place(self) -> Tensor:
        """A tensor that lies where, and is as precise as, the model's weights (the images, if it has none)."""
        floating = (p for p in self._model.parameters() if p.is_floating_point())
        return next(floating, self._batches[0].images)

    def _moved(self, images: Tensor) -> Tensor:
        return images.detach().to(self._place, copy=True, memory_format=torch.preserve_format)


def _copied(tensor: Tensor, precision: torch.dtype | None) -> Tensor:
    layout = torch.channels_last if tensor.dim() == 4 else torch.preserve_format
    kind = precision if precision is not None and tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to(kind, copy=True, memory_format=layout)
