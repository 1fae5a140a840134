"""The same function in a form that trains: normalisation folded, channels equalised, normalisation put back.

What hinders fine-tuning without changing the function (folded normalisation, channels of very different size) is undone
by anyone with some hundred images and no labels. A convolution followed by rectifiers may give a channel away s times
as large if the next layer takes it 1/s times (Nagel et al. 2019, section 4.1); here s makes its deviation one on the
attacker's images. Then a BatchNorm is put behind every layer, whose scale and shift are the layer's own deviation and
mean, so that nothing changes.

Which layer takes what from which is not read from the code but tried: a channel is scaled, and one sees whose input
has changed. What does not hold exactly is taken back. So it works on any module, and a layer whose channels cannot be
scaled freely (before a skip, or before an activation that is not positively homogeneous) stays as it is.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.models.replacing import put
from archlock.models.straightening import straighten
from archlock.models.taking_apart import Headed

TOLERANCE: Final = 1e-4
"""Of the largest answer: what may be rounding."""
TRIED_ON: Final = 4
"""Images on which it is tried whether the function stays."""

BATCH: Final = 50
NORMS: Final = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
"""Of answers with so many dimensions."""

Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@dataclass(frozen=True, slots=True, eq=False)
class Rebalanced:
    """A model that computes what the given one does, and what was done to it."""

    model: Headed
    folded: int
    """Normalisations that were folded into the layer before them."""
    equalised: int
    """Layers whose channels have deviation one now."""
    normalised: int
    """Layers that have a normalisation behind them now."""


class Normalised(nn.Module):
    """A layer and the normalisation behind it."""

    def __init__(self, layer: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm

    def forward(self, given: Tensor) -> Tensor:
        """The normalised answer of the layer."""
        result: Tensor = self.norm(self.layer(given))
        return result

    def __getattr__(self, name: str) -> Any:
        """What a model asks of its layer (the type of its weight, say)."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)


def rebalanced(model: Headed, images: Tensor) -> Rebalanced:
    """A copy that answers the same in evaluation mode, folded, equalised and normalised on ``images`` (N x C x H x W).

    Activations without a gradient get one first (see ``straightening``).

    The model is left as it was; the copy is in evaluation mode. The head is no layer of it, but takes what the last
    ones give. Layers that are used more or less than once for an answer are left alone.
    """
    copy = deepcopy(model).eval()
    parameter = next(copy.parameters(), torch.zeros(()))
    images = images.to(parameter.device, parameter.dtype)
    few = images[:TRIED_ON]
    straighten(copy, few)
    with torch.no_grad():
        folded = _fold(copy, few)
        equalised = _equalise(copy, images, few)
        normalised = _normalise(copy, images)
    return Rebalanced(copy, folded, equalised, normalised)


def _fold(model: Headed, few: Tensor) -> int:
    """Fold normalisations into the layers whose answer they take."""
    folded = 0
    before = model(few)
    for name, norm_name in _followed(model, few):
        layer, norm = model.get_submodule(name), model.get_submodule(norm_name)
        assert isinstance(layer, Layer)
        assert isinstance(norm, Norm)
        kept = deepcopy(layer.state_dict()), layer.bias
        scale, shift = _affine(norm)
        _scale_rows(layer, scale)
        layer.bias = nn.Parameter(shift if layer.bias is None else layer.bias + shift)
        put(model, norm_name, nn.Identity())
        if _same(model(few), before):
            folded += 1
        else:
            layer.bias = kept[1]
            layer.load_state_dict(kept[0])
            put(model, norm_name, norm)
    return folded


def _equalise(model: Headed, images: Tensor, few: Tensor) -> int:
    """Give every channel that can be scaled freely the deviation one.

    The deviations are taken once: what is scaled here changes what one layer says, and nothing after it.
    """
    names = [name for name, part in model.named_modules() if isinstance(part, Layer)]
    answer, uses = _uses(model, few, names)
    given = {name: calls[0].given for name, calls in uses.items() if len(calls) == 1}
    equalised = 0
    for name, (mean, variance, _) in _moments(model, images, _layers(model, few)).items():
        deviation = variance.sqrt()
        alive = deviation > 1e-5 * mean.abs() + 1e-20  # (a constant has a deviation of rounding)
        scale = torch.where(alive, 1 / deviation.clamp(min=1e-20), torch.ones_like(deviation))
        equalised += bool(alive.any()) and _scaled(model, name, scale, few, given, answer)
    return equalised


def _scaled(model: Headed, name: str, scale: Tensor, few: Tensor, given: dict[str, Tensor], answer: Tensor) -> bool:
    """Scale the channels of a layer and take it back in all that take them; False, and nothing done, if that fails.

    ``given`` is what goes into every layer that is used once, kept up to date here; ``answer`` what the model says.
    """
    changed = {name: deepcopy(model.get_submodule(name).state_dict())}
    _scale_rows(model.get_submodule(name), scale)
    _, uses = _uses(model, few, list(given))
    for other in given.keys() - {name}:
        taker, now = model.get_submodule(other), uses[other][0].given
        if not _same(now, given[other]) and _takes(taker, given[other], now, scale):
            changed[other] = deepcopy(taker.state_dict())
            _scale_columns(taker, 1 / scale)
    if _same(model(few), answer):
        given.update((other, uses[other][0].given) for other in changed if other != name)
        return True
    for other, state in changed.items():
        model.get_submodule(other).load_state_dict(state)
    return False


