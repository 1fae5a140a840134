"""What operations do to the numbers of channels (see ``following``): rules by name, for some eighty operations of torch.

An operation that is not known fixes the channels that go into it, and says so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor

from archlock.models.following import Label, Use

if TYPE_CHECKING:
    from archlock.models.following import Follower

MOVES: Final = frozenset(
    "view _unsafe_view reshape _reshape_alias transpose permute t expand unsqueeze squeeze select slice roll flip "
    "unbind split split_with_sizes chunk index narrow unfold repeat pixel_shuffle pixel_unshuffle channel_shuffle "
    "native_channel_shuffle diagonal index_select movedim swapaxes unsafe_split unsafe_chunk".split()
)
"""Operations that put the elements elsewhere."""
KEEPS: Final = frozenset("clone contiguous _to_copy detach alias lift_fresh dropout as_strided resize view_as".split())
NEW: Final = frozenset(
    "new_zeros new_ones new_empty new_full new_empty_strided zeros_like ones_like empty_like full_like rand_like "
    "randn_like fill zero argmax argmin".split()
)
POOLS: Final = frozenset(
    "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d "
    "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool1d adaptive_max_pool2d upsample_nearest2d "
    "upsample_bilinear2d upsample_bicubic2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa reflection_pad2d "
    "replication_pad2d".split()
)
REDUCTIONS: Final = frozenset("mean sum amax amin max min var std var_mean linalg_vector_norm norm prod".split())
POINTWISE: Final = frozenset("masked_fill where clamp lerp addcmul addcdiv gelu copy".split())
"""Beside those that torch tags as such."""
SUMS: Final = frozenset(("add", "sub"))


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operation with its arguments by name, the tensors among them, and those that it made."""

    name: str
    func: Any
    given: dict[str, Any]
    tensors: list[Tensor]
    outs: list[Tensor]

    @property
    def pointwise(self) -> bool:
        """Whether it makes each element of those that stand at its place."""
        return self.name in POINTWISE or torch.Tag.pointwise in self.func.tags


Labels = list[Label | None]


def PASSING(call: Call) -> bool:  # noqa: N802
    """Whether what goes in reaches what comes out but for sums, activations and its place."""
    alone = call.pointwise and len(call.tensors) == 1
    nothing_padded = call.name == "constant_pad_nd" and call.outs[0].shape == call.tensors[0].shape
    return call.name in MOVES or call.name in KEEPS or call.name in SUMS or alone or nothing_padded


def labels_after(call: Call, on: "Follower") -> Labels:
    """The labels of what an operation made."""
    known = [one for one in call.tensors if id(one) in on.labels or id(one) in on.turned or id(one) in on.named]
    if not known or call.name in NEW:
        return [None] * len(call.outs)
    rule = RULES.get(call.name)
    if rule is not None:
        return rule(call, on)
    if call.pointwise:
        return [_pointwise(call, on)]
    return _unknown(call, on, f"it goes through {call.name} in {on.place}, which is not followed")


def _unknown(call: Call, on: "Follower", why: str) -> Labels:
    """Fix all that goes in."""
    found: Labels = []
    for out in call.outs:
        found.append(on.opaque(out.ndim, why) if out.ndim else None)
    for tensor in call.tensors:
        if (label := on.label(tensor)) is not None:
            on.trace.fix(label.atoms, why)
    return found


def compressed(atoms: Tensor, kind: Any) -> Label:
    """A label without the dimensions along which it is the same."""
    for place, size in enumerate(atoms.shape):
        if size > 1:
            first = atoms.narrow(place, 0, 1)
            if atoms.stride(place) == 0 or bool((atoms == first).all()):
                atoms = first
    return Label(atoms, kind)


def whole(label: Label, shape: Iterable[int]) -> Tensor:
    """The atoms in the shape of the tensor, without copying them."""
    return label.atoms.expand(*shape)


