"""The cells of any model: blocks that a skip goes around, read off its live graph (``topology``).

NN-Mass and NN-Degree are defined for networks that are written as cells. How their authors count is in the code of
NN-Mass (SLDGroup/NN_Mass, Apache-2.0): every residual block is a cell, a dense cell is the layers that share
concatenations, and the classifier is none. Here the same is read off the graph of any model:

* The *level* of a value is the largest number of weight layers on a live path from the images to it. The *main path*
  of a value goes back from it along the highest levels.
* A *join* is a live addition or concatenation. Its highest operand is on the main path; any other one of a lower level
  is a *skip*. The skip comes from the last value that it shares with the main path, so a shortcut by a 1x1 convolution
  comes from the input of its block. A chain of additions whose partial sums nothing else reads is one addition, a
  concatenation of concatenations is one concatenation.
* A skip that is added is received by the value to which it is added; one that is concatenated by the value of the layer
  that reads it (a concatenation that no layer but the head reads, but by another concatenation, has no skips).
* A *cell* reaches from where a skip comes from to where it is received. Cells that overlap in more than the value
  between them are one. Layers that lie in no such cell, and follow each other, are one cell without skips.
* The head, any layer behind which no other one lies, is in no cell: nothing here depends on the number of classes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archlock.proxies.topology import Link, Topology, kind_of

ADDITIONS: Final = ("AddBackward0",)
CONCATENATIONS: Final = ("CatBackward0", "StackBackward0")


@dataclass(frozen=True, slots=True)
class CellShape:
    """What the closed formulas need of a cell."""

    widths: tuple[int, ...]
    """Channels of its values in order: of what comes in and of every layer. What an addition at the end makes is left
    out, since it is what comes into the next block."""
    skipped: int
    """Channels that skips carry, all together."""
    dense: int
    """Of them, those that pass two layers or more: only such skips are possible ones in NN-Mass."""
    possible: int
    """Channels that skips over two layers or more could carry."""
    links: int
    """Single connections: of the layers (one channel to one channel), and one for each channel that is added."""

    @property
    def units(self) -> int:
        """Channels of its values, all together."""
        return sum(self.widths)


@dataclass(frozen=True, slots=True)
class _Skip:
    begins: int
    received: int
    channels: int
    added: bool


class _Graph:
    """A topology with the level of every value."""

    def __init__(self, topology: Topology) -> None:
        self.order, self.links, self.layers = topology.order, topology.links, topology.layers
        self.body = self._body()
        self.level: dict[Any, int] = {}
        self.channels: dict[Any, int] = {}
        for node in self.order:
            before = max(self.level.get(link.source, 0) for link in self.links[node])
            self.level[node] = before + (node in self.layers)
            self.channels.update((link.source, link.channels) for link in self.links[node])
        self.of_images = next(
            link.channels for node in self.order for link in self.links[node] if link.source not in self.links
        )
        readers = Counter(link.source for node in self.order for link in self.links[node])
        additions = [node for node in self.order if kind_of(node) in ADDITIONS]
        read = {link.source for node in additions for link in self.links[node]}
        self.partial = {node for node in additions if node in read and readers[node] == 1}
        self.read_by_layers = self._before(self.body, stop=CONCATENATIONS)

    def _before(self, layers: set[Any], *, stop: tuple[str, ...] = ()) -> set[Any]:
        """Nodes behind which one of the layers lies, with none of the kinds in ``stop`` between."""
        found: set[Any] = set()
        for node in reversed(self.order):
            if node in layers or (node in found and kind_of(node) not in stop):
                found.update(link.source for link in self.links[node])
        return found

    def _body(self) -> set[Any]:
        """The layers that another layer reads."""
        before = self._before(set(self.layers))
        return {node for node in self.layers if node in before}

    def operands(self, node: Any) -> Iterator[Link]:
        """What a join joins, through partial sums and nested concatenations."""
        whole = kind_of(node) in CONCATENATIONS
        for link in self.links[node]:
            inner = kind_of(link.source) in CONCATENATIONS if whole else link.source in self.partial
            if inner and link.source in self.links:
                yield from self.operands(link.source)
            else:
                yield link

    def main_path(self, node: Any) -> list[Any]:
        """From a node back to the images along the highest levels."""
        path = [node]
        while node in self.links:
            node = max(self.links[node], key=lambda link: self.level.get(link.source, 0)).source
            path.append(node)
        return path

    def fork(self, node: Any, path: set[Any]) -> Any:
        """The highest value of a path from which the node is reached without another value of the path."""
        waiting, seen, found = [node], {node}, []
        while waiting:
            one = waiting.pop()
            if one in path:
                found.append(one)
                continue
            fresh = {link.source for link in self.links.get(one, ())} - seen
            seen |= fresh
            waiting.extend(fresh)
        return max(found, key=lambda one: self.level.get(one, 0))


def cells(topology: Topology) -> tuple[CellShape, ...]:
    """The cells in the order of their levels; none for a model of a head alone."""
    graph = _Graph(topology)
    if not graph.body:
        return ()
    skips = [skip for node in graph.order if node not in graph.partial for skip in _skips(graph, node)]
    last = max(graph.body, key=lambda node: graph.level[node])
    main = {graph.level[node]: node for node in graph.main_path(last) if node in graph.layers}
    widths = {level: graph.layers[node].channels for level, node in main.items()}
    widths[0] = graph.of_images
    found, free = [], set(main)
    for begins, ends in _merged(skips):
        inside = [skip for skip in skips if begins <= skip.begins and skip.received <= ends]
        closed = any(skip.added and skip.received == ends for skip in inside)
        layers = [level for level in range(begins + closed, ends + 1) if level in free]
        free.difference_update(layers)
        values = [widths[level] for level in range(begins, ends + 1)]
        found.append(
            (begins + closed, _cell(values, inside, [graph.layers[main[level]].links for level in layers], closed))
        )
    for run in _runs(sorted(free)):
        links = [graph.layers[main[level]].links for level in run]
        found.append((run[0], _cell([widths[level] for level in run], [], links, closed=False)))
    return tuple(cell for _, cell in sorted(found, key=lambda one: one[0]))


def _skips(graph: _Graph, node: Any) -> Iterator[_Skip]:
    """The skips that a node receives; none if it is no join."""
    added = kind_of(node) in ADDITIONS
    if not added and not (kind_of(node) in CONCATENATIONS and node in graph.read_by_layers):
        return
    operands = list(graph.operands(node))
    highest = max(operands, key=lambda link: graph.level.get(link.source, 0))
    level = graph.level.get(highest.source, 0)
    if level == 0:
        return
    path = set(graph.main_path(highest.source))
    seen = set()
    for link in operands:
        if graph.level.get(link.source, 0) == level:
            continue
        fork = graph.fork(link.source, path)
        begins = graph.level.get(fork, 0)
        if added and begins not in seen:
            seen.add(begins)
            yield _Skip(begins, level, min(link.channels, graph.channels[fork]), added=True)
        elif not added:
            yield _Skip(begins, level + 1, link.channels, added=False)


def _merged(skips: Sequence[_Skip]) -> list[tuple[int, int]]:
    """Levels from which to which the cells with skips reach."""
    found: list[tuple[int, int]] = []
    for begins, ends in sorted({(skip.begins, skip.received) for skip in skips}):
        if found and begins < found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends)
        else:
            found.append((begins, ends))
    return found


def _runs(levels: Sequence[int]) -> list[list[int]]:
    """Levels that follow each other."""
    found: list[list[int]] = []
    for level in levels:
        if found and found[-1][-1] == level - 1:
            found[-1].append(level)
        else:
            found.append([level])
    return found


def _cell(values: Sequence[int], skips: Sequence[_Skip], links: Sequence[int], closed: bool) -> CellShape:
    return CellShape(
        widths=tuple(values[:-1] if closed else values),
        skipped=sum(skip.channels for skip in skips),
        dense=sum(skip.channels for skip in skips if skip.received - skip.begins >= 2),
        possible=sum(sum(values[: place - 1]) for place in range(2, len(values))),
        links=sum(links) + sum(skip.channels for skip in skips if skip.added),
    )
