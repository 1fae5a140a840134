"""Find the heads of anybody's classifier by what they compute, not by their names.

Every layer that could be a head gets random marks for weights, and one look at the answers says which of them the
answer is made of: it must be a weighted sum of their outputs. One classifier has the weight 1; two classifiers whose
mean is the answer, as in a distilled DeiT, have a half each. So new heads replace all of them, a layer that only looks
like a head is left alone, and an answer that comes from anything else is refused with the reason.

A softmax, log-softmax or sigmoid behind the head is seen and left off, since attackers train on logits.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models.classifier import READINGS, Reading
from archlock.models.replacing import put

Behind = Literal["nothing", "softmax", "log_softmax", "sigmoid"]
"""What is done to the logits before they are answered."""

LOOKED_AT: Final = 4
"""Images of noise that a model is looked at with."""
TOLERANCE: Final = 1e-3
"""Of the largest answer: what may be rounding."""


@dataclass(frozen=True, slots=True)
class FoundHead:
    """A layer that the answer is made of."""

    name: str
    reading: Reading
    share: float
    """What its output is multiplied by before it is summed with those of the others."""


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    name: str
    layer: nn.Linear | nn.Conv2d
    given: Tensor
    readings: tuple[Reading, ...]

    def marked(self) -> nn.Linear | nn.Conv2d:
        """The same layer with random weights, whose outputs on the images are about 1 in size."""
        layer = self.layer
        fresh: nn.Linear | nn.Conv2d
        if isinstance(layer, nn.Linear):
            fresh = nn.Linear(layer.in_features, layer.out_features)
        else:
            fresh = nn.Conv2d(layer.in_channels, layer.out_channels, _pair(layer.kernel_size))
        size = float(self.given.detach().float().square().mean().sqrt().clamp(min=1e-6))
        with torch.no_grad():
            fresh.weight.normal_(0, fresh.weight[0].numel() ** -0.5 / size)
            assert fresh.bias is not None
            fresh.bias.normal_(0, 0.5)
        return fresh.to(self.given.dtype)


def answer_of(model: nn.Module, images: Tensor, name: str) -> Tensor:
    """The main answer in evaluation mode, N x outputs."""
    torch.default_generator.manual_seed(1)
    try:
        with torch.no_grad():
            answer = model.eval()(images)
    except Exception as error:  # a stranger's module may raise anything
        raise UnsupportedError(
            f"{name} cannot take images of channels x height x width {tuple(images.shape[1:])} ({first_line(error)}); "
            "conform the task to the model's images first, or say which images it takes (--size and --channels)"
        ) from error
    found = _main(answer)
    if not isinstance(found, Tensor) or found.ndim < 2 or found[0].numel() != found.shape[1]:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(answer).__name__
        raise UnsupportedError(f"{name} answers {got}; expected logits, images x classes, as a tensor")
    if not torch.isfinite(found).all():
        raise MeasurementError(f"the answers of {name} are not finite numbers; its training has diverged")
    return found.flatten(1)


def _main(answer: object) -> object:
    """The answer itself: of several the one called ``logits``, else the first, which is the main one by custom."""
    if isinstance(answer, Mapping):
        return answer.get("logits", next(iter(answer.values()), None))
    if isinstance(getattr(answer, "logits", None), Tensor):
        return answer.logits  # type: ignore[attr-defined]
    return _main(answer[0]) if isinstance(answer, Sequence) and answer and not isinstance(answer, str) else answer


def found_heads(model: nn.Module, images: Tensor, name: str) -> tuple[tuple[FoundHead, ...], Behind, Tensor]:
    """The heads, what is done to what they say, and what the model answers (N x outputs)."""
    candidates, said = _candidates(model, images, name)
    outputs = said.shape[1]
    if not candidates:
        raise UnsupportedError(
            f"{name} has no nn.Linear and no convolution that makes its {outputs} answers; "
            "make its classifier an nn.Linear whose output forward() returns"
        )
    marked = deepcopy(model)
    made: dict[str, Tensor] = {}
    for one in candidates:
        layer = one.marked()
        layer.register_forward_hook(lambda _, __, answer, place=one.name: made.__setitem__(place, answer))
        marked = put(marked, one.name, layer)
    answer = answer_of(marked, images, name)
    columns = [
        (one.name, reading, _read(made[one.name], one, reading))
        for one in candidates
        if one.name in made
        for reading in one.readings
    ]
    for behind in _behind(answer):
        heads = _summed(columns, answer, behind)
        if heads:
            return heads, behind, said
    raise UnsupportedError(
        f"the answer of {name} does not come from its classifier alone: it is no weighted sum of what its linear "
        f"layers say ({some_of([one.name for one in candidates])}), so a new head cannot be put in its place; let "
        "forward() return the logits of an nn.Linear as they are"
    )


def _summed(columns: list[tuple[str, Reading, Tensor]], answer: Tensor, behind: Behind) -> tuple[FoundHead, ...]:
    """The layers of whose outputs the answer is a weighted sum; none where it is not."""
    wanted = _undone(answer, behind).double().flatten()
    made_of = torch.stack([_centred(column, behind).double().flatten() for *_, column in columns], 1)
    shares = torch.linalg.lstsq(made_of, wanted[:, None], driver="gelsd").solution[:, 0]
    left_over = float((made_of @ shares - wanted).abs().max())
    heads = [
        FoundHead(place, reading, float(share))
        for (place, reading, _), share in zip(columns, shares, strict=True)
        if abs(share) > TOLERANCE
    ]
    once = len({head.name for head in heads}) == len(heads)
    if left_over > TOLERANCE * max(1.0, float(wanted.abs().max())) or not once:
        return ()
    return tuple(_rounded(head, len(heads)) for head in heads)


def _candidates(model: nn.Module, images: Tensor, name: str) -> tuple[list[_Candidate], Tensor]:
    """Linear layers and convolutions that are used once for an answer and say as many numbers as it has; the answer."""
    copy = deepcopy(model)
    calls: dict[str, list[tuple[Tensor, Tensor]]] = {}
    layers = {n: m for n, m in copy.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    for place, layer in layers.items():
        layer.register_forward_hook(
            lambda _, given, answer, place=place: calls.setdefault(place, []).append((given[0], answer))
        )
    said = answer_of(copy, images, name)
    found = []
    for place, layer in layers.items():
        used = calls.get(place, [])
        readings = _readings(layer, *used[0], said.shape[1]) if len(used) == 1 else ()
        if readings:
            found.append(_Candidate(place, layer, used[0][0], readings))
    return found, said


def _readings(layer: nn.Linear | nn.Conv2d, given: Tensor, answer: Tensor, outputs: int) -> tuple[Reading, ...]:
    """How a layer's output could become the answer of an image; none where it cannot."""
    if len(given) != LOOKED_AT or len(answer) != LOOKED_AT:
        return ()
    if isinstance(layer, nn.Linear):
        if answer.shape[-1] != outputs:
            return ()
        return ("mean",) if answer[0].numel() == outputs else ("mean", "first")
    if layer.out_channels != outputs or layer.groups != 1 or given.ndim != 4:
        return ()
    kernel = _pair(layer.kernel_size)
    if answer.shape[2:] == (1, 1) and kernel == tuple(given.shape[2:]) and kernel != (1, 1):
        return ("whole",)
    return ("mean",) if kernel == (1, 1) and answer.shape[2:] == given.shape[2:] else ()


