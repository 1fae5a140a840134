"""Panels: who attacks together, and for how long. A verdict rests on the informed and the patient, never the naive."""

from dataclasses import dataclass
from typing import Final

from archlock.attacks.members import ATTACKS
from archlock.errors import ConfigurationError

WITHOUT = ("from_scratch", "ordinary")
"""Who shows what the target's data are worth without the weights: what any attack is compared with."""
NAIVE = ("linear_probe", "fine_tune")
"""What a tutorial does."""
INFORMED = ("whitened", "lp_ft", "best_layer_probe", "cut_at", "renormalised")
"""Who know what may be done to a model against them, and sweep as wide as it takes."""
HORIZONS: Final = (1.0, 4.0, 16.0)
"""Lengths that patient attackers go to, in multiples of the plan's epochs, as long as more brings anything."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Who attacks, in order, and the horizons at which their outcomes are shown."""

    name: str
    summary: str
    attackers: tuple[str, ...]
    horizons: tuple[float, ...] = (1.0,)


_PANELS: Final = (
    Panel("naive", "what a tutorial does: not enough for a verdict", (*WITHOUT, *NAIVE)),
    Panel("informed", "those who know what hinders fine-tuning and undo it", (*WITHOUT, *NAIVE, *INFORMED)),
    Panel("patient", "the same, until they stop improving", (*WITHOUT, *NAIVE, *INFORMED), HORIZONS),
)
ALL: Final = "all"
PANEL_NAMES: Final = (*(panel.name for panel in _PANELS), ALL)
DEFAULT: Final = "informed"
"""The panel that attacks unless another one, or attackers, are named."""


def panel_named(name: str) -> Panel:
    """The panel of that name; ``all`` is every attacker of the catalog, patient. An unknown one: ConfigurationError."""
    if name == ALL:
        return Panel(ALL, "every attacker, until they stop improving", tuple(ATTACKS), HORIZONS)
    found = next((panel for panel in _PANELS if panel.name == name), None)
    if found is None:
        raise ConfigurationError(f"there is no panel of attackers {name!r}; there are: {', '.join(PANEL_NAMES)}")
    return found
