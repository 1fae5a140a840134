"""What happens in a worker of a Dask cluster. Imports Dask: import it only where Dask is needed."""

import threading
from contextlib import ExitStack
from typing import Any, Final

from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from archlock.execution.threads import one_thread
from archlock.execution.worker_side import Station

_turn: Final = threading.Lock()
"""Jobs share the random generator of their process, so they take turns in it."""

_here: Final = threading.local()
_life: Final = ExitStack()
"""What this process holds on to until it ends."""


class StationPlugin(WorkerPlugin):  # type: ignore[misc]
    """Work and shared data of one run: Dask sends it to every worker once, also to workers that come later."""

    def __init__(self, parcel: bytes) -> None:
        self.station = Station(parcel)
        self.stopped = False

    def teardown(self, worker: Any) -> None:  # noqa: ARG002
        """The run is over: no other job begins."""
        self.stopped = True


def perform(run: str, parcel: bytes) -> bytes:
    """The answer to a chunk of a run."""
    plugin = get_worker().plugins[run]
    with _turn:
        _settle()
        return bytes(plugin.station.perform(parcel, lambda: plugin.stopped))


def _settle() -> None:
    """One numerical thread, for good. Libraries count threads for each thread that calls them, so say it in each."""
    if not hasattr(_here, "settled"):
        _life.enter_context(one_thread())
        _here.settled = True