def _normalise(model: Headed, images: Tensor) -> int:
    """Put a BatchNorm behind every layer that has none, with scale and shift that change nothing."""
    few = images[:TRIED_ON]
    has_one = {name for name, _ in _followed(model, few)}
    names = [name for name in _layers(model, few) if name not in has_one]
    count = 0
    for name, (mean, variance, dimensions) in _moments(model, images, names).items():
        layer = model.get_submodule(name)
        if isinstance(layer, nn.Linear) and dimensions != 2:
            continue  # (rows of tokens: no BatchNorm takes them)
        norm: Any = NORMS[dimensions](len(mean)).to(mean.device, mean.dtype)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean)
        put(model, name, Normalised(layer, norm.eval()))
        count += 1
    return count


def _layers(model: Headed, few: Tensor) -> list[str]:
    """Names of the layers of the body that are used once for an answer, in the order of their use."""
    heads = {id(part) for part in model.head.modules()}
    names = [n for n, part in model.named_modules() if isinstance(part, Layer) and id(part) not in heads]
    _, uses = _uses(model, few, names)
    return [name for name, calls in uses.items() if len(calls) == 1]


def _followed(model: Headed, few: Tensor) -> list[tuple[str, str]]:
    """Layers and the normalisation that takes their answer as it is, both used once."""
    names = [n for n, part in model.named_modules() if isinstance(part, Layer | Norm)]
    _, uses = _uses(model, few, names)
    once = {name: calls[0] for name, calls in uses.items() if len(calls) == 1}
    makers = {use.answered: name for name, use in once.items() if isinstance(model.get_submodule(name), Layer)}
    found = []
    for name, use in once.items():
        norm = model.get_submodule(name)
        if isinstance(norm, Norm) and norm.running_var is not None and use.taken in makers:
            found.append((makers[use.taken], name))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Use:
    """One use of a module. The tensors are copies: what comes next may write into them."""

    given: Tensor
    taken: int
    """Which tensor went in, and which came out: their identities while the model works."""
    answered: int


def _uses(model: nn.Module, images: Tensor, names: list[str]) -> tuple[Tensor, dict[str, list[_Use]]]:
    """The model's answer, and every use of the named modules on the way, in order."""
    uses: dict[str, list[_Use]] = {}
    alive: list[Any] = []  # (an identity is one only as long as its tensor lives)

    def look(name: str) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...], answer: Any) -> None:
            alive.extend((given, answer))
            uses.setdefault(name, []).append(_Use(given[0].clone(), id(given[0]), id(answer)))

        return hook

    answer = _hooked(model, images, {name: look(name) for name in names})
    return answer, uses


def _moments(model: nn.Module, images: Tensor, names: list[str]) -> dict[str, tuple[Tensor, Tensor, int]]:
    """Mean and variance of each channel of what the named layers say, and the number of dimensions of that."""
    sums: dict[str, list[Any]] = {}

    def look(name: str) -> Any:
        def hook(layer: nn.Module, _: tuple[Any, ...], answer: Tensor) -> None:
            values = _per_channel(layer, answer).double()
            total = sums.setdefault(name, [0, 0.0, 0.0, answer.ndim])
            total[0] += len(values)
            total[1] = total[1] + values.sum(0)
            total[2] = total[2] + values.square().sum(0)

        return hook

    hooks = {name: look(name) for name in names}
    for batch in torch.split(images, BATCH):
        _hooked(model, batch, hooks)
    found = {}
    for name, (count, total, squares, dimensions) in sums.items():
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        found[name] = mean.to(images.dtype), variance.to(images.dtype), dimensions
    return found


def _hooked(model: nn.Module, images: Tensor, hooks: dict[str, Any]) -> Tensor:
    handles = [model.get_submodule(name).register_forward_hook(hook) for name, hook in hooks.items()]
    try:
        answer: Tensor = model(images)
        return answer
    finally:
        for handle in handles:
            handle.remove()


def _per_channel(layer: nn.Module, answer: Tensor) -> Tensor:
    """The answers of a layer as places x channels."""
    return answer.flatten(0, -2) if isinstance(layer, nn.Linear) else answer.movedim(1, -1).flatten(0, -2)


def _affine(norm: Norm) -> tuple[Tensor, Tensor]:
    """What a normalisation does in evaluation mode: scale and shift of each channel."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt() * (1.0 if norm.weight is None else norm.weight)
    return scale, (0.0 if norm.bias is None else norm.bias) - norm.running_mean * scale


def _scale_rows(layer: nn.Module, scale: Tensor) -> None:
    """Make each answer of a layer so many times as large."""
    assert isinstance(layer, Layer)
    layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias.mul_(scale)


def _scale_columns(layer: nn.Module, scale: Tensor) -> None:
    """Take each channel of the input so many times as large."""
    assert isinstance(layer, Layer)
    if isinstance(layer, nn.Linear):
        layer.weight.mul_(scale.repeat_interleave(layer.in_features // len(scale)))
    elif layer.groups == 1:
        layer.weight.mul_(scale.reshape(1, -1, *[1] * (layer.weight.ndim - 2)))
    else:  # (one input channel a group)
        layer.weight.mul_(
            scale.repeat_interleave(layer.out_channels // len(scale)).reshape(-1, *[1] * (layer.weight.ndim - 1))
        )


def _takes(layer: nn.Module, given: Tensor, changed: Tensor, scale: Tensor) -> bool:
    """Whether a layer's input has become what scaling its channels makes of it."""
    if isinstance(layer, nn.Linear):
        if given.shape[-1] % len(scale):
            return False
        return _same(given * scale.repeat_interleave(given.shape[-1] // len(scale)), changed)
    if not isinstance(layer, Layer) or layer.in_channels != len(scale) or layer.groups not in {1, layer.in_channels}:
        return False
    return _same(given * scale.reshape(-1, *[1] * (given.ndim - 2)), changed)


def _same(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, of what is finite."""
    apart, size = (one - other).abs().max(), other.abs().max().clamp(min=1e-6)
    return bool(torch.isfinite(one).all()) and bool(apart <= TOLERANCE * size)
