"""What a method is that can be evaluated on a recorded table: evidence by look-up in, one architecture out."""

from typing import Protocol, runtime_checkable

from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence


@runtime_checkable
class RecordedMethod(Protocol):
    """Decides on a lock. It is given evidence and nothing else: no table, no truth."""

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """The architecture that is to be worst for ``evidence.others`` (nothing to lock against in scheme s: best on
        the source) with a source percentile of at least ``floor``, in [0, 1] over the whole table, as far as the
        evidence tells.

        The same evidence and seed give the same architecture. Raises :class:`~archlock.errors.SearchError` if there is
        nothing to decide from.
        """
        ...
