"""Measure evidence in bulk: proxies and short trainings of every architecture of a space, each function once.

What is done goes to a store on disk as it comes, so a killed run goes on where it was; a larger sample
buys only what it adds. Memory does not grow with the number of architectures: their measurements go to the store and
are read again one architecture after the other.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlock.evidence import EvidenceStore
from archlock.execution import Executor, resolve_device
from archlock.progress import Progress, Silent
from archlock.proxies import PROXIES, PUBLISHED_SEVEN
from archlock.recipes.measure.config import MeasureConfig
from archlock.recipes.measure.recording import Tally, Wanted, tallied, write_csv
from archlock.recipes.measure.training_evidence import TrainingWork, gather_short_trainings
from archlock.recipes.naming import by_name
from archlock.recipes.proxy_evidence import ProxyWork, measure_name, measure_proxies
from archlock.recipes.settling import say_what_is_outdated
from archlock.records import check_writable
from archlock.seeding import rng_for
from archlock.short_training import SHORT
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Task


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """What a store holds now of what was asked for."""

    store: Path
    space: str
    architectures: int
    functions: int
    """Different functions among them; only these are measured."""
    seconds: float
    """Wall time of this run."""
    tallies: tuple[Tally, ...]


def measure(
    tasks: Sequence[Task],
    config: MeasureConfig,
    *,
    store: Path,
    executor: Executor,
    table: Path | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
) -> MeasureResult:
    """Measure proxies and short trainings on every task; ``store`` is an evidence store, made if it is not there.

    Every function is measured once, as the cheapest architecture that computes it (``Space.simplify``), under whose
    name it is kept. Proxies that fail or have no meaning for a task, and trainings that diverge, are kept as such and
    not tried again. ``table`` is a CSV file to write too, with a row for every architecture. ``device`` (``auto``:
    a GPU where there is one) is where networks are trained and proxies measured; for an accelerator the executor
    should have one worker (``workers_for``). An absent device raises ConfigurationError before anything is written.
    """
    progress, device = progress or Silent(), resolve_device(device)
    began = time.perf_counter()
    if table is not None:
        check_writable(table)
    named, kept, chosen = by_name(tasks), EvidenceStore(store), sampled(config)
    functions = tuple(dict.fromkeys(map(SPACES[config.space].simplify, chosen)))
    say_what_is_outdated(kept, progress)
    wanted: list[Wanted] = []
    if config.proxies is not None:
        work = ProxyWork.on(named, config.proxies, seed=config.seed, device=device)
        gather_proxies(functions, work, store=kept, executor=executor, progress=progress, chunk=config.chunk)
        wanted += proxies_wanted(work)
    if config.trainings is not None:
        seeds = range(config.seed, config.seed + config.trainings.seeds)
        training = TrainingWork.on(named, config.trainings, device=device)
        gather_short_trainings(functions, training, seeds, store=kept, executor=executor, progress=progress)
        wanted += trainings_wanted(training, seeds)
    if table is not None:
        write_csv(table, kept, SPACES[config.space], chosen, wanted)
    return MeasureResult(
        store=store,
        space=config.space,
        architectures=len(chosen),
        functions=len(functions),
        seconds=time.perf_counter() - began,
        tallies=tallied(kept, functions, wanted),
    )


def gather_proxies(
    functions: Sequence[Architecture],
    work: ProxyWork,
    *,
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
    chunk: int,
) -> None:
    """Measure the functions of which the store lacks a proxy."""
    measured = store.covered(
        tasks={task.fingerprint for task in work.tasks.values()},
        measures=[measure_name(proxy) for proxy in work.settings.proxies],
        fidelity=work.fidelity,
        seed=work.seed,
    )
    left = [function for function in functions if str(function) not in measured]
    progress.begin("proxies, by function", len(functions), len(functions) - len(left))
    for _, found in executor.run(measure_proxies, work, left, chunk=chunk):
        store.write(found)
        progress.advance()


def proxies_named(text: str) -> tuple[str, ...]:
    """``all``, ``published``, ``none``, or names separated by commas; unknown names raise UnknownNameError."""
    known = {"all": tuple(PROXIES), "published": PUBLISHED_SEVEN, "none": ()}
    return known[text] if text in known else tuple(PROXIES[name.strip()].name for name in text.split(","))


def sampled(config: MeasureConfig) -> tuple[Architecture, ...]:
    """The architectures of a configuration, in the order of the space; a sample grows with its size, none is lost."""
    space = SPACES[config.space]
    if config.sample is None:
        return tuple(space.enumerate())
    order = rng_for(config.seed, "sample").permutation(len(space))[: config.sample]
    chosen = set(order.tolist())
    return tuple(one for place, one in enumerate(space.enumerate()) if place in chosen)


def proxies_wanted(work: ProxyWork) -> list[Wanted]:
    """A column for every proxy on every task."""
    return [
        Wanted(f"{proxy}_{name}", measure_name(proxy), name, task.fingerprint, work.fidelity, work.seed)
        for name, task in work.tasks.items()
        for proxy in work.settings.proxies
    ]


def trainings_wanted(work: TrainingWork, seeds: Sequence[int]) -> list[Wanted]:
    """A column for every seed on every task."""
    return [
        Wanted(f"{SHORT}_{name}_{seed}", SHORT, name, task.fingerprint, work.fidelity, seed)
        for name, task in work.tasks.items()
        for seed in seeds
    ]
