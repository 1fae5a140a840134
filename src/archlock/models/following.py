"""Where channels go: each channel has a number, and numbers are carried along through one forward pass.

A channel that a layer makes gets an *atom* (a whole number). Beside every tensor goes a tensor of atoms that says which
channel each of its elements belongs to, and every operation does to the atoms what it does to the values: a view is a
view, a concatenation a concatenation, and a sum ties the atoms of what is added. Atoms that are tied are one unit: all
axes of weights that hold one of them get shorter together. So shortcuts, padding, flattening, heads of attention and
bare parameters (class tokens, positions, layer scales) need no knowledge of any architecture.

``wiring`` asks by disturbing channels instead, which needs no rules for operations, but a dozen passes for every layer,
and it cannot look through a normalisation over channels or an attention; here one pass says all. What is said here is
tested by whoever uses it (``exactness``). What an operation does is in ``following_rules``.
"""

import io
import traceback
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from archlock.errors import UnsupportedError
from archlock.models.following_labels import Bypass, Call, Label, Trace
from archlock.models.following_rules import labels_after, passing
from archlock.models.tracing import Layer

MOST_ELEMENTS: Final = 1 << 22
"""Of a bare parameter, each of whose elements gets an atom."""
READING: Final = frozenset({"_local_scalar_dense", "nonzero", "masked_select", "_unique2"})
"""Operations that make a decision, or a size, of the numbers in a tensor."""
OURS: Final = str(Path(__file__).parent)
BETWEEN: Final = ("/torch/", "/jaxtyping/")
"""Code that runs between the user's and this."""


def follow(model: nn.Module, image: Tensor) -> Trace:
    """What a forward pass of a model in evaluation mode shows; the image is 1 x C x H x W.

    Layers that are used only while it trains (an auxiliary head) take channels too: where some layers were not met, a
    second pass looks for them. What they make stays. A forward pass that decides by the numbers in an image raises
    UnsupportedError: it says where, and what ``torch.export`` says of it.
    """
    trace = _followed(model, image)
    if all(name in trace.uses for name in _weights(model)):
        return trace
    return _with_training(model, image, trace)


def _weights(model: nn.Module) -> list[str]:
    """Of all layers, by the first name that they have."""
    of_layers = {id(part._parameters.get("weight")) for part in model.modules() if isinstance(part, Layer)}
    return [name for name, value in model.named_parameters() if id(value) in of_layers]


def _with_training(model: nn.Module, image: Tensor, trace: Trace) -> Trace:
    """The same trace with the layers that are met only while the model trains; as it is where that shows no more.

    Layers of torch stay in evaluation mode: normalisation and dropout are as in use.
    """
    copy = deepcopy(model)
    for module in copy.modules():
        module.training = not type(module).__module__.startswith("torch.nn.")
    try:
        with torch.random.fork_rng(devices=[]):
            seen = _followed(copy, image)
    except Exception:  # (a stranger's module may raise anything, and in this mode nobody asked for an answer)
        return trace
    more = seen.uses.keys() - trace.uses.keys()
    if not more or trace.uses.keys() - seen.uses.keys():
        return trace
    for name in more:
        seen.fix(seen.axes[name, seen.uses[name].made], "it is used only while the network trains")
    for name, use in seen.uses.items():
        seen.uses[name] = trace.uses.get(name, replace(use, macs=0))
    return seen


def _followed(model: nn.Module, image: Tensor) -> Trace:
    follower = Follower(model, image)
    handles = list(follower.hooks())
    try:
        with torch.no_grad(), follower:
            answer = model(image)
    except DecidingError as error:
        raise UnsupportedError(
            f"{type(model).__name__} cannot be edited: {error}, so another image may take another way and what belongs "
            f"together is not known{_words_of_export(model, image)}; take the decision out of forward()"
        ) from None
    finally:
        for handle in handles:
            handle.remove()
    for found in tree_flatten(answer)[0]:
        if isinstance(found, Tensor) and (label := follower.label(found)) is not None:
            follower.trace.fix(label.atoms, "it makes the answer")
    return follower.trace


class DecidingError(Exception):
    """The forward pass decides by numbers."""


