"""The cells of any model, read off the graph that autograd records: widths, depths, skip connections.

The papers of NN-Mass and NN-Degree speak of cells of equally wide layers joined by additions (ResNet) or concatenations
(DenseNet). Here:

* A few images run forward, and the loss runs back to them. A link of autograd's graph is alive if any gradient passes
  through it, so dead branches and products with zero are no links, whoever wrote the ``forward``.
* The *level* of a value is the largest number of weight layers (modules with a weight: convolutions, linear layers) on
  a live path from the images to it.
* A *cell* is all live weight layers whose outputs have one shape (channels, height, width): in most families a stage.
  Its *width* is the number of channels, its *depth* the number of different levels of its layers.
* A *skip* is an operand of a live addition or concatenation that has a lower level than the highest operand; it belongs
  to the cell of the last layer before that operand and counts with the channels that it carries (the papers' channel
  by channel counting). A chain of additions whose partial sums nothing else reads is one addition.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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

_ADDITIONS: Final = ("AddBackward0",)
_JOINS: Final = (*_ADDITIONS, "CatBackward0", "StackBackward0")

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CellShape:
    """What the closed formulas need of a cell."""

    width: int
    depth: int
    skipped: int
    """Channels that its skips carry, all together."""


@dataclass(frozen=True, slots=True)
class _Link:
    source: Any  # the node of autograd's graph that it comes from
    channels: int


@dataclass(frozen=True, slots=True)
class _Value:
    level: int
    layer: Shape | None  # shape of the output of the last layer on its longest path


_IMAGES: Final = _Value(0, None)


def cells(model: nn.Module, batch: Batch) -> tuple[CellShape, ...]:
    """Cells of a private model, in no particular order.

    A constant predictor raises MeasurementError. UnsupportedError is raised where the graph does not tell the layers:
    no weight layer lies on a live path (weights used without a layer's module), or a layer runs unseen (scripted code,
    reentrant checkpoints).
    """
    layers: dict[Any, Shape] = {}

    def note(module: nn.Module, _arguments: Any, output: Tensor) -> None:
        if output.grad_fn is None:
            raise UnsupportedError(
                f"a {type(module).__name__} runs where autograd does not see it, so the model's topology cannot be "
                "read; run its layers with gradients on (no reentrant checkpoints, no no_grad)"
            )
        layers[output.grad_fn] = tuple(output.shape[1:])

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
    found = _measured(order, links, layers)
    if not found:
        raise UnsupportedError(
            "no layer module (nn.Conv2d, nn.Linear and their kin) lies between images and loss, so the model's "
            "topology cannot be read; use modules for its weights"
        )
    return found


def _live_links(loss: Tensor, images: Tensor) -> dict[Any, list[_Link]]:
    """For every node through which gradient passes, where it passes on to; empty if none arrives at the images."""
    links: dict[Any, list[_Link]] = {}

    def watch(node: Any) -> None:
        def passed(inputs: Sequence[Tensor | None], _outputs: Any) -> None:
            links[node] = [
                _Link(source, gradient.shape[1] if gradient.dim() > 1 else 1)
                for (source, _), gradient in zip(node.next_functions, inputs, strict=True)
                if gradient is not None and bool(gradient.any())
            ]

        handles.callback(node.register_hook(passed).remove)

    with ExitStack() as handles:
        seen, waiting = {loss.grad_fn}, [loss.grad_fn]
        while waiting:
            node = waiting.pop()
            if node is None or _kind(node) == "AccumulateGrad":
                continue
            watch(node)
            for source, _ in node.next_functions:
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        (arrived,) = gradients(loss, [images])
    return links if bool(arrived.any()) else {}


def _reached(last: Any, links: dict[Any, list[_Link]], images: Tensor) -> list[Any]:
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


def _measured(order: Sequence[Any], links: dict[Any, list[_Link]], layers: dict[Any, Shape]) -> tuple[CellShape, ...]:
    partial = _partial_sums(order, links)

    def operands(node: Any) -> Iterator[_Link]:
        for link in links[node]:
            if link.source in partial:
                yield from operands(link.source)
            else:
                yield link

    values: dict[Any, _Value] = {}
    levels: dict[Shape, set[int]] = defaultdict(set)
    skipped: dict[Shape, int] = defaultdict(int)
    for node in order:
        before = [values.get(link.source, _IMAGES) for link in links[node]]
        value = max(before, key=lambda value: value.level)
        if _kind(node) in _JOINS and node not in partial and value.layer is not None:
            for link in operands(node):
                if values.get(link.source, _IMAGES).level < value.level:
                    skipped[value.layer] += link.channels
        if node in layers:
            value = _Value(value.level + 1, layers[node])
            levels[layers[node]].add(value.level)
        values[node] = value
    return tuple(CellShape(shape[0], len(found), skipped[shape]) for shape, found in levels.items())


def _partial_sums(order: Sequence[Any], links: dict[Any, list[_Link]]) -> set[Any]:
    """Additions that nothing but one other addition reads."""
    readers = Counter(link.source for node in order for link in links[node])
    additions = [node for node in order if _kind(node) in _ADDITIONS]
    read = {link.source for node in additions for link in links[node]}
    return {node for node in additions if node in read and readers[node] == 1}


def _kind(node: Any) -> str:
    return type(node).__name__
