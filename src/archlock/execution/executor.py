"""What every executor promises: independent jobs in, results out as they come; same job, same bits, wherever it runs.

Jobs compute with one numerical thread each and know nothing of each other, so the result of a job does not depend on
how many run at once, nor where. Jobs are taken from their iterable only when a worker is about to need them: there may
be millions. Work, shared data, jobs and results may be of classes that the user's own script defines.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Self, TypeVar

from archlock.errors import ConfigurationError

S = TypeVar("S")
J = TypeVar("J")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[J]):
    """Jobs in a row that go to a worker at once; ``first`` is the index of the first of them."""

    first: int
    jobs: tuple[J, ...]

    def __str__(self) -> str:
        if len(self.jobs) == 1:
            return f"job {self.first}"
        return f"one of the jobs {self.first} to {self.first + len(self.jobs) - 1}"


class Executor(ABC):
    """Where jobs run. A member says how in :meth:`run_chunks`; as a context manager it closes what it opened."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many jobs run at once."""

    @abstractmethod
    def run_chunks(self, work: Callable[[S, J], R], shared: S, chunks: Iterator[Chunk[J]]) -> Iterator[tuple[int, R]]:
        """As :meth:`run`, for jobs that were cut into chunks; no chunk is taken long before it is sent."""

    def run(
        self, work: Callable[[S, J], R], shared: S, jobs: Iterable[J], *, chunk: int = 1
    ) -> Iterator[tuple[int, R]]:
        """Yield ``(index of the job, work(shared, job))`` as chunks end, in no promised order.

        ``shared`` is sent to each worker once. ``chunk`` jobs go to a worker together: for jobs of milliseconds take
        more than one, so that sending costs little against the work. An exception in a job is raised here with its own
        type, when its turn comes; jobs not begun are then dropped, and so they are when the iterator is closed early.
        A worker that is killed costs what it had under way, which is done again; jobs that were under way in several
        workers that were killed raise :class:`~archlock.errors.RunError`.
        """
        if chunk < 1:
            raise ConfigurationError(f"a chunk has at least 1 job, not {chunk}")
        return self.run_chunks(work, shared, _cut(jobs, chunk))

    def close(self) -> None:  # noqa: B027
        """Give back what was opened; nothing, unless the member says otherwise."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut(jobs: Iterable[J], size: int) -> Iterator[Chunk[J]]:
    ahead = iter(jobs)
    first = 0
    while taken := tuple(islice(ahead, size)):
        yield Chunk(first, taken)
        first += len(taken)