def collapsed(label: Label, dimensions: Iterable[int], on: "Follower") -> Label:
    """The label after all along these dimensions is tied."""
    atoms = label.atoms
    for place in dimensions:
        if atoms.shape[place] > 1:
            first = atoms.narrow(place, 0, 1)
            on.trace.tie(atoms, first)
            atoms = first
    return Label(atoms, label.kind)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A tensor that meets another one: its label and its real sizes, in as many dimensions."""

    label: Label
    sizes: tuple[int, ...]


def _side(label: Label, sizes: Iterable[int], dimensions: int) -> _Side:
    before = [1] * (dimensions - label.atoms.ndim)
    return _Side(Label(label.atoms.reshape(*before, *label.atoms.shape), label.kind), (*before, *sizes))


def merged(one: _Side, other: _Side, on: "Follower") -> _Side:
    """Tie two tensors that meet element by element; the label of what comes out."""
    sizes = tuple(map(max, one.sizes, other.sizes))
    varies = one.label.vary(), other.label.vary()
    covers = (any(one.sizes[place] > 1 for place in varies[1]), any(other.sizes[place] > 1 for place in varies[0]))
    for (this, that), covered in zip(((one, other), (other, one)), covers, strict=True):
        if this.label.kind == "opaque":
            if covered or (that.label.kind == "opaque" and this.sizes == that.sizes):
                on.trace.tie(that.label.atoms, this.label.atoms)
            return _Side(that.label if that.label.vary() else this.label, sizes)
    if not varies[0] or not varies[1]:
        return _Side(one.label if varies[0] else other.label, sizes)
    kinds = one.label.kind, other.label.kind
    if not varies[0] & varies[1]:
        if "loose" not in kinds:
            why = f"two axes of it are combined in {on.place}"
            on.trace.fix(one.label.atoms, why)
            on.trace.fix(other.label.atoms, why)
        return _Side(other.label if kinds[0] == "loose" else one.label, sizes)
    on.trace.tie(one.label.atoms, other.label.atoms)
    kept = min((one, other), key=lambda side: side.label.atoms.numel()).label
    return _Side(Label(kept.atoms, "firm" if "firm" in kinds else "loose"), sizes)


def _pointwise(call: Call, on: "Follower") -> Label | None:
    shape = call.outs[0].shape
    found: _Side | None = None
    for tensor in call.tensors:
        label = on.label(tensor)
        if label is not None and tensor.ndim:
            side = _side(label, tensor.shape, len(shape))
            found = side if found is None else merged(found, side, on)
    return None if found is None else found.label


def _moves(call: Call, on: "Follower") -> Labels:
    tensor = call.given["self"] if "self" in call.given else call.tensors[0]
    if id(tensor) in on.named and tensor.ndim > 1 and id(tensor) not in on.labels and call.name in _TURNS:
        order = _TURNS[call.name](torch.arange(tensor.ndim).tolist(), call)
        on.turned[id(call.outs[0])] = tensor, order
        return [None]
    label = on.label(tensor)
    if label is None:
        return [None] * len(call.outs)
    if label.kind == "opaque":
        return [Label(label.atoms.reshape([1] * out.ndim), "opaque") for out in call.outs]
    atoms = whole(label, tensor.shape)
    if call.name in {"view", "_unsafe_view", "reshape", "_reshape_alias"}:
        return [compressed(atoms.reshape(call.outs[0].shape), label.kind)]
    rest = {name: value for name, value in call.given.items() if name != "self"}
    moved = call.func(atoms, **rest)
    return [compressed(one, label.kind) for one in (moved if isinstance(moved, tuple | list) else [moved])]


def _swapped(order: list[int], call: Call) -> tuple[int, ...]:
    one, other = call.given["dim0"], call.given["dim1"]
    order[one], order[other] = order[other], order[one]
    return tuple(order)


_TURNS: Final[dict[str, Callable[[list[int], Call], tuple[int, ...]]]] = {
    "t": lambda order, call: tuple(reversed(order)),
    "transpose": _swapped,
    "permute": lambda order, call: tuple(order[place] for place in call.given["dims"]),
}


def _keeps(call: Call, on: "Follower") -> Labels:
    tensor = call.tensors[0]
    if call.outs[0].shape != tensor.shape:
        return _unknown(call, on, f"it goes through {call.name} in {on.place}, which is not followed")
    if id(tensor) in on.named and id(tensor) not in on.labels and tensor.ndim > 1:
        on.turned[id(call.outs[0])] = tensor, tuple(range(tensor.ndim))
        return [None]
    return [on.label(tensor)]


def _pools(call: Call, on: "Follower") -> Labels:
    label, out = on.label(call.tensors[0]), call.outs[0]
    if label is None:
        return [None]
    count = 1 if "1d" in call.name else 3 if "3d" in call.name else 2
    return [collapsed(label, range(out.ndim - count, out.ndim), on)] + [None] * (len(call.outs) - 1)


def _reductions(call: Call, on: "Follower") -> Labels:
    tensor = call.tensors[0]
    label = on.label(tensor)
    if len(call.tensors) > 1:
        return [_pointwise(call, on)]  # (the larger of two)
    if label is None:
        return [None] * len(call.outs)
    asked = call.given.get("dim")
    dimensions = range(tensor.ndim) if asked is None else [asked] if isinstance(asked, int) else asked
    places = {place % tensor.ndim for place in dimensions} or set(range(tensor.ndim))
    if label.kind == "opaque":
        return [Label(label.atoms.reshape([1] * out.ndim), "opaque") if out.ndim else None for out in call.outs]
    if label.vary() & places:
        if label.kind == "firm":
            on.trace.notes.append((label.atoms.reshape(-1), f"a {call.name} over channels ({on.place})"))
        if not label.vary() - places:
            return [None] * len(call.outs)
        label = collapsed(label, places, on)
    kept = [size for place, size in enumerate(label.atoms.shape) if place not in places]
    atoms = label.atoms if call.outs[0].ndim == tensor.ndim else label.atoms.reshape(kept)
    return [Label(atoms, label.kind) for _ in call.outs]


def _pads(call: Call, on: "Follower") -> Labels:
    tensor = call.given["self"]
    label = on.label(tensor)
    if label is None or label.kind == "opaque":
        return [label]
    amounts, padded = call.given["pad"], []
    for place in range(tensor.ndim):
        at = 2 * (tensor.ndim - 1 - place)
        before, after = amounts[at : at + 2] if at < len(amounts) else (0, 0)
        padded.append((before, after) if place in label.vary() else (0, 0))
    atoms = label.atoms
    for place, (before, after) in enumerate(padded):
        parts = [atoms.narrow(place, max(0, -before), atoms.shape[place] + min(before, 0) + min(after, 0))]
        for width, where in ((before, 0), (after, 2)):
            if width > 0:
                shape = [width if one == place else size for one, size in enumerate(atoms.shape)]
                rows = on.trace.fresh(*shape)
                on.trace.fix(rows, f"it meets a padding of so many channels ({on.place})")
                parts.insert(0 if where == 0 else len(parts), rows)
        atoms = torch.cat(parts, place) if len(parts) > 1 else parts[0]
    return [Label(atoms, label.kind)]


def _joins(call: Call, on: "Follower") -> Labels:
    parts, out = list(call.given["tensors"]), call.outs[0]
    place = call.given.get("dim", 0)
    parts = [one for one in parts if one.numel()]
    if call.name == "stack":
        place %= out.ndim
        shapes = [(*one.shape[:place], 1, *one.shape[place:]) for one in parts]
    else:
        place %= out.ndim
        shapes = [tuple(one.shape) for one in parts]
    labels = [on.label(one) for one in parts]
    labels = [
        None if one is None else Label(one.atoms.unsqueeze(place) if call.name == "stack" else one.atoms, one.kind)
        for one in labels
    ]
    varying = [one for one in labels if one is not None and one.kind != "opaque" and place in one.vary()]
    if not varying:  # side by side along an axis that is no channel's: what stands at the same place goes together
        found: _Side | None = None
        for label, shape in zip(labels, shapes, strict=True):
            if label is not None:
                side = _Side(label, tuple(1 if one == place else size for one, size in enumerate(shape)))
                found = side if found is None else merged(found, side, on)
        return [None if found is None else found.label]
    rows = []
    for label, shape in zip(labels, shapes, strict=True):
        own = label
        if own is None or own.kind == "opaque" or place not in own.vary():
            fresh = on.trace.fresh(*[shape[place] if one == place else 1 for one in range(out.ndim)])
            if own is None or own.kind == "opaque" or shape[place] > 1:
                on.trace.fix(fresh, f"it stands beside so many other channels ({on.place})")
            if own is not None:
                on.trace.tie(fresh, own.atoms)
            own = Label(fresh, "firm")
        rows.append(own)
    sizes = [max(one.atoms.shape[at] for one in rows) for at in range(out.ndim)]
    spread = [
        one.atoms.expand(*[one.atoms.shape[at] if at == place else size for at, size in enumerate(sizes)])
        for one in rows
    ]
    return [compressed(torch.cat(spread, place), "firm" if any(one.kind == "firm" for one in rows) else "loose")]


def _vector(label: Label | None, dimension: int, size: int, on: "Follower", why: str) -> Tensor:
    """The atoms along one dimension, the others tied."""
    if label is None:
        atom = on.trace.fresh(1)
        on.trace.fix(atom, why)
        return atom.expand(size)
    others = [place for place in range(label.atoms.ndim) if place != dimension % label.atoms.ndim]
    return collapsed(label, others, on).atoms.reshape(-1).expand(size)


def _used(on: "Follower", name: str, made: int, taken: int, macs: int) -> None:
    known = on.trace.uses.get(name)
    on.trace.uses[name] = Use(made, taken, macs + (0 if known is None else known.macs))


def _beside(on: "Follower", vector: Tensor, *tensors: Tensor | None) -> None:
    """Tie what has one number for each channel (a bias, statistics) to the channels."""
    for tensor in tensors:
        if tensor is not None and (label := on.label(tensor)) is not None:
            on.trace.tie(label.atoms.reshape(-1), vector)


def _convolution(call: Call, on: "Follower") -> Labels:
    given, weight, out = call.given["input"], call.given["weight"], call.outs[0]
    found, groups, turned = on.weight_axes(weight), call.given["groups"], call.given["transposed"]
    if found is None or found[1] != tuple(range(weight.ndim)):
        return _unknown(call, on, f"the weight of {on.place} is computed")
    name, made, taken = found[0], int(turned), int(not turned)
    width, rows = given.shape[1], out.shape[1]
    came = _vector(on.label(given), 1, width, on, f"what {on.place} takes is not followed")
    went = on.axis(name, made, weight.shape[made])
    takes = on.axis(name, taken, weight.shape[taken])
    if groups > 1 and not turned and width == groups:
        on.trace.tie(went.reshape(groups, -1), came.reshape(groups, 1))  # (one channel each: they go with it)
        on.trace.fix(takes, "each kernel takes one channel")
    elif groups > 1 and turned:
        return _unknown(call, on, f"{on.place} is a transposed convolution in groups")
    else:
        on.trace.tie(came.reshape(groups, -1), takes.reshape(1, -1))
        went_rows = went.reshape(groups, -1)
        on.trace.tie(went_rows, went_rows[:1])  # (each group keeps as many)
    _beside(on, went, call.given.get("bias"))
    _used(on, name, made, taken, out.numel() * weight[0].numel() if not turned else given.numel() * weight[0].numel())
    return [Label(went.reshape(1, rows, *[1] * (out.ndim - 2)), "firm")]


def _linear(call: Call, on: "Follower") -> Labels:
    """``addmm``, ``mm`` and ``linear`` with the weight of a layer; a product of two tensors that came of the image."""
    given, weight = _factors(call)
    found = on.weight_axes(weight)
    if found is None or id(given) in on.named or weight.ndim != 2:
        return _products(call, on)
    name, order = found
    if call.name == "linear":
        order = tuple(reversed(order))
    taken, made = order
    came = _vector(on.label(given), -1, given.shape[-1], on, f"what {on.place} takes is not followed")
    on.trace.tie(on.axis(name, taken, given.shape[-1]), came)
    went = on.axis(name, made, call.outs[0].shape[-1])
    bias = call.given.get("bias") if call.name == "linear" else call.given.get("self") if call.name == "addmm" else None
    _beside(on, went, bias if bias is None or bias.ndim == 1 else None)
    _used(on, name, made, taken, call.outs[0].numel() * given.shape[-1])
    return [Label(went.reshape(*[1] * (call.outs[0].ndim - 1), -1), "firm")]


def _factors(call: Call) -> tuple[Tensor, Tensor]:
    if call.name == "linear":
        return call.given["input"], call.given["weight"]
    if call.name == "addmm":
        return call.given["mat1"], call.given["mat2"]
    if call.name == "baddbmm":
        return call.given["batch1"], call.given["batch2"]
    return call.given["self"], call.given["mat2"]


def _products(call: Call, on: "Follower") -> Labels:
    """A product of two tensors, as in an attention: what is summed over goes as a whole."""
    left, right = _factors(call)
    out = call.outs[0]
    one, other = on.label(left), on.label(right)
    if one is None and other is None:
        return [None]
    if any(label is not None and label.kind == "opaque" for label in (one, other)):
        return _unknown(call, on, f"it is multiplied with what is not followed ({on.place})")
    batch = set(range(out.ndim - 2))
    summed_left = one is not None and out.ndim - 1 in one.vary()
    summed_right = other is not None and out.ndim - 2 in other.vary()
    if summed_left or summed_right:
        if one is None or other is None or not (summed_left and summed_right):
            return _unknown(call, on, f"it is multiplied with so many numbers ({on.place})")
        one, other = collapsed(one, [out.ndim - 2], on), collapsed(other, [out.ndim - 1], on)
        on.trace.tie(one.atoms, other.atoms.transpose(-1, -2))
        found = collapsed(one, [out.ndim - 1], on)
        on.trace.heads.append(found.atoms.reshape(-1))
        return [found]
    rows, columns = one is not None and out.ndim - 2 in one.vary(), other is not None and out.ndim - 1 in other.vary()
    if rows and columns:
        return _unknown(call, on, f"two axes of it are combined in {on.place}")
    if one is not None and other is not None and one.vary() & batch and other.vary() & batch:
        on.trace.tie(one.atoms, other.atoms)
        on.trace.heads.append(one.atoms.reshape(-1))
    kept = other if columns or one is None or not one.vary() else one
    return [kept]


def _attention(call: Call, on: "Follower") -> Labels:
    """Of queries, keys and values (... x heads x tokens x width): a head goes as a whole, with its keys' head."""
    query, key, value = (call.given[name] for name in ("query", "key", "value"))
    labels = [on.label(one) for one in (query, key, value)]
    if any(one is None or one.kind == "opaque" for one in labels):
        return _unknown(call, on, f"what the attention {on.place} takes is not followed")
    heads = query.shape[-3]
    found = []
    for label, tensor in zip(labels, (query, key, value), strict=True):
        assert label is not None
        atoms = collapsed(label, [query.ndim - 2], on).atoms
        times = heads // tensor.shape[-3]
        if times > 1:  # (a head of keys serves several of queries)
            atoms = atoms.expand(*[*atoms.shape[:-3], tensor.shape[-3], *atoms.shape[-2:]]).repeat_interleave(times, -3)
        found.append(Label(atoms, label.kind))
    first = collapsed(found[0], [query.ndim - 1], on)
    for other in found[1:]:
        on.trace.tie(other.atoms, first.atoms)
    mask = call.given.get("attn_mask", call.given.get("attn_bias"))
    if mask is not None and (bias := on.label(mask)) is not None and -3 % query.ndim in _side(
        bias, mask.shape, query.ndim
    ).label.vary():
        on.trace.tie(_side(bias, mask.shape, query.ndim).label.atoms, first.atoms)
    on.trace.heads.append(first.atoms.reshape(-1))
    return [found[2]] + [None] * (len(call.outs) - 1)


