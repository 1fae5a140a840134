"""What happens in a worker: a chunk comes in as bytes, its results go out as bytes.

Everything travels by value (cloudpickle), so workers need not be able to import the user's script. What cannot be
packed or unpacked is an error of the job, never the end of the worker.
"""

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import cloudpickle

from archlock.errors import RunError
from archlock.execution.executor import Chunk


class Station:
    """Work and shared data in a worker; they are unpacked with the first chunk."""

    def __init__(self, parcel: bytes) -> None:
        self._parcel: bytes | None = parcel
        self._unpacked: tuple[Callable[[Any, Any], Any], Any] | None = None

    def perform(self, parcel: bytes, stopped: Callable[[], bool]) -> bytes:
        """The answer to a chunk: results up to the first job that failed, and its error; none begins once stopped."""
        results: list[Any] = []
        index = None
        try:
            if self._unpacked is None:
                self._unpacked, self._parcel = cloudpickle.loads(self._parcel), None
            work, shared = self._unpacked
            chunk: Chunk[Any] = cloudpickle.loads(parcel)
            index = chunk.first
            for job in chunk.jobs:
                if stopped():
                    break
                results.append(work(shared, job))
                index += 1
            return _packed((results, None, ""))
        except BaseException as error:
            return _failed(index, results, error)


def answered(first: int, answer: bytes) -> Iterator[tuple[int, Any]]:
    """The results in an answer, with the indices of their jobs; then the error, if there is one."""
    results, error, trace = cloudpickle.loads(answer)
    yield from enumerate(results, first)
    if error is not None:
        error.add_note(f"\nIn the worker:\n{trace}")
        raise error


def _failed(index: int | None, results: list[Any], error: BaseException) -> bytes:
    trace = "".join(traceback.format_exception(error))
    for kept in (results, []):  # without the results, if it is they that cannot travel
        try:
            answer = _packed((kept, error, trace))
            cloudpickle.loads(answer)
        except Exception:
            continue
        return answer
    message = f"job {index} raised {type(error).__name__}, which cannot travel between processes: {error}"
    return _packed(([], RunError(message), trace))


def _packed(answer: tuple[list[Any], BaseException | None, str]) -> bytes:
    parcel: bytes = cloudpickle.dumps(answer)
    return parcel
