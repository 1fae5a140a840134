"""From a matplotlib figure to SVG that lives inside a page: themed by the page's style, unique ids, same bytes always.

Colours are drawn as placeholders and become CSS variables, so one picture serves light, dark and paper. Text stays text
(selectable, searchable, in the page's font). Nothing of matplotlib's global state is left changed.
"""

import html
import io
import re
import warnings
from collections.abc import Callable
from typing import Any, Final

COLOURS: Final = {
    "ink": "#010101",
    "muted": "#020202",
    "grid": "#030303",
    "paper": "#040404",
    "locked": "#050505",
    "plain": "#060606",
    "convolution3": "#070707",
    "convolution1": "#080808",
    "skip": "#090909",
    "pool": "#0a0a0a",
    "other": "#0b0b0b",
    "accent": "#0c0c0c",
    "faint": "#0d0d0d",
    "ground": "#0e0e0e",
}
"""Names of the page's colours (CSS variables ``--name``) and the placeholders to draw them with."""

_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "archlock",
    "text.parse_math": False,  # names are not formulas
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same layout everywhere; the page chooses what is shown
    "font.size": 12,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.edgecolor": COLOURS["grid"],
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "xtick.color": COLOURS["grid"],
    "ytick.color": COLOURS["grid"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "path.simplify": False,
}

WIDTHS: Final = {"wide": 860, "narrow": 356}
"""Drawing widths in CSS pixels: a desktop column and a phone."""

Draw = Callable[[Any, int], None]
"""Draws on an empty matplotlib Figure of the given width in pixels."""


def picture(name: str, title: str, draw: Draw, *, height: Callable[[int], int], widths: tuple[str, ...] = ()) -> str:
    """Inline SVG of one picture, drawn once per width (``wide``, ``narrow``); the page shows the one that fits.

    ``name`` makes the ids unique on the page; ``title`` is what a screen reader says. With one of ``widths`` alone the
    picture is shown at every width.
    """
    chosen = widths or tuple(WIDTHS)
    drawn = []
    for variant in chosen:
        width = WIDTHS[variant]
        shown = variant if len(chosen) > 1 else "always"
        drawn.append(_svg(f"{name}-{variant}", title, draw, width=width, height=height(width), shown=shown))
    return "\n".join(drawn)


def _svg(identity: str, title: str, draw: Draw, *, width: int, height: int, shown: str) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the page's fonts draw the text, not ours
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        canvas = FigureCanvasSVG(figure)
        draw(figure, width)
        stream = io.StringIO()
        canvas.print_svg(stream, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_the_page(stream.getvalue(), identity, title, width=width, height=height, shown=shown)


def _for_the_page(text: str, identity: str, title: str, *, width: int, height: int, shown: str) -> str:
    body = text[text.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)  # its style is page-wide
    # only inside tags: the text of a label is never touched
    body = re.sub(r"<[^>]+>", lambda tag: _tag(tag.group(), identity), body)
    body = "\n".join(line.strip() for line in body.splitlines() if line.strip())
    return (
        f'<svg class="plot {shown}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{identity}-title" '
        f'style="max-width:{width}px">\n<title id="{identity}-title">{html.escape(title)}</title>\n{body}\n</svg>'
    )


def _tag(tag: str, identity: str) -> str:
    tag = re.sub(r'\bid="', f'id="{identity}-', tag)
    tag = re.sub(r"url\(#", f"url(#{identity}-", tag)
    tag = re.sub(r'xlink:href="#', f'href="#{identity}-', tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"|font-family: [^;"]*;? ?', "", tag)
    tag = re.sub(r"\d+\.\d{3,}", lambda digits: f"{float(digits.group()):.2f}".rstrip("0").rstrip("."), tag)
    for name, placeholder in COLOURS.items():
        tag = tag.replace(placeholder, f"var(--{name})")
    return tag