def _batch_norm(call: Call, on: "Follower") -> Labels:
    label = on.label(call.given["input"])
    size = call.given["input"].shape[1]
    vector = _vector(label, 1, size, on, f"what {on.place} takes is not followed")
    _beside(on, vector, *(call.given.get(name) for name in ("weight", "bias", "running_mean", "running_var")))
    shape = [1] * call.outs[0].ndim
    shape[1] = size
    return [Label(vector.reshape(shape), "firm")] + [None] * (len(call.outs) - 1)


def _layer_norm(call: Call, on: "Follower") -> Labels:
    tensor = call.given["input"]
    label = on.label(tensor)
    if label is None:
        return [None] * len(call.outs)
    last = range(tensor.ndim - len(call.given["normalized_shape"]), tensor.ndim)
    if label.vary() & set(last):
        on.trace.notes.append((label.atoms.reshape(-1), f"a normalisation over channels ({on.place})"))
    side = _Side(label, tuple(tensor.shape))
    for name in ("weight", "bias"):
        one = call.given.get(name)
        if one is not None and (own := on.label(one)) is not None:
            side = merged(side, _side(own, one.shape, tensor.ndim), on)
    return [side.label] + [None] * (len(call.outs) - 1)


def _group_norm(call: Call, on: "Follower") -> Labels:
    tensor, groups = call.given["input"], call.given["group"]
    vector = _vector(on.label(tensor), 1, tensor.shape[1], on, f"what {on.place} takes is not followed")
    if groups < tensor.shape[1]:
        rows = vector.reshape(groups, -1)
        on.trace.tie(rows, rows[:1])  # (each group keeps as many)
        on.trace.notes.append((vector, f"a normalisation over channels ({on.place})"))
    _beside(on, vector, call.given.get("weight"), call.given.get("bias"))
    return [Label(vector.reshape(1, -1, *[1] * (tensor.ndim - 2)), "firm")] + [None] * (len(call.outs) - 1)


def _softmax(call: Call, on: "Follower") -> Labels:
    tensor = call.tensors[0]
    label = on.label(tensor)
    if label is not None and call.given["dim"] % tensor.ndim in label.vary():
        on.trace.notes.append((label.atoms.reshape(-1), f"a softmax over channels ({on.place})"))
    return [label]


Rule = Callable[[Call, "Follower"], Labels]
RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(MOVES, _moves),
    **dict.fromkeys(KEEPS, _keeps),
    **dict.fromkeys(POOLS, _pools),
    **dict.fromkeys(REDUCTIONS, _reductions),
    **dict.fromkeys(("cat", "stack"), _joins),
    **dict.fromkeys(("addmm", "mm", "linear"), _linear),
    **dict.fromkeys(("bmm", "baddbmm"), _products),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
    **dict.fromkeys(
        ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
        _batch_norm,
    ),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_attention_math",
        ),
        _attention,
    ),
    "constant_pad_nd": _pads,
    "convolution": _convolution,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
}
"""By the name of the operation in ``aten``."""
