"""What operations do to the numbers of channels (see ``following``): rules by name, some ninety operations of torch.

An operation that is not known fixes the channels that go into it, and says so. Layers are in ``following_layers``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import torch

from archlock.models.following_labels import (
    Call,
    Label,
    Labels,
    Side,
    collapsed,
    compressed,
    merged,
    side_of,
    unknown,
    whole,
)
from archlock.models.following_layers import (
    attention,
    batch_norm,
    convolution,
    group_norm,
    layer_norm,
    linear,
    products,
    softmax,
)

if TYPE_CHECKING:
    from archlock.models.following import Follower

MOVES: Final = frozenset(
    (
        "view",
        "_unsafe_view",
        "reshape",
        "_reshape_alias",
        "transpose",
        "permute",
        "t",
        "expand",
        "unsqueeze",
        "squeeze",
        "select",
        "slice",
        "roll",
        "flip",
        "unbind",
        "split",
        "split_with_sizes",
        "chunk",
        "index",
        "narrow",
        "unfold",
        "repeat",
        "pixel_shuffle",
        "pixel_unshuffle",
        "channel_shuffle",
        "native_channel_shuffle",
        "diagonal",
        "index_select",
        "movedim",
        "swapaxes",
        "unsafe_split",
        "unsafe_chunk",
    )
)
"""Operations that put the elements elsewhere."""
KEEPS: Final = frozenset(
    ("clone", "contiguous", "_to_copy", "detach", "alias", "lift_fresh", "dropout", "as_strided", "resize", "view_as")
)
NEW: Final = frozenset(
    (
        "new_zeros",
        "new_ones",
        "new_empty",
        "new_full",
        "new_empty_strided",
        "zeros_like",
        "ones_like",
        "empty_like",
        "full_like",
        "rand_like",
        "randn_like",
        "fill",
        "zero",
        "argmax",
        "argmin",
    )
)
POOLS: Final = frozenset(
    (
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "max_pool2d_with_indices",
        "max_pool3d_with_indices",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "adaptive_avg_pool1d",
        "adaptive_max_pool2d",
        "upsample_nearest2d",
        "upsample_bilinear2d",
        "upsample_bicubic2d",
        "_upsample_bilinear2d_aa",
        "_upsample_bicubic2d_aa",
        "reflection_pad2d",
        "replication_pad2d",
    )
)
REDUCTIONS: Final = frozenset(
    ("mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "linalg_vector_norm", "norm", "prod")
)
SUMS: Final = frozenset(("add", "sub"))


def passing(call: Call) -> bool:
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
    return unknown(call, on, f"it goes through {call.name} in {on.place}, which is not followed")


def _pointwise(call: Call, on: "Follower") -> Label | None:
    shape = call.outs[0].shape
    found: Side | None = None
    for tensor in call.tensors:
        label = on.label(tensor)
        if label is not None and tensor.ndim:
            side = side_of(label, tensor.shape, len(shape))
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
    "t": lambda order, _: tuple(reversed(order)),
    "transpose": _swapped,
    "permute": lambda order, call: tuple(order[place] for place in call.given["dims"]),
}


def _keeps(call: Call, on: "Follower") -> Labels:
    tensor = call.tensors[0]
    if call.outs[0].shape != tensor.shape:
        return unknown(call, on, f"it goes through {call.name} in {on.place}, which is not followed")
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
        found: Side | None = None
        for label, shape in zip(labels, shapes, strict=True):
            if label is not None:
                side = Side(label, tuple(1 if one == place else size for one, size in enumerate(shape)))
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


Rule = Callable[[Call, "Follower"], Labels]


RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(MOVES, _moves),
    **dict.fromkeys(KEEPS, _keeps),
    **dict.fromkeys(POOLS, _pools),
    **dict.fromkeys(REDUCTIONS, _reductions),
    **dict.fromkeys(("cat", "stack"), _joins),
    **dict.fromkeys(("addmm", "mm", "linear"), linear),
    **dict.fromkeys(("bmm", "baddbmm"), products),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), softmax),
    **dict.fromkeys(
        ("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"),
        batch_norm,
    ),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_attention_math",
        ),
        attention,
    ),
    "constant_pad_nd": _pads,
    "convolution": convolution,
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
}
"""By the name of the operation in ``aten``."""
