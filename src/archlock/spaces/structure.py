"""What architectures look like, in words: their decisions and named structural features.

For people (and for :mod:`archlock.patterns`), where ``Space.features`` is for surrogate models and has columns without
names. Dead edges of cells are taken away first, so cells that differ only in them look the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64

from archlock.errors import UnsupportedError
from archlock.spaces.architecture import Architecture, Space
from archlock.spaces.cell import EDGES, CellSpace, without_dead_edges
from archlock.spaces.cell_features import PATHS
from archlock.spaces.transnas101_macro import LONGEST, MacroSpace

Kind = Literal["operation", "count", "depth", "paths", "place", "size"]

WORDS = {
    "none": "none",
    "skip": "skip",
    "skip_connect": "skip",
    "conv1x1": "1x1 convolution",
    "nor_conv_1x1": "1x1 convolution",
    "conv3x3": "3x3 convolution",
    "nor_conv_3x3": "3x3 convolution",
    "avg_pool_3x3": "3x3 average pooling",
}
"""Operations in words that are the same in every space of cells."""
MODULES = ("absent", "keeps both", "doubles the channels", "halves the resolution", "doubles and halves")
"""What a module of a chain does, by digit."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A named property of architectures: 0 or 1, or a number."""

    kind: Kind
    """``operation`` on a place, ``count`` of something, ``depth``, ``paths``, ``place`` of something, ``size``."""
    name: str


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided where, for many architectures of one space."""

    places: tuple[str, ...]
    """For example ``edge 0-1`` or ``module 1``."""
    choices: tuple[str, ...]
    """The same at every place."""
    chosen: Int64[np.ndarray, "architectures places"]
    """Index of the choice."""


def decisions(space: Space, architectures: Sequence[Architecture]) -> Decisions:
    """The operation on each edge (dead ones: none) of a cell, or what each of six modules of a chain does.

    A space of neither sort raises :class:`~archlock.errors.UnsupportedError`.
    """
    if isinstance(space, CellSpace):
        places = tuple(f"edge {tail}-{head}" for tail, head in EDGES)
        choices = tuple(WORDS.get(operation, operation) for operation in space.operations)
        return Decisions(places, choices, without_dead_edges(space.digits(architectures)).astype(np.int64))
    if isinstance(space, MacroSpace):
        one_hot = space.encode(architectures).reshape(len(architectures), LONGEST, len(MODULES))
        return Decisions(
            tuple(f"module {place + 1}" for place in range(LONGEST)), MODULES, one_hot.argmax(axis=2).astype(np.int64)
        )
    raise UnsupportedError(f"the space {space.name!r} has neither cells nor chains of modules, so no named structure")


def representatives(space: Space, architectures: Sequence[Architecture]) -> tuple[Architecture, ...]:
    """For each architecture the one that stands for all that compute the same.

    That is ``space.canonicalise`` of the cell without its dead edges: the unique string of NAS-Bench-201 alone takes
    some cells for different that differ only in edges that carry nothing.
    """
    if not isinstance(space, CellSpace):
        return tuple(space.canonicalise(architecture) for architecture in architectures)
    pruned = without_dead_edges(space.digits(architectures))
    return tuple(space.canonicalise(Architecture(space.name, "".join(map(str, row)))) for row in pruned.tolist())


def structure(
    space: Space, architectures: Sequence[Architecture]
) -> tuple[tuple[Feature, ...], Float[np.ndarray, "architectures features"]]:
    """Named features and their values.

    Cells: operation on every edge (0 or 1), how many of each operation, the longest path from input to output in edges,
    convolutions and 3x3 windows, the shortest one in edges, how many paths there are and of which sort (0 or 1). All of
    live edges; 0 where there is no path.
    Chains: what every module does (0 or 1), how many modules, doublings of the channels and halvings of the resolution
    there are, and where the first and the last of them are (module 1 is the first). Another space raises
    UnsupportedError.
    """
    made = decisions(space, architectures)
    features = [Feature("operation", f"{place}: {choice}") for place in made.places for choice in made.choices]
    one_hot: np.ndarray = np.eye(len(made.choices))[made.chosen]
    more, values = _of_cells(one_hot, made.choices) if isinstance(space, CellSpace) else _of_chains(made.chosen)
    return (*features, *more), np.concatenate([one_hot.reshape(len(one_hot), len(features)), values], axis=1)


def _of_cells(
    one_hot: Float[np.ndarray, "cells 6 operations"], choices: tuple[str, ...]
) -> tuple[list[Feature], Float[np.ndarray, "cells features"]]:
    present = 1 - one_hot[:, :, 0]
    alive = np.stack([present[:, list(path)].all(axis=1) for path in PATHS], axis=1).astype(float)
    on_path = np.stack([one_hot[:, list(path)].sum(axis=1) for path in PATHS], axis=1) * alive[:, :, None]
    edges = on_path[:, :, 1:].sum(axis=2)
    is_convolution, is_window, is_skip, is_pool = (
        np.array([word in choice for choice in choices], dtype=float)
        for word in ("convolution", "3x3", "skip", "pooling")
    )
    shortest = np.where(alive > 0, edges, np.inf).min(axis=1)

    def only(mask: Float[np.ndarray, " operations"]) -> Float[np.ndarray, " cells"]:
        return (alive * (on_path @ mask == edges)).max(axis=1)

    named: list[tuple[Kind, str, Float[np.ndarray, " cells"]]] = [
        ("count", "number of live edges", present.sum(axis=1)),
        *(
            ("count", f"number of {choice} edges", one_hot[:, :, digit].sum(axis=1))
            for digit, choice in enumerate(choices)
            if digit
        ),
        ("count", "number of convolutions", (one_hot @ is_convolution).sum(axis=1)),
        ("depth", "longest path in edges", edges.max(axis=1)),
        ("depth", "longest path in convolutions", (on_path @ is_convolution).max(axis=1)),
        ("depth", "longest path in 3x3 windows", (on_path @ is_window).max(axis=1)),
        ("depth", "shortest path in edges", np.where(np.isfinite(shortest), shortest, 0)),
        ("paths", "number of live paths", alive.sum(axis=1)),
        ("paths", "number of paths without convolution", (alive * (on_path @ is_convolution == 0)).sum(axis=1)),
        *(
            ("paths", f"path {'-'.join(map(str, nodes))} is live", alive[:, path])
            for path, nodes in enumerate(((0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)))
            if path  # the first one is edge 0-3 itself
        ),
        ("paths", "a path of skips alone (residual)", only(is_skip)),
        ("paths", "a path of convolutions alone", only(is_convolution)),
        ("paths", "a path of 3x3 convolutions alone", only(is_convolution * is_window)),
        ("paths", "a path of 1x1 convolutions alone", only(is_convolution * (1 - is_window))),
    ]
    if is_pool.any():
        named.append(("paths", "a path with pooling", (on_path @ is_pool > 0).any(axis=1).astype(float)))
    return [Feature(kind, name) for kind, name, _ in named], np.stack([column for *_, column in named], axis=1)


def _of_chains(
    chosen: Int64[np.ndarray, "chains 6"],
) -> tuple[list[Feature], Float[np.ndarray, "chains features"]]:
    modules = (chosen > 0).sum(axis=1)
    doubles, halves = (chosen == 2) | (chosen == 4), chosen >= 3
    named: list[tuple[Kind, str, Int64[np.ndarray, " chains"]]] = [("depth", "number of modules", modules)]
    for what, where in (("doubling of the channels", doubles), ("halving of the resolution", halves)):
        last = where.shape[1] - where[:, ::-1].argmax(axis=1)
        named += [
            ("count", f"number of modules with a {what}", where.sum(axis=1)),
            ("place", f"place of the first {what}", where.argmax(axis=1) + 1),
            ("place", f"place of the last {what}", last),
            ("place", f"modules after the last {what}", modules - last),
        ]
    named.append(("count", "number of modules that do both", (doubles & halves).sum(axis=1)))
    return [Feature(kind, name) for kind, name, _ in named], np.stack([c for *_, c in named], axis=1).astype(float)
