"""Cells: directed graphs of four nodes and six edges with one operation on each edge.

Node 0 is the input, node 3 the output, and a node is the sum of what its incoming edges bring. A code has one digit
per edge in the order 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; digit 0 is always "none" (no edge). NAS-Bench-201 (Dong and Yang
2020) and the micro space of TransNAS-Bench-101 (Duan et al. 2021) differ only in operations, official strings and in
what they call isomorphic: they are two values of the one class here.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, UInt8

from archlock.errors import ArchitectureError
from archlock.spaces.architecture import Architecture, Space, Traits
from archlock.spaces.cell_features import PATHS, cell_features

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Tail and head of every edge, in the order of the digits of a code."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of a cell that carries an operation; ``alive`` if it lies on a path from the input to the output."""

    tail: int
    head: int
    operation: str
    alive: bool


def live_edges(digits: UInt8[np.ndarray, "cells 6"]) -> Bool[np.ndarray, "cells 6"]:
    """Which edges lie on a path of edges other than none (digit 0) from node 0 to node 3."""
    present = digits > 0
    reached = [np.ones(len(digits), dtype=bool), present[:, 0], present[:, 1] | (present[:, 0] & present[:, 2])]
    leads_out = {3: reached[0], 2: present[:, 5], 1: present[:, 4] | (present[:, 2] & present[:, 5])}
    columns = [present[:, edge] & reached[tail] & leads_out[head] for edge, (tail, head) in enumerate(EDGES)]
    return np.stack(columns, axis=1)


def without_dead_edges(digits: UInt8[np.ndarray, "cells 6"]) -> UInt8[np.ndarray, "cells 6"]:
    """The same cells with none (digit 0) on every dead edge: the same functions."""
    return np.where(live_edges(digits), digits, np.uint8(0))


