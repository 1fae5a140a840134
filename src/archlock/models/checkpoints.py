"""Which part of a checkpoint belongs to a module, and under which names: wrappers and prefixes of training scripts.

Scripts put a state dict into a record beside epochs and optimisers, wrap the module before they save it, or save it as
a part of another. What is taken off is only taken off where the rest is the module exactly, name by name and shape by
shape, and it is said; where two parts would fit, none is guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from archlock.errors import RunError
from archlock.models.state_dicts import fill, mismatches

FIRST: Final = ("", "state_dict", "model_state_dict", "model", "net")
"""Parts in this order count before others that fit too (averages of the weights, as in ``model_ema``)."""
_WRAPPED: Final = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "module.")
"""What torch's own wrappers put into names, also in the middle of them."""


@dataclass(frozen=True, slots=True)
class _Fit:
    part: str
    prefix: str
    unwrapped: tuple[str, ...]
    state: dict[str, Tensor]
    left: tuple[str, ...]
    """Names of the part that do not belong to the module."""


def filled(module: nn.Module, parts: Mapping[str, Mapping[str, Tensor]], *, name: str) -> tuple[nn.Module, str]:
    """The module with the weights of the part that fits it (see ``fill``), and in words what was taken off.

    ``parts`` are those of ``read_parts``. RunError where none fits exactly, which names what is missing in the one that
    comes nearest, and where several do that are not the same weights.
    """
    fits = [fit for part, state in parts.items() for fit in _fits(module, part, state)]
    if not fits:
        part, state = _nearest(module, parts)
        return fill(module, state, name=f"{name}, {part}" if part else name), ""
    chosen = _chosen(fits, name)
    return fill(module, chosen.state, name=name), _in_words(chosen, fits)


def _fits(module: nn.Module, part: str, state: Mapping[str, Tensor]) -> Iterator[_Fit]:
    """Every way in which a part, without a prefix, is the module exactly; the whole part before pieces of it."""
    if not mismatches(module, state):
        yield _Fit(part, "", (), dict(state), ())
        return
    wrapped = tuple(word for word in _WRAPPED if any(f".{word}" in f".{key}" for key in state))
    for unwrapped in [(), wrapped] if wrapped else [()]:
        found = [
            _Fit(part, prefix, unwrapped, inner, left)
            for prefix, inner, left in _pieces(module, _renamed(state, unwrapped))
            if not mismatches(module, inner)
        ]
        yield from found
        if found:
            return


def _pieces(module: nn.Module, state: Mapping[str, Tensor]) -> Iterator[tuple[str, dict[str, Tensor], tuple[str, ...]]]:
    """What lies behind every prefix that a name of the module has in the state, and what lies elsewhere."""
    own = max((key for key in module.state_dict() if not key.endswith("num_batches_tracked")), key=len, default="")
    prefixes = {key.removesuffix(own) for key in state if key == own or key.endswith(f".{own}")} if own else set()
    for prefix in sorted(prefixes):
        inner = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        yield prefix, inner, tuple(key for key in state if not key.startswith(prefix))


def _chosen(fits: list[_Fit], name: str) -> _Fit:
    """The one that fits, or the first by ``FIRST`` of several; RunError where nothing says which is meant."""
    order = [place for part in FIRST for place, fit in enumerate(fits) if fit.part == part]
    best = fits[order[0]] if order else fits[0]
    rivals = [fit for fit in fits if (fit.part == best.part or not order) and not _same(fit.state, best.state)]
    if rivals:
        ways = ", ".join(sorted({_place(fit) for fit in (best, *rivals)}))
        raise RunError(
            f"{name} holds several sets of weights that fit the module: {ways}; which is meant is not guessed. Save "
            "the one alone: torch.save(state_dict, path)"
        )
    return best


def _nearest(module: nn.Module, parts: Mapping[str, Mapping[str, Tensor]]) -> tuple[str, Mapping[str, Tensor]]:
    """The part, without the prefix, that has most of the module's names: what an error is best told about."""
    own = module.state_dict().keys()
    found: list[tuple[int, str, Mapping[str, Tensor]]] = []
    for part, state in parts.items():
        names = _renamed(state, _WRAPPED)
        pieces = [("", names), *((prefix, inner) for prefix, inner, _ in _pieces(module, names))]
        for prefix, inner in pieces:
            words = " and ".join([f"part {part!r}"] * bool(part) + [f"without the prefix {prefix!r}"] * bool(prefix))
            found.append((len(own & inner.keys()), words, inner))
    _, words, state = max(found, key=lambda one: one[0])
    return words, state


def _in_words(chosen: _Fit, fits: list[_Fit]) -> str:
    said = []
    if chosen.part:
        said.append(f"the part {chosen.part!r}")
    off = (*chosen.unwrapped, *([chosen.prefix] if chosen.prefix else []))
    if off:
        said.append(f"without {' and '.join(repr(one) for one in off)} in its names")
    if chosen.left:
        others = sorted({key.partition(".")[0] for key in chosen.left})
        said.append(f"leaving out {len(chosen.left)} tensors of {', '.join(others[:4])}")
    others = sorted({_place(fit) for fit in fits if fit.part != chosen.part})
    if others:
        said.append(f"and not {', '.join(others)}, which would fit too")
    return ", ".join(said)


def _place(fit: _Fit) -> str:
    return " with the prefix ".join(repr(one) for one in (fit.part, fit.prefix) if one) or "the names as they are"


def _renamed(state: Mapping[str, Tensor], words: tuple[str, ...]) -> dict[str, Tensor]:
    """The state with names without those words, wherever they stand; as it is where two would have one name."""
    names: dict[str, Tensor] = {}
    for key, value in state.items():
        short = f".{key}"
        for word in words:
            short = short.replace(f".{word}", ".")
        names[short.removeprefix(".")] = value
    return names if len(names) == len(state) else dict(state)


def _same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two sets of weights of one module are equal."""
    shared = one.keys() & other.keys()
    return all(one[key].dtype == other[key].dtype and torch.equal(one[key], other[key]) for key in shared)
