"""What autograd's graph tells of a model: which links are alive, in which order, and where its weight layers are.

A few images run forward, and the loss runs back to them. A link of the graph is alive if any gradient passes through
it, so dead branches and products with zero are no links, whoever wrote the ``forward``. What cells there are in such a
graph is said in ``cells``.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.proxies.gradients import BLIND, gradients
from archlock.proxies.layers import WEIGHT_LAYERS
from archlock.training import Batch, loss_of

IMAGES: Final = 8
"""Images that run at most; batch statistics need more than one."""


@dataclass(frozen=True, slots=True)
class Link:
    """One node of the graph reads another."""

    source: Any
    channels: int


@dataclass(frozen=True, slots=True)
class Layer:
    """What a weight layer makes: channels, and links to the channels that it reads."""

    channels: int
    links: int


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """The live part of a graph. Nodes are autograd's own."""

    order: tuple[Any, ...]
    """Every node after all that it reads."""
    links: dict[Any, list[Link]]
    """What a node reads; sources that are not in the order are the images."""
    layers: dict[Any, Layer]
    """The nodes that are the outputs of weight layers."""


def topology(model: nn.Module, batch: Batch) -> Topology:
    """The live graph of a private model.

    A constant predictor raises MeasurementError. UnsupportedError is raised where the graph does not tell the layers:
    no weight layer lies on a live path (weights used without a layer's module), or a layer runs unseen (scripted code,
    reentrant checkpoints).
    """
    layers: dict[Any, Layer] = {}

    def note(module: nn.Module, _arguments: Any, output: Tensor) -> None:
        if output.grad_fn is None:
            raise UnsupportedError(
                f"a {type(module).__name__} runs where autograd does not see it, so the model's topology cannot be "
                "read; run its layers with gradients on (no reentrant checkpoints, no no_grad)"
            )
        weight = module.weight
        assert isinstance(weight, Tensor)
        channels = output.shape[-1 if isinstance(module, nn.Linear) else 1]
        layers[output.grad_fn] = Layer(channels, weight.shape[0] * weight.shape[1])

    images = batch.images[:IMAGES].requires_grad_()
    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, WEIGHT_LAYERS):
                hooks.enter_context(module.register_forward_hook(note))
        loss = loss_of(model(images), batch.targets[:IMAGES], kind=batch.kind)
    links = _live_links(loss, images)
    if not links:
        raise MeasurementError(BLIND)
    order = _reached(loss.grad_fn, links, images)
    live = {node: layers[node] for node in order if node in layers}
    if not live:
        raise UnsupportedError(
            "no layer module (nn.Conv2d, nn.Linear and their kin) lies between images and loss, so the model's "
            "topology cannot be read; use modules for its weights"
        )
    return Topology(tuple(order), {node: links[node] for node in order}, live)


def _live_links(loss: Tensor, images: Tensor) -> dict[Any, list[Link]]:
    """For every node through which gradient passes, where it passes on to; empty if none arrives at the images."""
    links: dict[Any, list[Link]] = {}

    def watch(node: Any) -> None:
        def passed(inputs: Sequence[Tensor | None], _outputs: Any) -> None:
            links[node] = [
                Link(source, gradient.shape[1] if gradient.dim() > 1 else 1)
                for (source, _), gradient in zip(node.next_functions, inputs, strict=True)
                if gradient is not None and bool(gradient.any())
            ]

        handles.callback(node.register_hook(passed).remove)

    with ExitStack() as handles:
        seen, waiting = {loss.grad_fn}, [loss.grad_fn]
        while waiting:
            node = waiting.pop()
            if node is None or kind_of(node) == "AccumulateGrad":
                continue
            watch(node)
            for source, _ in node.next_functions:
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        (arrived,) = gradients(loss, [images])
    return links if bool(arrived.any()) else {}


def _reached(last: Any, links: dict[Any, list[Link]], images: Tensor) -> list[Any]:
    """Nodes on live paths from the images, each after all that it links to; other links are dropped."""
    order: list[Any] = []
    seen: set[Any] = set()
    waiting = [(last, False)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            waiting.append((node, True))
            waiting.extend((link.source, False) for link in links.get(node, ()))
    view: Any = images.view_as(images).grad_fn
    reached = {view.next_functions[0][0]}  # the node of the images themselves
    for node in order:
        links[node] = [link for link in links.get(node, ()) if link.source in reached]
        if links[node]:
            reached.add(node)
    return [node for node in order if links[node]]


def kind_of(node: Any) -> str:
    """Autograd's name of what the node computes."""
    return type(node).__name__
