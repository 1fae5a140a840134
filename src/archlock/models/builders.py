"""From an architecture and the signature of a task to a model."""

from typing import Any, Protocol

from archlock.catalog import Catalog
from archlock.errors import ConfigurationError
from archlock.models.initialisation import draw_body, draw_head, drawing
from archlock.models.locking_macro import locking_macro
from archlock.models.mobilenet_macro import mobilenet_macro
from archlock.models.nasbench201 import nasbench201
from archlock.models.network import Network, check
from archlock.models.one_row import as_built_for
from archlock.models.sizes import sizes
from archlock.models.transnas101_macro import transnas101_macro
from archlock.models.transnas101_micro import transnas101_micro
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Signature


class Builder(Protocol):
    """Makes the network of an architecture of one space; its first weights are set afterwards."""

    def __call__(
        self, architecture: Architecture, signature: Signature, *, width: int, depth: int, prune: bool
    ) -> Network:
        """Make the network; see :func:`build` for the arguments."""
        ...


BUILDERS: Catalog[Builder] = Catalog(
    "builder",
    {
        "nasbench201": nasbench201,
        "transnas101_micro": transnas101_micro,
        "transnas101_macro": transnas101_macro,
        "mobilenet_macro": mobilenet_macro,
        "sizes": sizes,
        "locking_macro": locking_macro,
    },
)


GROUPED = ("mobilenet_macro",)
"""Spaces whose builder takes a ``group_width``."""


def build(
    architecture: Architecture,
    signature: Signature,
    *,
    width: int = 16,
    depth: int = 5,
    prune: bool = True,
    group_width: int = 1,
    seed: int,
) -> Network:
    """Model of an architecture for a task: takes float32 images in [0, 1]; see :class:`Network` for what it returns.

    For signals every kernel and pooling has one row (:mod:`archlock.models.one_row`).

    ``width`` is the number of channels after the stem and ``depth`` the number of cells (blocks) in a row at one size;
    the builder of each space says what was published. With ``prune`` dead edges are not built and cost nothing;
    without it the network is the published one, dead edges included (what the tables' parameter counts count). An
    architecture that is not connected is a constant predictor. A ``group_width`` above 1 makes grouped convolutions of
    depthwise ones (``mobilenet_macro`` alone). The same seed gives the same bits in any process; the
    body's weights do not depend on the head.

    Raises ArchitectureError, UnknownNameError (a space without builder) and ConfigurationError (width, depth,
    signature).
    """
    check(signature, width, depth)
    architecture = SPACES[architecture.space].architecture(architecture.code)
    maker: Any = BUILDERS[architecture.space]
    with drawing(seed, "body"):
        network: Network = maker(
            architecture, signature, width=width, depth=depth, prune=prune, **_options(architecture.space, group_width)
        )
        as_built_for(signature.form, network)
    with drawing(seed, "body"):
        draw_body(network)
    with drawing(seed, "head"):
        draw_head(network.head)
    return network


def _options(space: str, group_width: int) -> dict[str, int]:
    """What a builder of that space takes besides; ConfigurationError where there is nothing to group."""
    if isinstance(group_width, bool) or not isinstance(group_width, int) or group_width < 1:
        raise ConfigurationError(f"the width of groups is a whole number, at least 1; got {group_width!r}")
    if group_width > 1 and space not in GROUPED:
        raise ConfigurationError(
            f"networks of {space} have no depthwise convolutions to group; a group width is for {', '.join(GROUPED)}"
        )
    return {"group_width": group_width} if space in GROUPED else {}
