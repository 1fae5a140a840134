"""An architecture as a picture: the cell's four nodes and its edges, or a chain of modules from top to bottom.

Edges that carry nothing from input to output are drawn faint and dashed; edges without operation are not drawn.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from archlock.errors import ArchLockError
from archlock.reports.canvas import COLOURS, picture
from archlock.reports.wording import listed, shorten
from archlock.spaces import SPACES, Architecture, Edge, Skeleton, cell_edges, locking_macro, macro_layers

_NAMES: Final = {
    "skip_connect": ("skip", "skip"),
    "skip": ("skip", "skip"),
    "nor_conv_1x1": ("conv 1x1", "convolution1"),
    "conv1x1": ("conv 1x1", "convolution1"),
    "nor_conv_3x3": ("conv 3x3", "convolution3"),
    "conv3x3": ("conv 3x3", "convolution3"),
    "avg_pool_3x3": ("pool 3x3", "pool"),
}
_MODULES: Final = {
    "1": "same channels, same size",
    "2": "twice the channels",
    "3": "half the size",
    "4": "twice the channels, half the size",
}
_PLACES: Final = ("cell", "half the size", "cell", "half the size", "cell")
_CELLS: Final = {
    "pair": "pair 3x3",
    "bottleneck": "bottleneck",
    "separable": "separable",
    "single": "single 3x3",
    "pooled": "pool + 1x1",
}
_ACTIVATIONS: Final = {"relu": "ReLU", "silu": "SiLU", "hardtanh": "hard tanh"}
_GAP: Final = 98
_LEFT: Final = 31
_MIDDLE: Final = 112


def architecture_picture(name: str, space: str, code: str) -> str:
    """Inline SVG of an architecture: its cell, its chain of modules or its skeleton; empty for an unknown space."""
    try:
        architecture = SPACES[space].architecture(code)
    except ArchLockError:
        return ""
    if space in _CHAINS:
        return chain_picture(name, _CHAINS[space](architecture))
    return cell_picture(name, _edges(architecture))


def _bottlenecks(architecture: Architecture) -> list[str]:
    """The layers of a network of ``mobilenet_macro``: what each does, and its channels in multiples of the stem's."""
    words = []
    for layer in macro_layers(architecture):
        kind = f"MBConv {layer.kernel}x{layer.kernel}, x{layer.expansion}" if layer.expansion else "conv 1x1"
        words.append(f"{kind}, {layer.multiple} w" + (", half the size" if layer.stride > 1 else ""))
    return words


def _widths(architecture: Architecture) -> list[str]:
    """The places of a network of the size space, with their channels at the published width."""
    official = SPACES[architecture.space].official_string(architecture)
    return [f"{place}, {count} channels" for place, count in zip(_PLACES, official.split(":"), strict=True)]


def _skeleton_words(skeleton: Skeleton) -> list[str]:
    """Stem, stages, waists and tail, in words; channels are multiples of the width."""
    kernel = skeleton.stem_kernel
    words = [f"stem {kernel}x{kernel}" + (", half the size" if skeleton.stem_halves else "")]
    for stage in skeleton.stages:
        words.append(
            f"{stage.cells} {_CELLS[skeleton.cell]}, {stage.width}w" + (", half the size" if stage.halves else "")
        )
        words += ["waist, w/2"] if stage.waist else []
    norm = "no" if skeleton.normalisation == "none" else skeleton.normalisation
    shortcuts = "shortcuts" if skeleton.shortcuts else "no shortcuts"
    return [*words, f"{norm} norm, {_ACTIVATIONS[skeleton.activation]}, {shortcuts}"]


_CHAINS: Final[dict[str, Callable[[Architecture], list[str]]]] = {
    "transnas101_macro": lambda architecture: [_MODULES[digit] for digit in architecture.code],
    "mobilenet_macro": _bottlenecks,
    "sizes": _widths,
    "locking_macro": lambda architecture: _skeleton_words(locking_macro.skeleton(architecture)),
}


def _edges(architecture: Architecture) -> tuple[Edge, ...]:
    try:
        return cell_edges(architecture)
    except ArchLockError:
        return ()


def operation_name(operation: str) -> str:
    """The operation in words: ``conv 3x3`` for ``nor_conv_3x3``; unknown ones with spaces for underscores."""
    return _NAMES.get(operation, (operation.replace("_", " "), "other"))[0]


