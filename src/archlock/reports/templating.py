"""A template of this room, filled: every name is escaped, only our own pictures and style are not."""

from collections.abc import Callable, Mapping
from typing import Any

from archlock.reports.wording import DASH, capital


def fill(template: str, *, filters: Mapping[str, Callable[..., Any]], plots: Mapping[str, str], **content: Any) -> str:
    """The page made from a template; ``plots`` are inline SVG (see ``canvas``) whose names are already escaped.

    A name that the template uses and ``content`` does not have raises.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("archlock.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"capital": capital, **filters})
    style, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    pictures = {name: Markup(svg) for name, svg in plots.items()}
    return environment.get_template(template).render(style=Markup(style), dash=DASH, plots=pictures, **content)
