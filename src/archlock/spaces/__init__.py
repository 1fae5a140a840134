"""Spaces: which architectures exist and how to move between them."""

from archlock.catalog import Catalog
from archlock.errors import UnsupportedError
from archlock.spaces.architecture import Architecture, Space, Traits
from archlock.spaces.cell import CellSpace, Edge
from archlock.spaces.digit_space import DigitSpace
from archlock.spaces.mobilenet_macro import MacroLayer, mobilenet_macro
from archlock.spaces.nasbench201 import nasbench201
from archlock.spaces.sizes import sizes
from archlock.spaces.transnas101_macro import transnas101_macro
from archlock.spaces.transnas101_micro import transnas101_micro

SPACES: Catalog[Space] = Catalog(
    "space",
    {space.name: space for space in (nasbench201, transnas101_micro, transnas101_macro, mobilenet_macro, sizes)},
)


def cell_edges(architecture: Architecture) -> tuple[Edge, ...]:
    """The edges of the architecture's cell that carry an operation, dead or alive, in the order of the code.

    A space without cells raises :class:`~archlock.errors.UnsupportedError`.
    """
    space = SPACES[architecture.space]
    if not isinstance(space, CellSpace):
        cells = ", ".join(name for name, member in SPACES.items() if isinstance(member, CellSpace))
        raise UnsupportedError(
            f"{architecture} has no cell: {space.name} is a chain of modules; spaces of cells: {cells}"
        )
    return space.edges(architecture)


def macro_layers(architecture: Architecture, *, depth: int = 1) -> tuple[MacroLayer, ...]:
    """The layers that a network of ``mobilenet_macro`` is built of; another space raises ArchitectureError."""
    return mobilenet_macro.layers(architecture, depth=depth)


__all__ = [
    "SPACES",
    "Architecture",
    "CellSpace",
    "DigitSpace",
    "Edge",
    "MacroLayer",
    "Space",
    "Traits",
    "cell_edges",
    "macro_layers",
]
