"""From what a compaction did to its record."""

from collections.abc import Mapping, Sequence
from typing import Any

import safetensors.torch
from torch import nn

from archlock.errors import ArchLockError
from archlock.models import TAPPED, Structure, all_tensors, count_parameters
from archlock.recipes.compact.shrinking import Trial
from archlock.recipes.limits.record import Runtime
from archlock.recipes.limits.runtimes import chosen_runtime, here, time_module
from archlock.reports import CompactSize, NarrowedGroup, TrialRecord
from archlock.training import Choice


def sizes(
    models: Sequence[nn.Module], structures: Sequence[Structure], shape: tuple[int, int, int], asked: Runtime | None
) -> dict[str, Any]:
    """What networks cost, timed in the same runtime one after the other; in torch where ONNX cannot hold one."""
    runtime, notes = chosen_runtime(asked), list[str]()
    try:
        timings = [time_module(model, shape, runtime) for model in models]
    except ArchLockError:
        raise
    except Exception as error:  # (a stranger's module may be beyond the exporter in any way)
        if asked is not None:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        runtime = "torch"
        notes.append(f"latencies are taken in torch, since the network cannot be written as ONNX ({reason})")
        timings = [time_module(model, shape, runtime) for model in models]
    notes += [timing.busy for timing in timings if timing.busy][:1]
    found = [
        CompactSize(
            parameters=count_parameters(model),
            macs=structure.macs,
            weights_bytes=len(safetensors.torch.save(_tensors(model))),
            latency_ms=timing.cpu_ms,
        )
        for model, structure, timing in zip(models, structures, timings, strict=True)
    ]
    return {"sizes": found, "timed_in": here(runtime).words, "notes": notes}


def _tensors(model: nn.Module) -> dict[str, Any]:
    return {key: value.detach().cpu().clone().contiguous() for key, value in all_tensors(model).items()}


def narrowed_groups(choice: Choice, gone: Mapping[str, Sequence[int]]) -> tuple[NarrowedGroup, ...]:
    """Of every group that could be narrowed what is left."""
    return tuple(
        NarrowedGroup(
            name=group.name.removeprefix(TAPPED),
            kind=group.kind,
            units=group.units,
            kept=group.units - len(gone.get(group.name, ())),
        )
        for group in choice.groups
    )


def left_alone(structure: Structure, choice: Choice) -> tuple[str, ...]:
    """What stays of every layer, and why."""
    able = {group.name for group in choice.groups}
    said = [
        f"{one.layer.removeprefix(TAPPED)}: {one.channels} of {one.of} channels stay, {one.why.replace(TAPPED, '')}"
        for one in structure.fixed
        if one.of
    ]
    for group in structure.groups:
        if group.name not in able:
            of = choice.goal.divisible
            few = f"a multiple of {of} is kept, and it has no more" if group.units > 1 else "it has no other"
            why = few if group.exact else f"removal is not exact ({group.why})"
            said.append(
                f"{group.name.removeprefix(TAPPED)}: {group.units} {group.kind} stay, {why.replace(TAPPED, '')}"
            )
    return tuple(said)


def trial_record(trial: Trial, score: float | None) -> TrialRecord:
    """What is said of a training."""
    fading = () if trial.removed is None else trial.removed.losses
    trained = trial.trained
    return TrialRecord(
        rate=trial.rate,
        validation=score,
        curve=() if trained is None else trained.curve,
        losses=(*fading, *(() if trained is None else trained.losses)),
        note=trial.note,
    )
