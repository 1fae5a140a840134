"""What a model is like before and after: its layers, how far its answers move, what it costs to keep and to run."""

import zlib
from collections.abc import Mapping, Sequence

import safetensors.torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import TAPPED, LayerConditioning, Stretching, all_tensors, conditioning_of, local_constants
from archlock.recipes.limits.runtimes import chosen_runtime, time_module
from archlock.reports import LayerRecord, LayerState, SizeRecord, SmoothnessRecord
from archlock.tasks import Task
from archlock.training import batch_of

LOOKED_AT = 64
"""Test images at which local constants are measured."""


def layer_records(
    before: nn.Module, dense: nn.Module, after: nn.Module, norms: Sequence[Mapping[str, float]]
) -> tuple[LayerRecord, ...]:
    """Every convolution and linear layer at the three moments, with its norms at each, by name."""
    found = []
    owners: dict[int, str] = {}
    for first, second, third in zip(*map(conditioning_of, (before, dense, after)), strict=True):
        weights = [_weight(one.get_submodule(third.name)) for one in (before, dense, after)]
        zeros = [int((weight == 0).sum()) for weight in weights]
        owner = owners.setdefault(weights[2].data_ptr(), third.name)
        states = [
            _state(one, count, by_name.get(one.name))
            for one, count, by_name in zip((first, second, third), zeros, norms, strict=True)
        ]
        note = _note(after.get_submodule(third.name), third)
        found.append(
            LayerRecord(
                name=third.name.removeprefix(TAPPED),
                weights=weights[2].numel(),
                filters=third.filters,
                before=states[0],
                dense=states[1],
                after=states[2],
                note=note,
                shared_with="" if owner == third.name else owner.removeprefix(TAPPED),
            )
        )
    return tuple(found)


def smoothness(model: nn.Module, stretching: Stretching, task: Task) -> SmoothnessRecord:
    """Bound and measured constants of a model in evaluation mode."""
    rows = range(min(LOOKED_AT, len(task.test)))
    try:
        found = local_constants(model, batch_of(task.test.take(rows)).images)
    except MeasurementError as error:
        raise UnsupportedError(f"nothing can be trained against an adversary here: {error}") from error
    return SmoothnessRecord(
        bound=stretching.bound,
        note=stretching.note,
        median_local=float(found.median()),
        largest_local=float(found.max()),
        images=len(rows),
    )


def size(model: nn.Module, shape: tuple[int, int, int]) -> SizeRecord:
    """Of its weights as a file, and its latency for one image, measured here."""
    content = safetensors.torch.save(
        {name: value.detach().cpu().clone().contiguous() for name, value in all_tensors(model).items()}
    )
    timing = time_module(model, shape, chosen_runtime(None))
    return SizeRecord(
        file_bytes=len(content),
        deflated_bytes=len(zlib.compress(content)),
        latency_ms=timing.cpu_ms,
        busy=timing.busy,
    )


def _weight(layer: nn.Module) -> Tensor:
    """Of a convolution or linear layer; one that is computed (weight norm and the like) as it comes out."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def _state(found: LayerConditioning, zeros: int, norm: float | None) -> LayerState:
    return LayerState(
        zeros=zeros,
        dead=found.dead,
        rank=found.rank,
        full_rank=found.full_rank,
        condition=found.condition,
        gap=found.gap,
        norm=norm,
    )


def _note(layer: nn.Module, found: LayerConditioning) -> str:
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) and layer.out_channels == layer.groups:
        if layer.out_channels == 1:
            return "one filter: a single row has no condition number; the constraint passes it over"
        return "depthwise, a filter for each channel: no condition number; the constraint passes it over"
    return found.note