class Follower(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Carries atoms along; see :func:`follow`."""

    def __init__(self, model: nn.Module, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self.trace = model, Trace()
        self.named: dict[int, str] = {}
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            self.named.setdefault(id(value), name)
        self.labels: dict[int, Label] = {}
        self.turned: dict[int, tuple[Tensor, tuple[int, ...]]] = {}
        """Weights as they are after a permutation."""
        self.alive: list[Any] = [image]  # (an identity is one only as long as its tensor lives)
        self.fed = {id(image)}
        """Tensors that came of the image."""
        self.passing: dict[int, frozenset[str]] = {}
        """Of tensors: the modules whose input they are, or are but for sums and activations."""
        self.places: list[str] = [""]
        self.labels[id(image)] = self.opaque(image.ndim, "it takes the channels of the image")

    def opaque(self, dimensions: int, why: str) -> Label:
        """A label of what must stay as it is."""
        atom = self.trace.fresh(*[1] * dimensions)
        self.trace.fix(atom, why)
        return Label(atom, "opaque")

    @property
    def place(self) -> str:
        """The module that is at work, in words."""
        return self.places[-1] or type(self.model).__name__

    def label(self, tensor: Tensor) -> Label | None:
        """The label of a tensor; parameters and buffers get one when they are first met."""
        found = self.labels.get(id(tensor))
        if found is not None:
            return found
        if id(tensor) in self.turned:
            weight, order = self.turned[id(tensor)]
            whole = self.label(weight)
            return None if whole is None else Label(whole.atoms.permute(order), whole.kind)
        name = self.named.get(id(tensor))
        if name is None or not tensor.is_floating_point() or tensor.ndim == 0:
            return None
        if tensor.numel() > MOST_ELEMENTS or (name, 0) in self.trace.axes:
            return self.opaque(tensor.ndim, f"{name} is not only the weight of a layer")
        if name not in self.trace.elements:
            self.trace.elements[name] = self.trace.fresh(*tensor.shape)
        return Label(self.trace.elements[name], "loose")

    def weight_axes(self, tensor: Tensor) -> tuple[str, tuple[int, ...]] | None:
        """Which weight a tensor is, and which of its axes stand where; None where it is computed."""
        weight, order = self.turned.get(id(tensor), (tensor, tuple(range(tensor.ndim))))
        name = self.named.get(id(weight))
        return None if name is None or name in self.trace.elements else (name, order)

    def axis(self, name: str, dimension: int, size: int) -> Tensor:
        """The atoms of an axis of a weight."""
        if (name, dimension) not in self.trace.axes:
            self.trace.axes[name, dimension] = self.trace.fresh(size)
        return self.trace.axes[name, dimension]

    def hooks(self) -> Iterator[Any]:
        """Hooks that say which module is at work, and which are passed by."""
        entered: dict[str, list[Tensor]] = {}
        for name, module in self.model.named_modules():
            holds_layers = any(isinstance(part, Layer) for part in module.modules())
            yield module.register_forward_pre_hook(self._entering(name, entered, holds_layers))
            yield module.register_forward_hook(self._leaving(name, entered), always_call=True)

    def _entering(self, name: str, entered: dict[str, list[Tensor]], holds_layers: bool) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            self.places.append(name)
            if name and holds_layers and given and isinstance(given[0], Tensor):
                entered.setdefault(name, []).append(given[0])
                self.passing[id(given[0])] = self.passing.get(id(given[0]), frozenset()) | {name}

        return hook

    def _leaving(self, name: str, entered: dict[str, list[Tensor]]) -> Any:
        def hook(_: nn.Module, __: object, answer: Any) -> None:
            self.places.pop()
            said = answer[0] if isinstance(answer, tuple) and answer else answer
            given = entered.get(name, [])
            if len(given) == 1 and isinstance(said, Tensor) and said is not given[0] and said.shape == given[0].shape:
                if name in self.passing.get(id(said), frozenset()):
                    self.trace.bypasses.append(Bypass(name, len(answer) if isinstance(answer, tuple) else 0))
            elif len(given) > 1:
                self.trace.bypasses[:] = [one for one in self.trace.bypasses if one.name != name]

        return hook

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation, and do to the atoms what it does."""
        named = dict(zip((one.name for one in func._schema.arguments), args, strict=False)) | (kwargs or {})
        name = func._schema.name.removeprefix("aten::")
        name = name.removesuffix("_") if len(name) > 1 else name
        tensors = [one for one in tree_flatten(named)[0] if isinstance(one, Tensor)]
        fed = any(id(one) in self.fed for one in tensors)
        if fed and name in READING:
            raise DecidingError(f"its forward pass decides by the numbers in an image ({self.place}{_where()})")
        made = func(*args, **(kwargs or {}))
        outs = [one for one in (made if isinstance(made, tuple | list) else [made]) if isinstance(one, Tensor)]
        call = Call(name, func, named, tensors, outs)
        labels = labels_after(call, self)
        carried = frozenset[str]().union(*(self.passing.get(id(one), frozenset()) for one in tensors))
        passes = passing(call)
        for out, label in zip(outs, labels, strict=False):
            self.alive.append(out)
            if fed:
                self.fed.add(id(out))
            self.passing[id(out)] = carried if passes else frozenset()
            if label is not None:
                self.labels[id(out)] = label
            else:
                self.labels.pop(id(out), None)
        return made


def _where() -> str:
    """The line of the user's code that is running."""
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith(OURS) and not any(one in frame.filename for one in BETWEEN):
            return f", {Path(frame.filename).name}:{frame.lineno}: {frame.line}"
    return ""


def _words_of_export(model: nn.Module, image: Tensor) -> str:
    """What ``torch.export`` says of such a forward pass, in a line."""
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():  # (it draws graphs)
            warnings.simplefilter("ignore")
            torch.export.export(model, (image,), strict=False)
    except Exception as error:  # (it raises nearly anything)
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return f" (torch.export: {first[:200]})"
    return ""
