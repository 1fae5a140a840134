"""Take anybody's classifier apart into a body and a linear head, and make sure that nothing was changed by it.

What cannot be taken apart, or cannot be trained afterwards, is refused with the reason, before anything is spent.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models.classifier import Classifier, Tap, Tapped
from archlock.models.finding_heads import (
    LOOKED_AT,
    TOLERANCE,
    Behind,
    FoundHead,
    answer_of,
    done_to,
    first_line,
    found_heads,
    some_of,
)
from archlock.models.network import Network
from archlock.models.old_hooks import copy_without_old_hooks, has_old_hooks
from archlock.models.ordinary import Ordinary
from archlock.models.replacing import put

Headed = Network | Classifier | Ordinary
"""Models whose answer is ``head(features)`` as they are written."""


def as_classifier(model: nn.Module, shape: tuple[int, int, int]) -> Headed:
    """A model with a body and a ``head``: one of ours as it is, anybody else's as a :class:`Classifier` of a copy.

    ``shape`` (channels, height, width) is of the images it takes. The copy is in float32, on the model's device and in
    its modes. That it answers as the model does is checked in evaluation mode, and in training mode that it can train.
    Raises :class:`~archlock.errors.UnsupportedError` for a model that cannot take such images, whose answer does not
    come from linear layers, that fails while it trains, or that keeps the gradient from its body;
    :class:`~archlock.errors.MeasurementError` for answers that are not finite.
    """
    return described_classifier(model, shape)[0]


def described_classifier(model: nn.Module, shape: tuple[int, int, int]) -> tuple[Headed, str]:
    """As :func:`as_classifier`, and what was found that is out of the ordinary, in words; empty where nothing was."""
    if isinstance(model, Headed):
        return _without_hooks(model), ""
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        copy = _plain_copy(model)
        name = type(copy).__name__
        images = torch.rand(LOOKED_AT, *shape)
        heads, behind, said = found_heads(copy, images, name)
        tapped = _taken_out(copy, heads)
        _check_same(tapped, images, said, behind, name)
        _check_trains(tapped, images, name)
    return tapped.to(device), _words(heads, behind)


def apart_at(model: nn.Module, heads: Sequence[FoundHead]) -> Classifier:
    """A copy of a model as body and head, its heads those that are named: nothing is looked for and nothing checked.

    For a network that was built anew and whose weights are filled in afterwards. A head that is not there, or is no
    layer that can be one, raises :class:`~archlock.errors.UnsupportedError`.
    """
    copy = _plain_copy(model)
    for found in heads:
        try:
            part: nn.Module | None = copy.get_submodule(found.name)
        except AttributeError:
            part = None
        if not isinstance(part, nn.Linear | nn.Conv2d):
            raise UnsupportedError(f"{type(copy).__name__} has no linear layer {found.name!r} that could be its head")
    return _taken_out(copy, tuple(heads)).eval()


def heads_of(model: Classifier) -> tuple[FoundHead, ...]:
    """Which heads were taken out of a classifier, with the share of each as 1 (it is part of the head's weights)."""
    body = model.body
    if not isinstance(body, Tapped):
        raise UnsupportedError("this classifier was put together and not taken apart, so its heads have no names")
    taps = [body.model.get_submodule(name) for name in body.taps]
    return tuple(
        FoundHead(name, tap.reading, 1.0) for name, tap in zip(body.taps, taps, strict=True) if isinstance(tap, Tap)
    )


def _without_hooks(model: Headed) -> Headed:
    """The model itself, or a copy that can be copied again where hooks compute a weight of it."""
    if not has_old_hooks(model):
        return model
    copy = copy_without_old_hooks(model)
    assert isinstance(copy, Headed)
    return copy


def _plain_copy(model: nn.Module) -> nn.Module:
    """On the CPU, in float32, without wrappers of whole models or old-fashioned hooks."""
    while isinstance(inner := _wrapped(model), nn.Module):
        model = inner
    try:
        copy = copy_without_old_hooks(model)
        if not any(value.is_meta for value in copy.parameters()):  # (which has shapes alone, and stays there)
            copy = copy.cpu()
    except RuntimeError as error:
        raise UnsupportedError(
            f"{type(model).__name__} cannot be copied ({first_line(error)}); hooks that keep computed weights do this: "
            "use torch.nn.utils.parametrize, or take them off"
        ) from error
    return copy.float() if any(p.dtype in {torch.float16, torch.bfloat16} for p in copy.parameters()) else copy


def _wrapped(model: nn.Module) -> object:
    """What torch.compile or data parallelism was put around."""
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return model.module
    return getattr(model, "_orig_mod", None)


def _taken_out(model: nn.Module, heads: tuple[FoundHead, ...]) -> Classifier:
    """The model with taps for heads, and one head of what they said."""
    weights, biases, body, training = [], [], model, model.training
    for found in heads:
        layer = deepcopy(model.get_submodule(found.name)).eval()  # (spectral norm counts on while it trains)
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        weight = layer.weight.detach()
        weights.append(found.share * weight.flatten(1))
        if layer.bias is not None:
            biases.append(found.share * layer.bias.detach())
        tap = Tap(len(weight), found.reading, convolution=isinstance(layer, nn.Conv2d)).train(training)
        body = put(body, found.name, tap)
    joined = torch.cat(weights, 1)
    head = nn.Linear(joined.shape[1], joined.shape[0], bias=bool(biases)).to(joined.dtype).train(training)
    with torch.no_grad():
        head.weight.copy_(joined)
        if biases:
            head.bias.copy_(torch.stack(biases).sum(0))
    tapped = Tapped(body, tuple(found.name for found in heads))
    result = Classifier(tapped, head)
    for part in (result, tapped):
        part.training = training
    return result


def _check_same(found: Classifier, images: Tensor, said: Tensor, behind: Behind, name: str) -> None:
    """Body and head answer as the model did."""
    again = done_to(answer_of(deepcopy(found), images, name), behind)
    apart = float((again - said).abs().max())
    if apart > TOLERANCE * max(1.0, float(said.abs().max())):
        taps = [place.removeprefix("model.") for place, part in found.body.named_modules() if isinstance(part, Tap)]
        raise UnsupportedError(
            f"the classifier of {name} ({some_of(taps)}) is not a plain linear layer: its answers are not weight x "
            f"features + bias (apart by {apart:.2g}), so a new head would not be one of its kind; make it an nn.Linear"
        )


def _check_trains(found: Classifier, images: Tensor, name: str) -> None:
    """In training mode it answers, with features of the same width, and its body gets a gradient."""
    copy = deepcopy(found).train().requires_grad_(True)
    try:
        with torch.enable_grad():
            features = copy.body(images)
            copy.head(features)
    except Exception as error:
        raise UnsupportedError(
            f"{name} answers in evaluation mode and fails while it trains ({first_line(error)}), so it cannot be "
            "attacked by training; forward(images) must work in both modes"
        ) from error
    if not torch.isfinite(features).all():
        raise MeasurementError(f"the features of {name} are not finite numbers while it trains")
    if not features.requires_grad and any(True for _ in copy.body.parameters()):
        raise UnsupportedError(
            f"no gradient reaches the body of {name}: its forward pass cuts it (no_grad, inference_mode or detach), so "
            "only its head could be trained and fine-tuning would be none; take that out of forward()"
        )


def _words(heads: tuple[FoundHead, ...], behind: Behind) -> str:
    said = []
    if len(heads) > 1:
        said.append(f"its {len(heads)} classifiers ({some_of([head.name for head in heads])}) are taken as one head")
    if behind != "nothing":
        said.append(f"the {behind} behind its head is left off")
    return "; ".join(said)