class CellSpace(Space):
    """All cells over a list of operations."""

    def __init__(
        self,
        name: str,
        operations: tuple[str, ...],
        *,
        write: Callable[[str], str],
        read: Callable[[str], str | None],
        class_key: Callable[[str], Hashable],
        function_key: Callable[[str], Hashable],
    ) -> None:
        """Operations by digit (0 is none); ``write`` turns a code into the official string and ``read`` turns it back
        (None: not such a string); two codes are isomorphic exactly when their ``class_key`` is equal, and the same
        function exactly when their ``function_key`` is.
        """
        self.name = name
        self.operations = operations
        self._alphabet = frozenset("0123456789"[: len(operations)])
        self._write, self._read, self._class_key, self._function_key = write, read, class_key, function_key

    def __len__(self) -> int:
        return int(len(self.operations) ** len(EDGES))

    def enumerate(self) -> Iterator[Architecture]:
        """Every architecture once, in ascending order of code."""
        return (Architecture(self.name, code) for code in self._codes())

    def architecture(self, code: str) -> Architecture:
        """Architecture of a six-digit code."""
        if not self._is_code(code):
            raise self._not_one(code)
        return Architecture(self.name, code)

    def parse(self, text: str) -> Architecture:
        """Architecture of an official string, a code, or ``space:code``."""
        stripped = text.strip().removeprefix(f"{self.name}:")
        code = stripped if self._is_code(stripped) else self._read(stripped)
        if code is None:
            raise self._not_one(text)
        return self.architecture(code)

    def official_string(self, architecture: Architecture) -> str:
        """The string under which the benchmark's own files know the architecture."""
        return self._write(self._code(architecture))

    def sample(self, rng: np.random.Generator) -> Architecture:
        """An architecture, uniformly at random."""
        digits = rng.integers(len(self.operations), size=len(EDGES))
        return Architecture(self.name, "".join(map(str, digits)))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Another operation on one edge, uniformly at random."""
        code = self._code(architecture)
        edge = int(rng.integers(len(EDGES)))
        digit = (int(code[edge]) + int(rng.integers(1, len(self.operations)))) % len(self.operations)
        return Architecture(self.name, code[:edge] + str(digit) + code[edge + 1 :])

    def neighbours(self, architecture: Architecture) -> tuple[Architecture, ...]:
        """All cells with another operation on exactly one edge, in ascending order of code."""
        code = self._code(architecture)
        changed = (
            code[:edge] + str(digit) + code[edge + 1 :] for edge in range(6) for digit in range(len(self.operations))
        )
        return tuple(Architecture(self.name, other) for other in sorted(changed) if other != code)

    def canonicalise(self, architecture: Architecture) -> Architecture:
        """The isomorphic architecture with the smallest code (the first call makes a table of the whole space)."""
        return Architecture(self.name, self._canonical[self._code(architecture)])

    def simplify(self, architecture: Architecture) -> Architecture:
        """The same function with the fewest poolings, then the fewest edges, then the smallest code.

        All cells of a function have the same live edges with weights, so the same parameters and multiply-adds once
        dead edges are removed; the one returned has no dead edge. The first call makes a table of the whole space.
        """
        return Architecture(self.name, self._simplest[self._code(architecture)])

    def is_connected(self, architecture: Architecture) -> bool:
        """Whether some path of operations joins input and output."""
        return bool(live_edges(self.digits([architecture])).any())

    def encode(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """One-hot code: operation by operation for each edge in turn (all six edges, dead or not)."""
        one_hot: np.ndarray = np.eye(len(self.operations))[self.digits(architectures)]
        return one_hot.reshape(len(architectures), len(EDGES) * len(self.operations))

    def features(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, "architectures features"]:
        """What :func:`~archlock.spaces.cell_features.cell_features` computes of the cells without their dead edges, so
        cells that differ only in dead edges have the same features.
        """
        return cell_features(without_dead_edges(self.digits(architectures)), self.operations)

    def relative_cost(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Weights per pair of channels on live edges: 9 for a 3x3 convolution, 1 for a 1x1 convolution, else 0."""
        weights = np.array([(9.0 if "3x3" in name else 1.0) * ("conv" in name) for name in self.operations])
        return np.asarray(weights[without_dead_edges(self.digits(architectures))].sum(axis=1))

    def shortest_path(self, architectures: Sequence[Architecture]) -> Float[np.ndarray, " architectures"]:
        """Fewest convolutions on any way from input to output; skips and poolings are none."""
        digits = self.digits(architectures)
        is_convolution = np.array(["conv" in name for name in self.operations])
        counts = [
            np.where((digits[:, path] > 0).all(axis=1), is_convolution[digits[:, path]].sum(axis=1), np.inf)
            for path in map(list, PATHS)
        ]
        fewest = np.min(counts, axis=0)
        return np.asarray(np.where(np.isfinite(fewest), fewest, 0.0))

    def choices(self, architectures: Sequence[Architecture]) -> Traits:
        """For every edge and operation: is that the operation there (none, if the edge is dead)."""
        digits = without_dead_edges(self.digits(architectures))
        names = [f"{name} on {tail}-{head}" for tail, head in EDGES for name in self.operations]
        return Traits(tuple(names), np.eye(len(self.operations))[digits].reshape(len(digits), -1))

    def shape(self, architectures: Sequence[Architecture]) -> Traits:
        """Live edges of each operation, paths, depths in convolutions, whether there is a shortcut, and the cost."""
        digits = without_dead_edges(self.digits(architectures))
        is_convolution = np.array(["conv" in name for name in self.operations])
        alive = np.stack([(digits[:, path] > 0).all(axis=1) for path in map(list, PATHS)])
        depths = np.stack([is_convolution[digits[:, path]].sum(axis=1) for path in map(list, PATHS)]) * alive
        columns = {
            **{f"number of {name}": (digits == digit).sum(axis=1) for digit, name in enumerate(self.operations)},
            "number of paths": alive.sum(axis=0),
            "convolutions on the longest path": depths.max(axis=0),
            "convolutions on the shortest path": self.shortest_path(architectures),
            "shortcut without a convolution": self.shortest_path(architectures) == 0,
            "cost (weights per pair of channels)": self.relative_cost(architectures),
        }
        return Traits(tuple(columns), np.stack([np.asarray(c, dtype=float) for c in columns.values()], axis=1))

    def edges(self, architecture: Architecture) -> tuple[Edge, ...]:
        """The edges that carry an operation (not none), in the order of the code."""
        digits = self.digits([architecture])
        alive = live_edges(digits)[0]
        return tuple(
            Edge(*EDGES[edge], self.operations[digit], bool(alive[edge]))
            for edge, digit in enumerate(digits[0])
            if digit > 0
        )

    def digits(self, architectures: Sequence[Architecture]) -> UInt8[np.ndarray, "architectures 6"]:
        """The codes as numbers."""
        text = "".join(map(self._code, architectures))
        return (np.frombuffer(text.encode(), dtype=np.uint8) - ord("0")).reshape(-1, len(EDGES))

    @cached_property
    def _canonical(self) -> dict[str, str]:
        first: dict[Hashable, str] = {}
        return {code: first.setdefault(self._class_key(code), code) for code in self._codes()}

    @cached_property
    def _simplest(self) -> dict[str, str]:
        first: dict[Hashable, str] = {}
        return {
            code: first.setdefault(self._function_key(code), code) for code in sorted(self._codes(), key=self._cost)
        }

    def _cost(self, code: str) -> tuple[int, int, str]:
        poolings = sum("pool" in self.operations[int(digit)] for digit in code)
        return poolings, len(code) - code.count("0"), code

    def _codes(self) -> Iterator[str]:
        digits = "".join(map(str, range(len(self.operations))))
        return map("".join, product(digits, repeat=len(EDGES)))

    def _is_code(self, code: str) -> bool:
        return len(code) == len(EDGES) and self._alphabet.issuperset(code)

    def _code(self, architecture: Architecture) -> str:
        if architecture.space != self.name or not self._is_code(architecture.code):
            raise self._not_one(str(architecture))
        return architecture.code

    def _not_one(self, text: str) -> ArchitectureError:
        code = f"{len(self.operations) - 1}21010"[: len(EDGES)]
        return ArchitectureError(
            f"{text!r} is not an architecture of {self.name}; expected {len(EDGES)} digits from 0 to "
            f"{len(self.operations) - 1} such as {code!r} or '{self.name}:{code}', or an official string such as "
            f"{self._write(code)!r}"
        )
