"""Measure evidence in bulk: proxies of every architecture of a space, each function once, into a store on disk.

What is done is kept as it comes, so a killed run goes on where it was; a second run on the same store buys only what it
adds. Memory does not grow with the number of architectures: their measurements go to the store and are read again one
architecture after the other.
"""

import csv
import io
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archlock.errors import ConfigurationError
from archlock.evidence import EvidenceStore
from archlock.execution import Executor
from archlock.progress import Progress, Silent
from archlock.proxies import PROXIES, PUBLISHED_SEVEN
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_name, measure_proxies
from archlock.records import write_atomic
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Task


@dataclass(frozen=True, slots=True)
class MeasureConfig:
    """What to measure of which architectures."""

    space: str
    settings: ProxySettings = field(default_factory=ProxySettings)
    sample: int | None = None
    """So many architectures at random; None: the whole space."""
    seed: int = 0
    chunk: int = 4
    """Architectures that a worker gets at a time, and that are lost with it."""

    def __post_init__(self) -> None:
        size = len(SPACES[self.space])
        if self.sample is not None and not 1 <= self.sample <= size:
            raise ConfigurationError(f"a sample of {self.space} is of 1 to {size} architectures; got {self.sample}")
        if self.chunk < 1:
            raise ConfigurationError(f"a chunk is at least 1 architecture; got {self.chunk}")


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of one proxy on one task."""

    proxy: str
    task: str
    valid: int
    failed: int
    unsupported: int
    seconds: float
    """Of one thread, over all architectures; what proxies share is charged to the first of them."""


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What a store holds now of what was asked for."""

    store: Path
    space: str
    architectures: int
    functions: int
    """Different functions among them; only these are measured."""
    found: int
    """Functions that an earlier run had measured."""
    seconds: float
    """Wall time of this run."""
    tallies: tuple[Tally, ...]


def measure(
    tasks: Sequence[Task],
    config: MeasureConfig,
    *,
    store: Path,
    executor: Executor,
    progress: Progress | None = None,
) -> MeasureResult:
    """Measure the proxies of ``config`` on every task; ``store`` is an evidence store, made if it is not there.

    Every function is measured once, as the cheapest architecture that computes it (``Space.simplify``), under whose
    name it is kept. Proxies that fail or have no meaning for a task are kept as such and not tried again.
    """
    progress = progress or Silent()
    began = time.perf_counter()
    work = ProxyWork.on(by_name(tasks), config.settings, seed=config.seed)
    kept = EvidenceStore(store)
    chosen = drawn(config)
    functions = tuple(dict.fromkeys(map(SPACES[config.space].simplify, chosen)))
    measured = kept.covered(
        tasks={subject.fingerprint for subject in work.subjects.values()},
        measures=[measure_name(proxy) for proxy in config.settings.proxies],
        fidelity=config.settings.fidelity,
        seed=config.seed,
    )
    left = [function for function in functions if str(function) not in measured]
    progress.begin("proxies, by function", len(functions), len(functions) - len(left))
    for _, found in executor.run(measure_proxies, work, left, chunk=config.chunk):
        kept.write(found)
        progress.advance()
    return MeasureResult(
        store=store,
        space=config.space,
        architectures=len(chosen),
        functions=len(functions),
        found=len(functions) - len(left),
        seconds=time.perf_counter() - began,
        tallies=tallied(kept, work, functions),
    )


def by_name(tasks: Sequence[Task]) -> dict[str, Task]:
    """The tasks by their names; none at all, or two of one name, raise ConfigurationError."""
    found = {task.name: task for task in tasks}
    if len(found) < max(1, len(tasks)):
        names = ", ".join(task.name for task in tasks) or "none"
        raise ConfigurationError(f"measuring needs tasks of different names; got {names}")
    return found


def proxies_named(text: str) -> tuple[str, ...]:
    """``all``, ``published``, or names separated by commas; unknown names raise UnknownNameError."""
    known = {"all": tuple(PROXIES), "published": PUBLISHED_SEVEN}
    return known[text] if text in known else tuple(PROXIES[name.strip()].name for name in text.split(","))


def drawn(config: MeasureConfig) -> tuple[Architecture, ...]:
    """The architectures of a configuration, in the order of the space; a sample grows with its size, none is lost."""
    space = SPACES[config.space]
    if config.sample is None:
        return tuple(space.enumerate())
    order = rng_for(config.seed, "sample").permutation(len(space))[: config.sample]
    chosen = set(order.tolist())
    return tuple(one for place, one in enumerate(space.enumerate()) if place in chosen)


def tallied(store: EvidenceStore, work: ProxyWork, functions: Iterable[Architecture]) -> tuple[Tally, ...]:
    """What the store holds of the functions, by proxy and task."""
    counts: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    texts = map(str, functions)
    for _, known in store.each(texts, fidelity=work.settings.fidelity, seed=work.seed):
        for one in known:
            counts[one.key.measure, one.key.task, one.status] += 1
            seconds[one.key.measure, one.key.task] += one.seconds
    found = []
    for proxy in work.settings.proxies:
        for task, subject in work.subjects.items():
            place = (measure_name(proxy), subject.fingerprint)
            by_status = {status: counts[*place, status] for status in ("valid", "failed", "unsupported")}
            found.append(Tally(proxy, task, **by_status, seconds=seconds[place]))
    return tuple(found)


def write_proxy_csv(path: Path, tasks: Sequence[Task], config: MeasureConfig, *, store: Path) -> Path:
    """One row for every architecture of the configuration: its code, its function, and ``PROXY_TASK`` columns.

    A value that is not valid is an empty cell. ``archlock tables import csv`` takes the file.
    """
    work = ProxyWork.on(by_name(tasks), config.settings, seed=config.seed)
    kept, space = EvidenceStore(store), SPACES[config.space]
    columns = {
        (measure_name(proxy), subject.fingerprint): f"{proxy}_{task}"
        for task, subject in work.subjects.items()
        for proxy in config.settings.proxies
    }
    chosen = drawn(config)
    functions = (str(space.simplify(one)) for one in chosen)
    rows = kept.each(functions, fidelity=config.settings.fidelity, seed=config.seed)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["code", "function", *columns.values()])
    for architecture, (function, known) in zip(chosen, rows, strict=True):
        values = {(one.key.measure, one.key.task): one.value for one in known if one.status == "valid"}
        cells = [repr(values[place]) if place in values else "" for place in columns]
        writer.writerow([architecture.code, function.partition(":")[2], *cells])
    return write_atomic(path, stream.getvalue())
