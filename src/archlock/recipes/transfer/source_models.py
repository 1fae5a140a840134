"""The models that were trained on a source: one training each, kept as weights, with its scores in the store.

The store remembers the digest of the file beside the scores, so a file that was exchanged or made with other settings
is not taken for the model that was scored: it is trained again.
"""

import hashlib
import math
import time
from pathlib import Path

from torch import nn

from archlock.adaptation import SOURCE, weights_file
from archlock.errors import MeasurementError
from archlock.evidence import EvidenceStore, Key, Measurement, fidelity_name
from archlock.execution import computed_on
from archlock.models import build, load_weights, save_weights
from archlock.recipes.transfer.work import SPLITS, TransferWork
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.training import evaluate, fit

SourceJob = tuple[Architecture, int, str]
"""An architecture, a seed and a source."""


def source_fidelity(work: TransferWork, source: str) -> str:
    """Name of the way in which models of a source are trained; targets play no part in it."""
    settings = work.settings
    parts = [settings.width, settings.depth, settings.source_plan, work.sources[source].fingerprint]
    return fidelity_name("adaptation", fingerprint(["source", *parts]), computed=computed_on(work.device))


def source_key(work: TransferWork, job: SourceJob, split: str) -> Key:
    """Where the score of a source model is in the store."""
    architecture, seed, source = job
    task = work.sources[source].fingerprint
    return Key(str(architecture), task, SOURCE, split, source_fidelity(work, source), seed)


def kept_at(work: TransferWork, job: SourceJob) -> Path:
    """Where the weights of a source model are."""
    architecture, seed, source = job
    return weights_file((work.folder or Path()) / source, architecture, seed)


def is_scored(work: TransferWork, job: SourceJob, store: EvidenceStore) -> bool:
    """Whether the scores are known; the weights may be gone, if nobody has to attack them any more."""
    return _score(work, job, store) is not None


def is_trained(work: TransferWork, job: SourceJob, store: EvidenceStore) -> bool:
    """Whether the scores are known and the very weights that were scored are there, or the training had failed."""
    found = _score(work, job, store)
    return found is not None and (found.status != "valid" or digest_of(kept_at(work, job)) == found.note != "")


def train_source(work: TransferWork, job: SourceJob) -> tuple[Measurement, ...]:
    """Train one source model, keep its weights, and score it on validation and test split.

    It goes on from a checkpoint beside the weights. A training that diverges is two measurements that say so.
    """
    architecture, seed, source = job
    task, file = work.sources[source], kept_at(work, job)
    began = time.perf_counter()
    keys = [source_key(work, job, split) for split in SPLITS]
    task_seed = derive_seed(seed, str(architecture), task.fingerprint)
    checkpoint = file.with_suffix(".checkpoint")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        model = _untrained(work, architecture, source, task_seed)
        plan = work.settings.source_plan
        trained = fit(model, task, plan, checkpoint=checkpoint, seed=task_seed, device=work.device)
    except MeasurementError as error:
        spent = time.perf_counter() - began
        return tuple(Measurement(key, math.nan, "accuracy", spent, "failed", str(error)) for key in keys)
    save_weights(trained.model, file)
    checkpoint.unlink(missing_ok=True)
    scores = (trained.validation, evaluate(trained.model, task.test, device=work.device))
    return tuple(
        Measurement(key, score, "accuracy", trained.seconds if place == 0 else 0.0, note=digest_of(file))
        for place, (key, score) in enumerate(zip(keys, scores, strict=True))
    )


def source_model(work: TransferWork, job: SourceJob) -> nn.Module:
    """The trained model, in evaluation mode."""
    model = _untrained(work, job[0], job[2], 0)
    return load_weights(model, kept_at(work, job)).eval()


def digest_of(file: Path) -> str:
    """SHA-256 of a file; empty where there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def _score(work: TransferWork, job: SourceJob, store: EvidenceStore) -> Measurement | None:
    known = store.read(measure=SOURCE, fidelity=source_fidelity(work, job[2]))
    return known.get(source_key(work, job, "test"))


def _untrained(work: TransferWork, architecture: Architecture, source: str, seed: int) -> nn.Module:
    settings, signature = work.settings, work.sources[source].signature
    return build(architecture, signature, width=settings.width, depth=settings.depth, seed=seed)
