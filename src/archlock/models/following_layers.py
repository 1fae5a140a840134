"""What layers, products and normalisations do to the numbers of channels (see ``following``)."""

from typing import TYPE_CHECKING

from torch import Tensor

from archlock.models.following_labels import Call, Label, Labels, Side, Use, collapsed, merged, side_of, unknown

if TYPE_CHECKING:
    from archlock.models.following import Follower


def convolution(call: Call, on: "Follower") -> Labels:
    """The channels that it makes are new; those that it takes are the columns of its weight."""
    given, weight, out = call.given["input"], call.given["weight"], call.outs[0]
    found, groups, turned = on.weight_axes(weight), call.given["groups"], call.given["transposed"]
    if found is None or found[1] != tuple(range(weight.ndim)):
        return unknown(call, on, f"the weight of {on.place} is computed")
    name, made, taken = found[0], int(turned), int(not turned)
    width, rows = given.shape[1], out.shape[1]
    came = _vector(on.label(given), 1, width, on, f"what {on.place} takes is not followed")
    went = on.axis(name, made, weight.shape[made])
    takes = on.axis(name, taken, weight.shape[taken])
    if groups > 1 and not turned and width == groups:
        on.trace.tie(went.reshape(groups, -1), came.reshape(groups, 1))  # (one channel each: they go with it)
        on.trace.fix(takes, "each kernel takes one channel")
    elif groups > 1 and turned:
        return unknown(call, on, f"{on.place} is a transposed convolution in groups")
    else:
        on.trace.tie(came.reshape(groups, -1), takes.reshape(1, -1))
        went_rows = went.reshape(groups, -1)
        on.trace.tie(went_rows, went_rows[:1])  # (each group keeps as many)
    _beside(on, went, call.given.get("bias"))
    _used(on, name, made, taken, out.numel() * weight[0].numel() if not turned else given.numel() * weight[0].numel())
    return [Label(went.reshape(1, rows, *[1] * (out.ndim - 2)), "firm")]


def linear(call: Call, on: "Follower") -> Labels:
    """``addmm``, ``mm`` and ``linear`` with the weight of a layer; a product of two tensors that came of the image."""
    given, weight = _factors(call)
    found = on.weight_axes(weight)
    if found is None or id(given) in on.named or weight.ndim != 2:
        return products(call, on)
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


def products(call: Call, on: "Follower") -> Labels:
    """A product of two tensors, as in an attention: what is summed over goes as a whole."""
    left, right = _factors(call)
    out = call.outs[0]
    one, other = on.label(left), on.label(right)
    if one is None and other is None:
        return [None]
    if any(label is not None and label.kind == "opaque" for label in (one, other)):
        return unknown(call, on, f"it is multiplied with what is not followed ({on.place})")
    batch = set(range(out.ndim - 2))
    summed_left = one is not None and out.ndim - 1 in one.vary()
    summed_right = other is not None and out.ndim - 2 in other.vary()
    if summed_left or summed_right:
        if one is None or other is None or not (summed_left and summed_right):
            return unknown(call, on, f"it is multiplied with so many numbers ({on.place})")
        one, other = collapsed(one, [out.ndim - 2], on), collapsed(other, [out.ndim - 1], on)
        on.trace.tie(one.atoms, other.atoms.transpose(-1, -2))
        found = collapsed(one, [out.ndim - 1], on)
        on.trace.heads.append(found.atoms.reshape(-1))
        return [found]
    rows, columns = one is not None and out.ndim - 2 in one.vary(), other is not None and out.ndim - 1 in other.vary()
    if rows and columns:
        return unknown(call, on, f"two axes of it are combined in {on.place}")
    if one is not None and other is not None and one.vary() & batch and other.vary() & batch:
        on.trace.tie(one.atoms, other.atoms)
        on.trace.heads.append(one.atoms.reshape(-1))
    kept = other if columns or one is None or not one.vary() else one
    return [kept]


def attention(call: Call, on: "Follower") -> Labels:
    """Of queries, keys and values (... x heads x tokens x width): a head goes as a whole, with its keys' head."""
    query, key, value = (call.given[name] for name in ("query", "key", "value"))
    labels = [on.label(one) for one in (query, key, value)]
    if any(one is None or one.kind == "opaque" for one in labels):
        return unknown(call, on, f"what the attention {on.place} takes is not followed")
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
    if (
        mask is not None
        and (bias := on.label(mask)) is not None
        and -3 % query.ndim in side_of(bias, mask.shape, query.ndim).label.vary()
    ):
        on.trace.tie(side_of(bias, mask.shape, query.ndim).label.atoms, first.atoms)
    on.trace.heads.append(first.atoms.reshape(-1))
    return [found[2]] + [None] * (len(call.outs) - 1)


def batch_norm(call: Call, on: "Follower") -> Labels:
    """Its numbers belong to the channels; in evaluation mode they meet nothing else."""
    label = on.label(call.given["input"])
    size = call.given["input"].shape[1]
    vector = _vector(label, 1, size, on, f"what {on.place} takes is not followed")
    _beside(on, vector, *(call.given.get(name) for name in ("weight", "bias", "running_mean", "running_var")))
    shape = [1] * call.outs[0].ndim
    shape[1] = size
    return [Label(vector.reshape(shape), "firm")] + [None] * (len(call.outs) - 1)


def layer_norm(call: Call, on: "Follower") -> Labels:
    """Its numbers belong to the channels, which meet each other in it."""
    tensor = call.given["input"]
    label = on.label(tensor)
    if label is None:
        return [None] * len(call.outs)
    last = range(tensor.ndim - len(call.given["normalized_shape"]), tensor.ndim)
    if label.vary() & set(last):
        on.trace.notes.append((label.atoms.reshape(-1), f"a normalisation over channels ({on.place})"))
    side = Side(label, tuple(tensor.shape))
    for name in ("weight", "bias"):
        one = call.given.get(name)
        if one is not None and (own := on.label(one)) is not None:
            side = merged(side, side_of(own, one.shape, tensor.ndim), on)
    return [side.label] + [None] * (len(call.outs) - 1)


def group_norm(call: Call, on: "Follower") -> Labels:
    """Each of its groups keeps as many channels, which meet each other."""
    tensor, groups = call.given["input"], call.given["group"]
    vector = _vector(on.label(tensor), 1, tensor.shape[1], on, f"what {on.place} takes is not followed")
    if groups < tensor.shape[1]:
        rows = vector.reshape(groups, -1)
        on.trace.tie(rows, rows[:1])  # (each group keeps as many)
        on.trace.notes.append((vector, f"a normalisation over channels ({on.place})"))
    _beside(on, vector, call.given.get("weight"), call.given.get("bias"))
    return [Label(vector.reshape(1, -1, *[1] * (tensor.ndim - 2)), "firm")] + [None] * (len(call.outs) - 1)


def softmax(call: Call, on: "Follower") -> Labels:
    """Channels meet each other where it is over them."""
    tensor = call.tensors[0]
    label = on.label(tensor)
    if label is not None and call.given["dim"] % tensor.ndim in label.vary():
        on.trace.notes.append((label.atoms.reshape(-1), f"a softmax over channels ({on.place})"))
    return [label]


def _factors(call: Call) -> tuple[Tensor, Tensor]:
    if call.name == "linear":
        return call.given["input"], call.given["weight"]
    if call.name == "addmm":
        return call.given["mat1"], call.given["mat2"]
    if call.name == "baddbmm":
        return call.given["batch1"], call.given["batch2"]
    return call.given["self"], call.given["mat2"]


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
