"""What is written of a lock in one word, read: a source floor, and how what is released is trained."""

from typing import Final

from archlock.errors import ConfigurationError
from archlock.search import SourceFloor
from archlock.training import NONTRANSFERABLE, NontransferableTraining

PLAIN: Final = "plain"
USUAL_TRAINING: Final = "ntl"
"""Which nontransferable training it is where nobody says."""
MOST_POINTS: Final = 50
"""Points of accuracy that nobody gives up: whoever writes more means a percentile."""


def training_named(text: str) -> NontransferableTraining | None:
    """None for ``plain``; ``nontransferable``, or ``nontransferable:NAME`` with a name of the catalog.

    Anything else raises ConfigurationError that says what there is.
    """
    kind, _, name = str(text).partition(":")
    if text == PLAIN:
        return None
    if kind != "nontransferable" or (":" in str(text) and not name):
        raise ConfigurationError(
            f"train is {PLAIN} or nontransferable, which may be said with a way, as in nontransferable:"
            f"{USUAL_TRAINING} (ways: {', '.join(NONTRANSFERABLE)}); got {text!r}"
        )
    return NONTRANSFERABLE[name or USUAL_TRAINING]


def parse_floor(text: str) -> SourceFloor:
    """``1`` or ``0.5`` (points of source accuracy to give up at most) or ``p97`` (least source percentile).

    A percentile that is a share (``p0.97``) and points that are most of an accuracy (``97``) say nothing as they stand,
    so ConfigurationError asks which is meant.
    """
    is_percentile = text.startswith("p")
    try:
        value = float(text[1:] if is_percentile else text)
    except ValueError:
        raise ConfigurationError(
            f"floor {text!r} is not understood; write points of accuracy (for example 1) or a percentile (p97)"
        ) from None
    if is_percentile and 0 < value <= 1:
        raise ConfigurationError(
            f"floor {text!r} would be percentile {value:g} of 100, which hardly rules anything out; write "
            f"p{100 * value:g} for that share of the others"
        )
    if not is_percentile and MOST_POINTS < value <= 100:
        raise ConfigurationError(
            f"floor {text!r} would give up {value:g} points of source accuracy; write p{value:g} for a percentile, or "
            "the points that may be lost, for example 1"
        )
    return SourceFloor("percentile" if is_percentile else "accuracy_loss", value / 100)
