"""Who observes a running model, and what of a recording they see.

After the tiers of the literature: a remote user (timing), whoever sees allocations (a bus, an allocator), whoever sees
when operators begin and end (a cache, power or electromagnetic trace), and a runtime or driver that sees both. All but
the remote user are assumed to tell operators apart, as in DeepSniffer (Hu et al., ASPLOS 2020).
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from archlock.catalog import Catalog
from archlock.leaks.observation import Observation
from archlock.leaks.recording import Recording


@dataclass(frozen=True, slots=True)
class Observer:
    """What one observer sees."""

    name: str
    who: str
    """Who that may be."""
    summary: str
    """What is seen, in a few words that follow "sees"."""
    time: bool = False
    """How long each operator takes."""
    memory: bool = False
    """What each operator asks for, and when that is given back."""
    calls: bool = False
    """How long whole calls take."""

    @property
    def sees_operators(self) -> bool:
        """Whether there is a trace to read."""
        return self.time or self.memory

    @property
    def timed(self) -> bool:
        """Whether a busy machine changes what is seen."""
        return self.time or self.calls

    def visible(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Numbers of the operators that are seen: without a clock one that asks for nothing is not."""
        return tuple(number for number, size in enumerate(sizes) if self.time or size > 0)

    def observe(self, recording: Recording) -> Observation:
        """What they see of a recording."""
        if self.calls:
            return Observation(latencies=recording.latencies)
        rows = self.visible(recording.sizes)
        return Observation(
            seconds=tuple(recording.seconds[row] for row in rows) if self.time else (),
            sizes=tuple(recording.sizes[row] for row in rows) if self.memory else (),
            held=_held(recording.held, rows) if self.memory else (),
        )


def _held(held: tuple[int, ...], rows: tuple[int, ...]) -> tuple[int, ...]:
    """Counted in operators that are seen."""
    return tuple(bisect_right(rows, row + held[row]) - place if held[row] else 0 for place, row in enumerate(rows, 1))


OBSERVERS: Final = Catalog(
    "observer",
    {
        one.name: one
        for one in (
            Observer("service", "a remote user", "how long whole calls take, by batch and size", calls=True),
            Observer("memory", "a co-tenant or an allocator's hook", "bytes asked for and given back", memory=True),
            Observer("timer", "a cache, power or scheduler trace", "how long each operator takes", time=True),
            Observer(
                "both", "a malicious runtime or driver", "bytes and time of each operator", time=True, memory=True
            ),
        )
    },
)
