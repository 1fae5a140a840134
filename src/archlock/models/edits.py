"""Edits of a trained model's structure as records, so that an edited network can be described and built again.

A record says what was done to which modules. :func:`restructured` does it to a network that was built anew, whose
weights are then filled in from a file: it changes structure and no numbers. Not here: finding what can be edited
(``friction``, ``exact_edits``), and files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.models.classifier import Classifier
from archlock.models.exact_edits import Folded
from archlock.models.heads import linear_head
from archlock.models.manoeuvres import Disguise, disguised
from archlock.models.narrowing import Dropped
from archlock.models.network import Network
from archlock.models.rebuilding import without_numbers
from archlock.models.replacing import put
from archlock.models.taking_apart import Headed
from archlock.models.tracing import Layer, Norm
from archlock.records import plain


@dataclass(frozen=True, slots=True)
class Fold:
    """A normalisation with fixed statistics became part of the layer before it, which has a bias now."""

    layer: str
    norm: str


@dataclass(frozen=True, slots=True)
class Rescale:
    """The channels of a layer were made larger or smaller, and those that take them make up for it."""

    layer: str
    takers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neck:
    """The features before the head were projected to so many: all that the head makes of them."""

    width: int


@dataclass(frozen=True, slots=True)
class Narrow:
    """Units of a group were removed; which tensors are smaller for it is said by their shapes."""

    group: str
    kept: int
    of: int


@dataclass(frozen=True, slots=True)
class Drop:
    """A block was left out; ``members`` are those of the tuple that it answered (0: a tensor)."""

    block: str
    members: int = 0


Edit = Fold | Rescale | Neck | Narrow | Drop | Disguise

MOST_MEMBERS: Final = 100
"""Of the tuple that a block answers."""
EDITS: Final[Mapping[str, type[Edit]]] = {
    "fold": Fold,
    "rescale": Rescale,
    "neck": Neck,
    "narrow": Narrow,
    "drop": Drop,
    "disguise": Disguise,
}
"""Every edit by its name in files."""


class Necked(nn.Module):
    """A body whose features go through a linear map without bias."""

    def __init__(self, body: nn.Module, neck: nn.Linear) -> None:
        super().__init__()
        self.body, self.neck = body, neck

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n features"]:
        """Fewer features."""
        features: Tensor = self.neck(self.body(images))
        return features


def edit_record(edit: Edit) -> dict[str, Any]:
    """The edit as JSON types: its name under ``edit``, then its fields."""
    name = next(name for name, kind in EDITS.items() if isinstance(edit, kind))
    return {"edit": name, **plain(edit)}


def decoded_edits(records: object) -> tuple[Edit, ...]:
    """Edits from JSON types; anything else, an edit that is not known among it, raises RunError that says where."""
    if not isinstance(records, list):
        raise RunError(f"edits are a list of objects, as in [{{'edit': 'neck', 'width': 10}}]; got {records!r}")
    found: list[Edit] = []
    for place, record in enumerate(records):
        fields = dict(record) if isinstance(record, dict) else {}
        name = fields.pop("edit", None)
        if name not in EDITS:
            raise RunError(f"edits[{place}] is the unknown edit {name!r}; known: {', '.join(EDITS)}")
        found.append(decode(EDITS[name], fields, where=f"edits[{place}]"))
    return tuple(found)


def restructured(model: nn.Module, edits: Sequence[Edit]) -> nn.Module:
    """The model with that structure, in place and in order; its numbers mean nothing until they are filled in.

    A neck and the head behind it have shapes and no numbers, so that no record makes memory be allocated. Narrowed
    tensors keep their size, which ``resized`` changes. An edit that does not fit the model raises RunError.
    """
    for edit in edits:
        if isinstance(edit, Fold):
            _part(model, edit.norm, Norm)
            _with_bias(_part(model, edit.layer, Layer))
            put(model, edit.norm, Folded())
        elif isinstance(edit, Neck):
            if not isinstance(model, Headed):
                raise RunError(
                    f"the edits do not fit this {type(model).__name__}, which has no head to put a neck before"
                )
            model = without_numbers(partial(necked, model, edit.width))
        elif isinstance(edit, Drop):
            if not edit.block or not 0 <= edit.members <= MOST_MEMBERS:
                raise RunError(f"the edits do not fit this {type(model).__name__}: {edit} leaves out no block")
            _part(model, edit.block, nn.Module)
            put(model, edit.block, Dropped(edit.members))
        elif isinstance(edit, Disguise):
            layer: Any = _part(model, edit.layer, nn.Conv2d)
            put(model, edit.layer, disguised(layer, edit.tricks))
        elif isinstance(edit, Rescale):
            for name in (edit.layer, *edit.takers):
                _part(model, name, Layer)
    return model


def necked(model: Headed, width: int) -> Headed:
    """The model with a projection to so many features before its head, in place; both begin with random weights."""
    old = linear_head(model)
    if not 1 <= width < old.in_features:
        raise RunError(f"a neck of {width} features does not fit a head that takes {old.in_features}: expected fewer")
    with torch.random.fork_rng(devices=[]):
        head = _like(old, nn.Linear(width, old.out_features, bias=old.bias is not None))
        if isinstance(model, Classifier):
            neck = _like(old, nn.Linear(old.in_features, width, bias=False))
            return Classifier(Necked(model.body, neck), head).eval()
        maps = _like(old, nn.Conv2d(old.in_features, width, 1, bias=False))  # (a mean comes behind it)
    model.tail, model.head = nn.Sequential(model.tail, maps), head
    if isinstance(model, Network):
        model.features = width
    return model.eval()


def neck_of(model: Headed) -> nn.Conv2d | nn.Linear:
    """The projection that :func:`necked` put before the head."""
    found = model.body.neck if isinstance(model, Classifier) else model.tail[-1]  # type: ignore[index]
    assert isinstance(found, nn.Conv2d | nn.Linear)
    return found


def _like(old: nn.Linear, new: nn.Module) -> Any:
    """The new layer where the old one is, in its type; one without numbers stays so."""
    return new.to(old.weight.dtype) if next(new.parameters()).is_meta else new.to(old.weight)


def _with_bias(layer: nn.Module) -> None:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    if getattr(layer, "bias", None) is None:
        layer.bias = nn.Parameter(weight.new_zeros(len(weight)))


def _part(model: nn.Module, name: str, kind: Any) -> nn.Module:
    """The submodule of that name; RunError where there is none, or one of another kind."""
    try:
        found = model.get_submodule(name)
    except AttributeError:
        found = None
    if found is None or not isinstance(found, kind):
        got = "nothing" if found is None else f"a {type(found).__name__}"
        raise RunError(
            f"the edits do not fit this {type(model).__name__}: expected a layer {name!r}, found {got} there"
        )
    return found
