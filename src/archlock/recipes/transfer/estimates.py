"""Transferability estimates of recorded source models on every target, beside what fine-tuning truly brought."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from archlock.adaptation import weights_file
from archlock.evidence import EvidenceStore, Key, Measurement, fidelity_name
from archlock.execution import Executor, computed_on
from archlock.identity import tag_of
from archlock.models import build, load_weights
from archlock.progress import Progress
from archlock.recipes.settling import settle
from archlock.recipes.transfer.work import TransferWork
from archlock.spaces import Architecture
from archlock.transferability import ESTIMATES, Estimate, measure_estimates

EXAMPLES: Final = 400
"""Training images of a target that estimates look at, at most."""


def estimate_key(work: TransferWork, architecture: Architecture, name: str, task: str, source: str, seed: int) -> Key:
    """Where an estimate is in the store."""
    fidelity = _fidelity(work, source)
    return Key(str(architecture), work.targets[task].fingerprint, estimate_measure(name), "train", fidelity, seed)


def estimate_measure(name: str) -> str:
    """What an estimate is called in the store; a plug-in with the fingerprint of its code."""
    return f"estimate.{name}{tag_of(ESTIMATES[name], base=Estimate)}"


def _fidelity(work: TransferWork, source: str) -> str:
    settings = f"{EXAMPLES}-of-{work.fidelity(work.sources[source])}"
    return fidelity_name("estimates", settings, computed=computed_on(work.device))


def kept_in(work: TransferWork, source: str) -> Path:
    """Where the models trained on a source lie."""
    return (work.folder or Path()) / source


def gather_estimates(
    architectures: Sequence[Architecture],
    work: TransferWork,
    *,
    seed: int,
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
) -> None:
    """Estimate every model whose weights were kept, on every target of its source, where the store lacks it."""
    if work.folder is None:
        return
    jobs: list[tuple[Architecture, str, int]] = []
    total = 0
    for source in work.sources:
        known = store.covered(
            tasks={task.fingerprint for task in work.others(source).values()},
            measures=set(map(estimate_measure, ESTIMATES)),
            fidelity=_fidelity(work, source),
            seed=seed,
        )
        kept = [one for one in architectures if weights_file(kept_in(work, source), one, seed).exists()]
        total += len(kept)
        jobs += [(one, source, seed) for one in kept if str(one) not in known]
    progress.begin("estimates", total, total - len(jobs))
    for _, found in executor.run(estimate_job, work, jobs):
        settle(store, found, progress)
        progress.advance()


def estimate_job(work: TransferWork, job: tuple[Architecture, str, int]) -> tuple[Measurement, ...]:
    """All estimates of one source model on all its targets."""
    architecture, source, seed = job
    signature, settings = work.sources[source].signature, work.settings
    model = build(architecture, signature, width=settings.width, depth=settings.depth, seed=0)
    load_weights(model, weights_file(kept_in(work, source), architecture, seed))
    found, ready = [], model.eval().to(work.device)
    for name, task in work.others(source).items():
        for one in measure_estimates(ready, task, examples=EXAMPLES, seed=seed, device=work.device):
            key = estimate_key(work, architecture, one.name, name, source, seed)
            found.append(Measurement(key, one.value, "", 0.0, one.status, one.note))
    return tuple(found)
