"""A recorded table made of what :func:`~archlock.recipes.transfer.procedure.record_transfer` put into a store.

What is sold (truth) is the validation accuracy of the first run after training on a source, and after full fine-tuning
of these weights on a target; what judges is the test accuracy of the last run. Evidence is cheaper: a linear probe of
these weights, and a shorter training from scratch on fewer images where a source is a target too. What only explains
(probes on the test split, trainings from scratch, single runs behind the means, sizes) is there as well, but no search
sees the repeats.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.adaptation import FINE_TUNE, PROBE, SCRATCH, SOURCE
from archlock.errors import TableError
from archlock.evidence import EvidenceStore, Measurement
from archlock.models import build, count_flops, count_parameters
from archlock.recipes.transfer.estimates import estimate_key, estimate_measure
from archlock.recipes.transfer.outcomes import AttackWork
from archlock.recipes.transfer.series import Series, attack_series
from archlock.recipes.transfer.work import TransferWork, transfer_values
from archlock.spaces import Architecture
from archlock.tables import Provenance, RecordedColumn, Role, Table
from archlock.transferability import ESTIMATES

WORDS: Final = {SOURCE: "source", SCRATCH: "scratch", PROBE: "probe", FINE_TUNE: "fine_tune"}
ROLES: Final[dict[tuple[str, str], Role]] = {
    (SOURCE, "validation"): "truth",
    (FINE_TUNE, "validation"): "truth",
    (SOURCE, "test"): "judge",
    (FINE_TUNE, "test"): "judge",
    (PROBE, "validation"): "evidence",
    (SCRATCH, "validation"): "evidence",
}
"""By measure and split; everything else is a repeat. Of several runs the first is sold and the last judges: no run is
both what chooses and what judges, and means of all runs are repeats."""


def transfer_table(
    name: str,
    architectures: Sequence[Architecture],
    work: TransferWork,
    store: EvidenceStore,
    *,
    seeds: Sequence[int],
    provenance: Provenance,
    attackers: AttackWork | None = None,
) -> Table:
    """The table of all architectures that were measured whole with the first seed; means are over the complete seeds.

    Columns are named ``TASK_HOW_SPLIT``, with ``_from_SOURCE`` after the task where weights were taken over and
    ``_seedN`` at the end of a single run; transferability estimates are proxies. Where a second seed is not
    complete, the architectures that have it tell the noise of a run. Failed trainings are left out of means. No
    complete architecture raises :class:`~archlock.errors.TableError`.
    """
    recorded = tuple(_adaptations(architectures, work, store, seeds))
    if attackers is not None:
        recorded = tuple(attack_series(architectures, attackers, store, seeds))
    kept = sorted(one for one in architectures if all((one, seeds[0]) in each.found for each in recorded))
    if not kept:
        raise TableError("no architecture is measured on all sources and targets yet; go on recording")
    columns: list[RecordedColumn] = []
    values: list[Float[np.ndarray, " architectures"]] = []
    for each in recorded:
        runs = np.array([[_value(each.found.get((one, seed))) for one in kept] for seed in seeds])
        whole = [all((one, seed) in each.found for one in kept) for seed in seeds]
        noise = run_noise(_compared(runs, whole)) if each.role == "truth" else 0.0
        mean = RecordedColumn(
            each.name,
            each.task,
            each.role,
            "accuracy",
            each.split,
            each.epochs,
            "final",
            f"mean of {sum(whole)} runs" if sum(whole) > 1 else "one run",
            start=each.start,
            noise=noise if sum(whole) < 2 else 0.0,
        )
        several = sum(whole) > 1
        split_up = several and mean.role in ("truth", "judge", "evidence")
        columns.append(replace(mean, role="repeat") if split_up else mean)
        values.append(_mean(runs[whole]))
        last = max(place for place, complete in enumerate(whole) if complete)
        for place, (seed, run) in enumerate(zip(seeds if len(seeds) > 1 else (), runs, strict=False)):
            counts = split_up and place == (last if mean.role == "judge" else 0)
            single = replace(
                mean,
                name=f"{mean.name}_seed{seed}",
                role=mean.role if counts else "repeat",
                runs=f"seed {seed}",
                noise=noise if counts else 0.0,
            )
            columns.append(single)
            values.append(run)
    for column, run in _estimates(kept, work, store, seeds[0]):
        columns.append(column)
        values.append(run)
    for label, sizes in zip(("parameters", "flops"), _sizes(kept, work), strict=True):
        columns.append(RecordedColumn(label, "", "cost", label, higher_is_better=False))
        values.append(sizes)
    return Table(name, kept[0].space, tuple(one.code for one in kept), tuple(columns), np.array(values), provenance)


def _adaptations(
    architectures: Sequence[Architecture], work: TransferWork, store: EvidenceStore, seeds: Sequence[int]
) -> Iterator[Series]:
    """Probes, fine-tunings and trainings from scratch at one setting each."""
    for (measure, task, source, split), found in transfer_values(architectures, work, store, seeds=seeds):
        start = str(source) if measure in (PROBE, FINE_TUNE) else ""
        yield Series(
            f"{task}{start and f'_from_{start}'}_{WORDS[measure]}_{split}",
            task,
            ROLES.get((measure, split), "repeat"),
            split,
            (work.settings.source_plan if measure == SOURCE else work.settings.target_plan).epochs,
            start,
            found,
        )


def _estimates(
    kept: Sequence[Architecture], work: TransferWork, store: EvidenceStore, seed: int
) -> Iterator[tuple[RecordedColumn, Float[np.ndarray, " architectures"]]]:
    """Every estimate of every pair that has a value of it."""
    pairs = [(source, task) for source in work.sources for task in work.others(source)]
    for name in ESTIMATES:
        known = store.read(measure=estimate_measure(name))
        for source, task in pairs:
            keys = [estimate_key(work, one, name, task, source, seed) for one in kept]
            run = np.array([_value(known.get(key)) for key in keys])
            if np.isfinite(run).any():
                label = f"{task}_from_{source}_{name}"
                yield RecordedColumn(label, task, "proxy", name, runs=f"seed {seed}", start=source), run


def _compared(runs: Float[np.ndarray, "seeds architectures"], whole: Sequence[bool]) -> Float[np.ndarray, "seeds some"]:
    """The complete runs; where that is one, it and the one of which there is most; no architecture without a second."""
    if sum(whole) > 1:
        return np.stack([run for run, complete in zip(runs, whole, strict=True) if complete])
    if len(runs) < 2:
        return np.empty((1, 0))
    most = 1 + int(np.argmax(np.isfinite(runs[1:]).sum(axis=1)))
    return np.stack([runs[0], runs[most]])


def run_noise(runs: Float[np.ndarray, "runs architectures"]) -> float:
    """Standard deviation of one run about the mean of many: the median over architectures of their runs' own.

    Architectures with a failed run do not count; 0, not known, where all have one.
    """
    from scipy.stats import chi2

    whole = runs[:, np.isfinite(runs).all(axis=0)]
    if not whole.size:
        return 0.0
    degrees = len(runs) - 1
    spread = np.median(whole.var(axis=0, ddof=1))  # of a normal variance with few degrees of freedom
    return float(np.sqrt(spread * degrees / chi2.ppf(0.5, degrees)))


def _value(measurement: Measurement | None) -> float:
    return np.nan if measurement is None else measurement.value  # a failed one is NaN as well


def _mean(runs: Float[np.ndarray, "seeds architectures"]) -> Float[np.ndarray, " architectures"]:
    counted = np.isfinite(runs).sum(axis=0)
    return np.where(counted > 0, np.nansum(runs, axis=0) / np.maximum(counted, 1), np.nan)


def _sizes(architectures: Sequence[Architecture], work: TransferWork) -> Float[np.ndarray, "2 architectures"]:
    """Parameters and floating-point operations for one image, of the network for the first source."""
    signature = next(iter(work.sources.values())).signature
    width, depth = work.settings.width, work.settings.depth
    found = []
    for one in architectures:
        model = build(one, signature, width=width, depth=depth, seed=0)
        found.append((count_parameters(model), count_flops(model, signature.shape)))
    return np.array(found, dtype=np.float64).T
