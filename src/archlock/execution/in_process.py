"""Jobs one after another in this process: a job begins when its result is asked for."""

from collections.abc import Callable, Iterator

from archlock.execution.executor import Chunk, Executor, J, R, S
from archlock.execution.threads import one_thread


class InProcess(Executor):
    """No other process. A job that is killed takes this process with it."""

    @property
    def workers(self) -> int:
        """One job at a time."""
        return 1

    def run_chunks(self, work: Callable[[S, J], R], shared: S, chunks: Iterator[Chunk[J]]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.run_chunks`; results come in the order of the jobs."""
        with one_thread():
            for chunk in chunks:
                for index, job in enumerate(chunk.jobs, chunk.first):
                    yield index, work(shared, job)
