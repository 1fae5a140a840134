"""Methods that can be evaluated on recorded tables, by name."""

from dataclasses import dataclass

from archlock.catalog import Catalog
from archlock.recipes.recorded.few_shot import FewShot
from archlock.recipes.recorded.method import RecordedMethod
from archlock.tables import SCHEMES, Scheme


@dataclass(frozen=True, slots=True)
class Entry:
    """A method, and what its rows say of it."""

    method: RecordedMethod
    preference: str
    strategy: str
    evidence: str
    """``few_shot``, or ``zero_cost``: then it is allowed no training but the finalists' on the source."""
    schemes: tuple[Scheme, ...] = SCHEMES


METHODS: Catalog[Entry] = Catalog(
    "method",
    {
        "lock": Entry(FewShot(), "kriging", "expected_improvement", "few_shot"),
        "zero_cost": Entry(FewShot(against="structure"), "structure", "expected_improvement", "zero_cost", ("tu",)),
    },
)
