"""Heads: replacing the head of a model, and looking at what goes into it.

A model of ours has a ``head``; anybody else's is first made a :class:`~archlock.models.classifier.Classifier`, whose
heads are found by what they compute (``taking_apart``). Nothing here changes the model it is given.
"""

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import UnsupportedError
from archlock.models.initialisation import draw_body, draw_head, drawing
from archlock.models.network import DenseDecoder, Network, head_for
from archlock.models.resetting import reset
from archlock.models.taking_apart import Headed, as_classifier
from archlock.tasks import KINDS, Signature

HEAD = "head"
"""Name of the head of a network of ours, and of a classifier that was made of anybody's."""
TAPPED = "body.model."
"""What stands before the names of a stranger's own parts in the classifier that was made of it."""
SHOWN = 5
"""Parameters named in a refusal."""


def with_new_head(model: nn.Module, signature: Signature, *, seed: int) -> nn.Module:
    """A copy of the model with a fresh head for another task; all else stays as it was trained, normalisation included.

    Our networks go from classification to dense tasks and back; other modules only to classification: what comes back
    is a :class:`~archlock.models.classifier.Classifier`, see
    :func:`~archlock.models.taking_apart.as_classifier` for what is refused. A network cannot take images with another
    number of channels (UnsupportedError: conform the task first).
    """
    if isinstance(model, Network):
        copy = deepcopy(model)
        channels = copy.signature.shape[0]
        if signature.shape[0] != channels:
            raise UnsupportedError(
                f"the model takes images of {channels} channels, the task has {signature.shape[0]}; "
                "conform the task first"
            )
        weight = next(copy.head.parameters())
        with drawing(seed, "head"):
            head = head_for(signature, copy.features, copy.stride)
            draw_head(head)
        copy.signature = signature
        copy.head = _like(head, weight, training=copy.head.training)
        return copy
    if KINDS[signature.kind].dense:
        raise UnsupportedError(
            f"{type(model).__name__} is not a network of ours, so it can only get a classification head, not a "
            f"{signature.kind} one"
        )
    classifier = deepcopy(as_classifier(model, signature.shape))
    old = linear_head(classifier)
    with drawing(seed, "head"):
        linear = nn.Linear(old.in_features, signature.outputs)
        draw_head(linear)
    classifier.head = _like(linear, old.weight, training=old.training)
    return classifier


def linear_head(model: nn.Module) -> nn.Linear:
    """The head of a classifier; one that is no ``nn.Linear`` raises :class:`~archlock.errors.UnsupportedError`.

    The model is one of ours, or what :func:`~archlock.models.taking_apart.as_classifier` made of another.
    """
    head = model.head if isinstance(model, Headed) else None
    if not isinstance(head, nn.Linear):
        raise UnsupportedError(
            f"the head of {type(model).__name__} is a {type(head).__name__}, not the nn.Linear of a classifier"
            if head is not None
            else f"the head of {type(model).__name__} is not known; see as_classifier"
        )
    return head


def with_kept_head(model: nn.Module, signature: Signature, *, seed: int) -> nn.Module:
    """A copy of the model for another label space that keeps its head where it serves.

    Class i of the new task gets the row of class i of the old one; classes beyond the old ones get rows as
    :func:`with_new_head` draws them. A dense task, or a head that is no ``nn.Linear``, raises
    :class:`~archlock.errors.UnsupportedError`.
    """
    if not KINDS[signature.kind].has_classes:
        raise UnsupportedError(
            f"the rows of a head stand for classes, and a {signature.kind} task has none; give {type(model).__name__} "
            "a new head"
        )
    given = as_classifier(model, signature.shape)
    old = linear_head(given)
    copy = with_new_head(given, signature, seed=seed)
    new = linear_head(copy)
    kept = min(old.out_features, new.out_features)
    with torch.no_grad():
        new.weight[:kept] = old.weight[:kept]
        if old.bias is not None:
            new.bias[:kept] = old.bias[:kept]
    return copy


def reinitialised(model: nn.Module, *, seed: int) -> nn.Module:
    """A copy with new random weights and new running statistics; our networks begin as ``build`` makes them.

    Other modules are reset by their own methods, see :func:`~archlock.models.resetting.reset`. If a single learned
    number would be left as it was trained, :class:`~archlock.errors.UnsupportedError` names what holds it. The weights
    are made on the CPU, so the device does not matter.
    """
    fresh, left = begun_anew(model, seed=seed)
    if left:
        left = tuple(name.removeprefix(TAPPED) for name in left)
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        raise UnsupportedError(
            f"{type(model).__name__} cannot be trained from scratch: nothing says how to set "
            f"{', '.join(left[:SHOWN])}{more} anew, so they would keep their trained values; give the module that "
            "holds them (not a submodule, not a hook) a method reset_parameters() that sets them"
        )
    return fresh


def begun_anew(model: nn.Module, *, seed: int) -> tuple[nn.Module, tuple[str, ...]]:
    """As :func:`reinitialised`, and the names of parameters and buffers that could not be begun anew and were kept."""
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    copy = deepcopy(model).to("cpu")
    if isinstance(copy, Network):
        with drawing(seed, "body"):
            draw_body(copy)
        with drawing(seed, "head"):
            draw_head(copy.head)
        return copy.to(device), ()
    with drawing(seed, "body"):
        left = reset(copy)
    return copy.to(device), left


def features_before_head(model: nn.Module, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
    """What goes into the head for these images, in evaluation mode and without gradients: N x features.

    For a classifier the input of its linear layer; for a dense network of ours the feature maps averaged over the
    image. Anybody's model raises UnsupportedError where its head cannot be found.
    """
    channels, height, width = images.shape[1:]
    given = as_classifier(model, (channels, height, width))
    head = given.head
    layer = head.linear if isinstance(head, DenseDecoder) else head
    seen: list[Tensor] = []
    modes = {module: module.training for module in given.modules()}
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        given.eval()
        with torch.no_grad():
            given(images)
    finally:
        handle.remove()
        for module, training in modes.items():
            module.training = training
    features = seen[-1]
    return features.mean((2, 3)) if isinstance(head, DenseDecoder) else features


def _like(head: nn.Linear | DenseDecoder, weight: Tensor, *, training: bool) -> nn.Linear | DenseDecoder:
    return head.to(weight.device, weight.dtype).train(training)