def _read(answer: Tensor, one: _Candidate, reading: Reading) -> Tensor:
    """A layer's output as N x outputs (a convolution over the whole map says one place alone)."""
    places = answer if isinstance(one.layer, nn.Linear) else answer.movedim(1, -1)
    return READINGS["mean" if reading == "whole" else reading](places)


def _behind(answer: Tensor) -> tuple[Behind, ...]:
    """What may have been done to logits that look like these, which can be an accident; so nothing comes first."""
    found: list[Behind] = ["nothing"]
    ones = torch.ones(len(answer)).to(answer)
    if answer.shape[1] > 1 and (answer >= 0).all() and torch.allclose(answer.sum(1), ones, atol=1e-4):
        found.append("softmax")
    if answer.shape[1] > 1 and (answer <= 0).all() and torch.allclose(answer.exp().sum(1), ones, atol=1e-4):
        found.append("log_softmax")
    if ((answer > 0) & (answer < 1)).all():
        found.append("sigmoid")
    return tuple(found)


def _undone(answer: Tensor, behind: Behind) -> Tensor:
    """Logits again, of a softmax as far as they can be known."""
    if behind == "sigmoid":
        return torch.logit(answer.double())
    return _centred(answer.double().clamp(min=1e-30).log() if behind == "softmax" else answer, behind)


def _centred(logits: Tensor, behind: Behind) -> Tensor:
    """A softmax does not change with a number that is added to all logits, so that is taken off."""
    return logits - logits.mean(1, keepdim=True) if behind in {"softmax", "log_softmax"} else logits


def done_to(logits: Tensor, behind: Behind) -> Tensor:
    """What is answered of logits: the inverse of :func:`_undone`, but for a number added to all."""
    if behind == "nothing":
        return logits
    return logits.sigmoid() if behind == "sigmoid" else getattr(torch, behind)(logits, 1)


def _rounded(head: FoundHead, count: int) -> FoundHead:
    """With the share that it was meant to have, where that is plain: all, or its part of a mean."""
    plain = next((share for share in (1.0, 1 / count) if abs(head.share - share) < TOLERANCE), head.share)
    return FoundHead(head.name, head.reading, plain)


def some_of(names: list[str]) -> str:
    """The last three names, and how many stand before them."""
    shown = [name or "the model itself" for name in names]
    return ", ".join(shown[-3:]) + (f" and {len(shown) - 3} before" if len(shown) > 3 else "")


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def first_line(error: Exception) -> str:
    """Of an error, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
