"""What a zero-cost proxy is: a number read off an untrained model and one or two batches, higher is better.

A proxy knows nothing of our spaces: it takes any ``nn.Module`` that maps float images in [0, 1] to logits (or, for a
dense task, to images). :meth:`Proxy.measure` is the same for all of them and keeps the promises; a member only says
how its score is read off a :class:`~archlock.proxies.workbench.Workbench`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, final

from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.proxies.image_passes import ImagePart
from archlock.proxies.loss_pass import LossPart
from archlock.proxies.workbench import Workbench
from archlock.tasks import EVERY_KIND, Kind
from archlock.training import Batch

Cost = Literal["counts", "forward", "backward", "second_order"]
"""What a measurement takes: next to nothing, forward passes, forward and backward passes, or second derivatives."""


class Proxy(ABC):
    """A zero-cost proxy. Members are stateless; one instance serves everybody.

    **Constant predictors.** A model whose output does not depend on its images (a disconnected cell) has no value
    under any proxy that looks at more than sizes and weights: it raises :class:`MeasurementError`. The proxies of cost
    "counts" do not look at connections and give it a finite value like any other.
    """

    name: ClassVar[str]
    """Name in the catalog ``archlock.proxies.PROXIES``."""
    paper: ClassVar[str]
    """Authors, title, venue; "-" for mere counts."""
    unit: ClassVar[str]
    """What the number counts, in words."""
    cost: ClassVar[Cost]
    batches: ClassVar[int] = 1
    """How many batches are used; more may be given, and the first ones are taken."""
    kinds: ClassVar[frozenset[Kind]] = EVERY_KIND
    needs: ClassVar[frozenset[LossPart]] = frozenset()
    """The parts it needs of the loss pass of the first batch; proxies that name them share the pass."""
    image_needs: ClassVar[frozenset[ImagePart]] = frozenset()
    """The parts it needs of the passes for single images; likewise."""

    def supports(self, kind: Kind) -> bool:
        """Whether the proxy has a meaning for tasks of this kind."""
        return kind in self.kinds

    @final
    def measure(self, model: nn.Module, batches: Sequence[Batch], *, seed: int) -> float:
        """The proxy's value of a model, a finite float; higher is better.

        ``batches`` are ``self.batches`` batches or more. The model is measured in training mode (batch statistics)
        whatever its mode, on its own device and in its own precision, and is left untouched: weights, gradients,
        modes, hooks, statistics, ``requires_grad``; so are the global random generators and the batches. The value
        depends on weights, batches and seed alone, bit for bit for the same number of torch threads.

        Raises UnsupportedError for a kind of task that the proxy has no meaning for, ConfigurationError for too few
        batches, and MeasurementError, with the proxy's name, where there is no finite value.
        """
        bench = Workbench(model, batches[: self.batches], seed=seed)
        bench.expect(self.needs, self.image_needs)
        return self.measure_on(bench)

    @final
    def measure_on(self, bench: Workbench) -> float:
        """As :meth:`measure`, on a workbench that several proxies share."""
        if len(bench) < self.batches:
            raise ConfigurationError(f"{self.name} needs {self.batches} batches, got {len(bench)}; give more batches")
        if not self.supports(bench.kind):
            known = ", ".join(sorted(self.kinds))
            raise UnsupportedError(f"{self.name} has no meaning for a {bench.kind} task; it supports: {known}")
        try:
            with bench.undisturbed():
                value = float(self.score(bench))
        except (MeasurementError, RuntimeError, ValueError) as error:
            raise MeasurementError(f"{self.name} has no value for this model: {error}") from error
        if not math.isfinite(value):
            raise MeasurementError(
                f"{self.name} has no value for this model: expected a finite number, got {value}; look for an "
                "activation or gradient that overflows or vanishes"
            )
        return value

    @abstractmethod
    def score(self, bench: Workbench) -> float:
        """The formula. A value that is not finite may be returned; :meth:`measure` refuses it."""
