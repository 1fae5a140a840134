"""Spaces: which architectures exist and how to move between them."""

from archlock.catalog import Catalog
from archlock.errors import UnsupportedError
from archlock.spaces.architecture import Architecture, Space, Traits
from archlock.spaces.cell import EDGES, CellSpace, Edge
from archlock.spaces.digit_space import DigitSpace
from archlock.spaces.locking_macro import SIZES, LockingMacroSpace, locking_macro
from archlock.spaces.locking_skeleton import Skeleton, bottleneck_channels, waist_channels
from archlock.spaces.mobilenet_macro import MacroLayer, mobilenet_macro
from archlock.spaces.nasbench201 import nasbench201
from archlock.spaces.sizes import sizes
from archlock.spaces.transnas101_macro import transnas101_macro
from archlock.spaces.transnas101_micro import transnas101_micro

SPACES: Catalog[Space] = Catalog(
    "space",
    {
        space.name: space
        for space in (nasbench201, transnas101_micro, transnas101_macro, mobilenet_macro, sizes, locking_macro)
    },
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


def levels_of_places(space: Space) -> tuple[int, ...]:
    """How many digits there are at each place of a code; empty where codes have several lengths."""
    if isinstance(space, DigitSpace):
        return (len(space.alphabet),) * space.places
    if isinstance(space, CellSpace):
        return (len(space.operations),) * len(next(iter(space.enumerate())).code)
    return SIZES if isinstance(space, LockingMacroSpace) else ()


__all__ = [
    "EDGES",
    "SPACES",
    "Architecture",
    "CellSpace",
    "DigitSpace",
    "Edge",
    "MacroLayer",
    "Skeleton",
    "Space",
    "Traits",
    "bottleneck_channels",
    "cell_edges",
    "levels_of_places",
    "locking_macro",
    "macro_layers",
    "waist_channels",
]
