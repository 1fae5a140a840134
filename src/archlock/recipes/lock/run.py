"""A run under way: what was asked, on what, with what, and the plan it follows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from archlock.decoding import decode
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.execution import kind_of, one_thread
from archlock.models import build, count_parameters
from archlock.progress import Progress
from archlock.recipes.doubles import refuse_doubles
from archlock.recipes.lock.allocation import allocate, keeping_limits
from archlock.recipes.lock.bounds import Bounds, bounds_of, refuse_at_once
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.gathering import EvidenceTasks, Resources
from archlock.recipes.lock.plan import FEW_EXAMPLES, Allocation, Workload
from archlock.recipes.lock.rehearsing import Rehearsals, check_rehearsable, fewest_examples
from archlock.recipes.naming import named
from archlock.recipes.proxy_evidence import ProxySettings, ProxyWork, measure_proxies
from archlock.recipes.settling import say_what_is_outdated
from archlock.recipes.task_records import enlargements
from archlock.recipes.workspace import PLAN, Workspace
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.tasks import FEW, SIMULATORS, Task, conform, conform_to, share_of_validation, subsample
from archlock.training import check_restricted

SOURCE_TASK = "source"
"""Name of the source among the tasks of a preference."""
PROXIES_BOUGHT = ProxySettings()
"""The seven published ones, at the default size."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Everything the search may use. It carries no sealed target, and nothing through which one could be reached."""

    config: LockConfig
    source: Task
    targets: Mapping[str, Task]
    """Targets that the search may know, by name."""
    workspace: Workspace
    resources: Resources
    allocation: Allocation
    bounds: Bounds | None = None
    """What the limits leave to choose from; None where there are none."""

    @property
    def trained(self) -> Path:
        """Folder of the full trainings on the source, finished and unfinished."""
        fidelity = self.allocation.final.fidelity(self.source, device=self.config.device)
        return self.workspace.trainings(fidelity)


def begin(
    source: Task,
    config: LockConfig,
    out: Path,
    *,
    known: Sequence[Task],
    sealed: int,
    store: Path | None,
    workers: int,
    progress: Progress,
) -> Run:
    """Check what is asked, open the run directory, and make the plan or take up the one that is there.

    ``sealed`` is how many sealed targets will be attacked: they cost time, so the plan must know their number.
    """
    if not source.traits.protected:
        raise UnsupportedError(
            f"the source {source.name!r} is a {source.kind} task; a lock needs classes or labels to keep apart, "
            "or fields of numbers"
        )

    refuse_at_once(config, source)

    @cache
    def at(shape: tuple[int, int, int]) -> tuple[Task, dict[str, Task]]:
        """Source and known targets with images of that size, made once for each size that the plan tries."""
        sized = conform(source, shape)
        return sized, known_targets(sized, config, known)

    _, targets = at(source.shape)  # what is wrong with them is said before anything is written
    if config.nontransferable is not None:
        check_restricted(tuple(targets.values()))
    if config.evidence == "rehearsal":
        check_rehearsable(tuple(targets.values()))
    for line in refuse_doubles(source, targets) if config.scheme == "tk" else ():
        progress.say(line)
    tasks = {"source": source.fingerprint, "known": [task.fingerprint for task in known], "sealed": sealed}
    workspace = Workspace.open(out, {"tasks": tasks, "config": config}, store=store)
    say_what_is_outdated(workspace.store, progress)
    workload = Workload(
        workers=workers,
        attacked=sealed + (len(known) if config.scheme == "tk" else 0),
        largest_target=max([len(source.train), *(len(task.train) for task in known)]),
    )

    def seconds_a_candidate(sized: Task, draft: Allocation) -> float:
        return _seconds_a_candidate(config, *at(sized.shape), draft)

    def seconds_rehearsing(sized: Task, draft: Allocation) -> float:
        return _seconds_rehearsing(config, *at(sized.shape), draft)

    def plan() -> Allocation:
        progress.say(f"planning for a budget of {config.budget}")
        planned = allocate(config, source, workload, seconds_a_candidate, seconds_rehearsing)
        workspace.check_room(_bytes_to_write(config, source, planned))
        return planned

    allocation = decode(Allocation, workspace.once(PLAN, plan))
    if allocation.shape != source.shape:
        size, pictures = source.words.size(allocation.shape), source.form == "image"
        progress.say(
            f"{source.words} are made {size} for this budget; give more{', or --image-size,' if pictures else ''} "
            "to keep another size"
        )
    for line in enlargements({"the source": source, **(targets if config.scheme == "tk" else {})}):
        progress.say(line)
    if allocation.final.source_plan.crop is not None:
        progress.say(
            "training images are augmented as photographs: random windows, mirroring, colours (with --augmentation "
            "shift by small shifts alone)"
        )
    sized, sized_targets = at(allocation.shape)
    resources = Resources(workspace.store, progress, workers, config.seed)
    bounds = bounds_of(config, sized.signature, workspace, progress)
    return Run(config, sized, sized_targets, workspace, resources, allocation, bounds)