def cell_picture(name: str, edges: Sequence[Edge]) -> str:
    """Inline SVG of a cell; empty for no edges."""
    if not edges:
        return ""
    alive = [f"{edge.tail} to {edge.head} {operation_name(edge.operation)}" for edge in edges if edge.alive]
    dead = sum(not edge.alive for edge in edges)
    title = f"Cell. Live edges: {listed(alive) or 'none'}." + (f" {dead} dead." if dead else "")
    return picture(
        name, title, lambda figure, width: _cell(figure, width, edges), height=lambda _: 186, widths=("narrow",)
    )


def chain_picture(name: str, modules: Sequence[str]) -> str:
    """Inline SVG of a chain of modules, each with what it does."""
    height = 38 * len(modules) + 76
    return picture(
        name,
        f"Chain of {len(modules)} modules: {listed(list(modules))}.",
        lambda figure, width: _chain(figure, width, height, modules),
        height=lambda _: height,
        widths=("narrow",),
    )


def _axes(figure: Any, width: int, height: int) -> Any:
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def _cell(figure: Any, width: int, edges: Sequence[Edge]) -> None:
    axes = _axes(figure, width, 186)
    for edge in sorted(edges, key=lambda edge: edge.alive):  # live ones on top
        _arc(axes, edge)
    last = max(edge.head for edge in edges)
    for node in range(last + 1):
        x = _LEFT + _GAP * node
        axes.plot([x], [_MIDDLE], marker="o", markersize=21, color=COLOURS["paper"], markeredgecolor=COLOURS["ink"])
        axes.text(x, _MIDDLE, str(node), ha="center", va="center", weight="bold")
    for x, text in ((_LEFT, "input"), (_LEFT + _GAP * last, "output")):
        axes.text(x, _MIDDLE + 22, text, ha="center", va="center", color=COLOURS["muted"], fontsize=11)


def _arc(axes: Any, edge: Edge) -> None:
    from matplotlib.patches import FancyArrowPatch

    tail, head, operation, lives = edge.tail, edge.head, edge.operation, edge.alive
    label, colour = _NAMES.get(operation, (shorten(operation.replace("_", " "), 14), "other"))
    start, end = _LEFT + _GAP * tail, _LEFT + _GAP * head
    span = head - tail
    up = span == 3 or (span == 2 and tail % 2 == 0)
    lift = {1: 0, 2: 46, 3: 92}.get(span, 30 * span) * (1 if up else -1)
    arrow = FancyArrowPatch(
        (start, _MIDDLE),
        (end, _MIDDLE),
        connectionstyle=f"arc3,rad={-2 * lift / (end - start)}",
        arrowstyle="-|>" if lives else "-",
        mutation_scale=11,
        shrinkA=12,
        shrinkB=12,
        linewidth=2.2 if lives else 1.1,
        linestyle="solid" if lives else (0, (2, 3)),
        color=COLOURS[colour] if lives else COLOURS["faint"],
        zorder=2,
    )
    axes.add_patch(arrow)
    y = _MIDDLE - lift - (10 if span == 1 else 0)
    axes.text(
        (start + end) / 2,
        y,
        label,
        ha="center",
        va="center",
        fontsize=11,
        weight="bold" if lives else "normal",
        color=COLOURS[colour] if lives else COLOURS["muted"],
        bbox={"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 1.5} if span > 1 else None,
        zorder=3,
    )


def _chain(figure: Any, width: int, height: int, modules: Sequence[str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes = _axes(figure, width, height)
    middle = width / 2
    stops = ["input", *modules, "output"]
    for index, text in enumerate(stops):
        y = 19 + 38 * index
        end = index in (0, len(stops) - 1)
        if not end:
            box = FancyBboxPatch((middle - 130, y - 12), 260, 24, boxstyle="round,pad=0,rounding_size=5")
            box.set(facecolor=COLOURS["paper"], edgecolor=COLOURS["convolution3"], linewidth=1.4)
            axes.add_patch(box)
        label = text if end else f"{index}   {shorten(text, 34)}"
        axes.text(middle, y, label, ha="center", va="center", color=COLOURS["muted" if end else "ink"])
        if index:
            axes.annotate(
                "", (middle, y - 12), (middle, y - 26), arrowprops={"arrowstyle": "-|>", "color": COLOURS["muted"]}
            )