def known_targets(source: Task, config: LockConfig, known: Sequence[Task]) -> dict[str, Task]:
    """The targets that the search may know under the scheme: none, the owner's, or simulated ones."""
    if config.scheme == "tk":
        if not known:
            raise ConfigurationError("scheme tk needs the targets it is to lock against; name one with --target")
        return named([conform_to(task, source.signature) for task in known])
    if known:
        raise ConfigurationError(
            f"scheme {config.scheme} must not see targets; use --scheme tk to lock against them, or --audit to have "
            "the finished lock attacked on them"
        )
    if config.scheme == "s":
        return {}
    asked = config.stand_ins_for(source.form)[0]
    fitting = [name for name in asked if SIMULATORS[name].supports(source)]
    if not fitting:
        reasons = "; ".join(f"{name}: {SIMULATORS[name].obstacle(source)}" for name in asked)
        raise UnsupportedError(
            f"no target can be simulated from {source.name!r} ({reasons}); name others with --simulate"
        )
    return {name: SIMULATORS[name].simulate(source, seed=config.seed) for name in fitting}


def known_fingerprints(run: Run) -> dict[str, str]:
    """Names of the source and the known targets, at full and at evidence size, by fingerprint."""
    small = evidence_tasks(run.source, run.targets, run.allocation, run.config)
    found = {run.source.fingerprint: "source", small.source.fingerprint: "source"}
    for tasks in (run.targets, small.targets):
        found.update({task.fingerprint: name for name, task in tasks.items()})
    return found


def evidence_tasks(
    source: Task, targets: Mapping[str, Task], allocation: Allocation, config: LockConfig
) -> EvidenceTasks:
    """The tasks of adaptation evidence: smaller images, as many examples as planned, but enough for a rehearsal."""
    rehearsals = rehearsals_of(config, targets, allocation)
    enough = 0 if rehearsals is None else rehearsals.shots + FEW

    def reduced(task: Task, examples: int) -> Task:
        task = subsample(task, examples, seed=0) if task.train.stored else task
        small = conform(task, allocation.evidence_shape)
        return subsample(small, min(examples, len(small.train)), seed=0)

    small = {
        name: reduced(task, max(allocation.target_examples, enough * len(task.classes)))
        for name, task in targets.items()
    }
    less = reduced(source, allocation.source_examples)
    short = None if rehearsals is None else rehearsals.short
    return EvidenceTasks(less, small, allocation.evidence, rehearsals=short, device=config.device)


def rehearsals_of(config: LockConfig, targets: Mapping[str, Task], allocation: Allocation) -> Rehearsals | None:
    """How attacks on candidates are rehearsed, with the fewest examples that the attackers will have; None: not."""
    if config.evidence != "rehearsal" or not targets:
        return None
    most = allocation.attack_examples
    return Rehearsals(fewest_examples(tuple(targets.values()), config.shots, config.fractions, most))


def _bytes_to_write(config: LockConfig, source: Task, planned: Allocation) -> int:
    """About how many bytes trainings leave: each a checkpoint (weights, their best, momentum) and weights."""
    settings = planned.final
    model = build(_middling(config, source), source.signature, width=settings.width, depth=settings.depth, seed=0)
    released = (2 + len(config.arms)) * config.attack_seeds
    trainings = (2 + ("nsga2" in config.arms)) * planned.finalists + released * (
        1 if config.nontransferable is None else 2
    )
    return 4 * 4 * count_parameters(model) * trainings


def _middling(config: LockConfig, source: Task) -> Architecture:
    """An architecture of middling size among those that keep the limits."""
    space = SPACES[config.space]
    if config.limits.exact:
        kept = keeping_limits(config, source)
        return kept[int(np.argsort(space.relative_cost(kept), kind="stable")[len(kept) // 2])]
    architecture = space.sample(rng_for(0, "timing"))
    while not space.is_connected(architecture):
        architecture = space.neighbours(architecture)[-1]
    return architecture


def _seconds_a_candidate(config: LockConfig, source: Task, targets: Mapping[str, Task], draft: Allocation) -> float:
    """Seconds of one worker for the evidence on one architecture of middling size, measured here on its device.

    Where short trainings see many images, one that sees few of them, and is judged by as small a share, stands for it.
    """
    architecture, device = _middling(config, source), config.device
    share = min(1.0, FEW_EXAMPLES / draft.source_examples)
    few = min(draft.source_examples, FEW_EXAMPLES)
    small = evidence_tasks(source, targets, replace(draft, source_examples=few), config)
    small = replace(small, source=share_of_validation(small.source, share, seed=0))
    more = 0.0
    with one_thread():
        for _ in range(1 if kind_of(device) == "cpu" else 2):  # the first time on an accelerator it is being started
            began = time.perf_counter()
            if config.evidence == "zero_cost":
                tasks = {SOURCE_TASK: small.source, **small.targets}
                measure_proxies(ProxyWork.on(tasks, PROXIES_BOUGHT, seed=0, device=device), architecture)
            else:
                training, *_ = small.measure(architecture, 0)
                more = training.seconds * (1 / share - 1)
    return time.perf_counter() - began + more


def _seconds_rehearsing(config: LockConfig, source: Task, targets: Mapping[str, Task], draft: Allocation) -> float:
    """Seconds of one worker for all that is rehearsed on one full training, from one draw of each target's examples and
    an untrained network of middling size."""
    rehearsals, settings = rehearsals_of(config, targets, draft), draft.final
    if rehearsals is None:
        return 0.0
    architecture = _middling(config, source)
    model = build(architecture, source.signature, width=settings.width, depth=settings.depth, seed=0)
    once = replace(rehearsals, draws=1)
    keys = {
        once.key(architecture, one, settings, source, seed=0, device=config.device): one for one in targets.values()
    }
    with one_thread():
        found = list(once.measure(model, keys, seed=0, device=config.device))
    return rehearsals.draws * sum(one.seconds for one in found)
