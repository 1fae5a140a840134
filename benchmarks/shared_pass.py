"""The seven published proxies in one shared pass against each by itself; synflow and zico against the common way.

    python benchmarks/shared_pass.py [--json FILE] [--code 212304] [--width 16] [--depth 5] [--batch 64] [--repeats 5]
                                     [--check]

The reference is written out below as the common tools compute it: a private copy of the network for every proxy, the
default memory layout, one independent forward and backward pass each (grasp: two and a second derivative; nwot: one
more forward pass; synflow: one image in float64, by autograd in the weights). Reference, ours and the floor take turns
in one process with one thread. Times are medians of processor time; what counts is their ratio, for the machine may be
shared. The floor is one bare forward and backward pass of the batch in channels-last layout. The share of the peak is
that of a float32 matrix product in the same process, a convolution's forward pass counted once (``count_flops``), its
two gradients once each; the seven need eight such products at least: three for the loss, one for the images of jacov,
four for grasp. Prints the largest relative difference of the values, with ``--check`` (slow) also to the reference in
float64, by proxy.
"""

import argparse
import copy
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archlock.execution import one_thread
from archlock.models import build, count_flops
from archlock.proxies import PROXIES, PUBLISHED_SEVEN, measure_all
from archlock.spaces import SPACES
from archlock.tasks import Signature
from archlock.training import Batch

SIGNATURE = Signature("classification", (3, 32, 32), 10, (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))


def main() -> None:
    """Time, print, and write the figures."""
    arguments = _arguments()
    architecture = SPACES["nasbench201"].architecture(arguments.code)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(architecture, SIGNATURE, width=arguments.width, depth=arguments.depth, seed=0)
        targets = torch.arange(arguments.batch) % 10
        batches = [Batch(torch.rand(arguments.batch, 3, 32, 32), targets) for _ in range(2)]
        batch = batches[0]
    with one_thread():
        rows = [
            _race("seven", lambda: each_alone(model, batch), lambda: together(model, batch), arguments.repeats),
            _race(
                "synflow", lambda: _synflow(model, batch), lambda: _ours(model, [batch], "synflow"), arguments.repeats
            ),
            _race("zico", lambda: _zico(model, batches), lambda: _ours(model, batches, "zico"), arguments.repeats),
        ]
        floor = _floor(model, batch, arguments.repeats)
        peak = _peak()
        differences = _check(model, batches) if arguments.check else {}
    once = count_flops(model, SIGNATURE.shape) * arguments.batch / peak / 1e6  # at the peak, in milliseconds
    for row in rows:
        print(
            f"{row['what']:8} reference {row['reference_ms']:8.1f} ms  ours {row['ours_ms']:8.1f} ms  "
            f"ratio {row['ratio']:5.2f}  relative difference {row['difference']:.1e}"
        )
    shares = {
        "peak_gflops": peak,
        "floor_ms": floor,
        "floor_share_of_peak": 3 * once / floor,
        "seven_in_floors": rows[0]["ours_ms"] / floor,
        "seven_share_of_peak": 8 * once / rows[0]["ours_ms"],
    }
    print("  ".join(f"{name} {value:.2f}" for name, value in shares.items()))
    for name, (theirs, own) in differences.items():
        print(f"{name:8} to float64: reference {theirs:.1e}  ours {own:.1e}")
    if arguments.json:
        settings = {name: value for name, value in vars(arguments).items() if name != "json"}
        arguments.json.write_text(
            json.dumps({"settings": settings, "results": rows, "shares": shares, "to_float64": differences}, indent=2)
            + "\n"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--code", default="212304", help="cell of NAS-Bench-201; the default is of median size")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="compare with float64 too; takes minutes")
    return parser.parse_args()


def _race(what: str, reference: Callable[[], dict], ours: Callable[[], dict], repeats: int) -> dict[str, Any]:
    expected, found = reference(), ours()  # also the warm-up
    difference = max(abs(found[name] - value) / abs(value) for name, value in expected.items())
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for side, work in zip(seconds, (reference, ours), strict=True):
            began = time.process_time()
            work()
            side.append(time.process_time() - began)
    theirs, own = (1000 * statistics.median(side) for side in seconds)
    return {
        "what": what,
        "reference_ms": theirs,
        "ours_ms": own,
        "ratio": theirs / own,
        "difference": difference,
    }


def _floor(model: nn.Module, batch: Batch, repeats: int) -> float:
    model = copy.deepcopy(model).train().to(memory_format=torch.channels_last)
    images = batch.images.to(memory_format=torch.channels_last).requires_grad_()
    wanted = [images, *(layer.weight for layer in _layers(model))]
    seconds = []
    for _ in range(repeats + 1):
        began = time.process_time()
        torch.autograd.grad(F.cross_entropy(model(images), batch.targets), wanted)
        seconds.append(time.process_time() - began)
    return 1000 * statistics.median(seconds[1:])


def _peak(size: int = 1024) -> float:
    a, b = torch.rand(2, size, size)
    seconds = []
    for _ in range(20):
        began = time.process_time()
        a @ b
        seconds.append(time.process_time() - began)
    return 2 * size**3 / min(seconds) / 1e9


def _check(model: nn.Module, batches: list[Batch]) -> dict[str, tuple[float, float]]:
    """Relative differences to the reference in float64: of the reference in float32, and of ours."""
    model64, batch64 = copy.deepcopy(model).double(), Batch(batches[0].images.double(), batches[0].targets)
    exact = each_alone(model64, batch64) | _synflow(model64, batch64)
    theirs = each_alone(model, batches[0]) | _synflow(model, batches[0])
    own = together(model, batches[0]) | _ours(model, batches[:1], "synflow")
    return {
        name: (abs(theirs[name] - value) / abs(value), abs(own[name] - value) / abs(value))
        for name, value in exact.items()
    }


def together(model: nn.Module, batch: Batch) -> dict[str, float]:
    return {name: found.value for name, found in measure_all(model, [batch], PUBLISHED_SEVEN, seed=0).items()}


def _ours(model: nn.Module, batches: list[Batch], name: str) -> dict[str, float]:
    return {name: PROXIES[name].measure(model, batches, seed=0)}


def each_alone(model: nn.Module, batch: Batch) -> dict[str, float]:
    return {name: proxy(copy.deepcopy(model).train(), batch) for name, proxy in ALONE.items()}


def _layers(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def _gradient(layer: nn.Module) -> Tensor:
    """Zeros where nothing of the output depends on the layer (dead edges of a cell)."""
    return torch.zeros_like(layer.weight) if layer.weight.grad is None else layer.weight.grad


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    return F.cross_entropy(model(batch.images), batch.targets)


def _grad_norm(model: nn.Module, batch: Batch) -> float:
    _loss(model, batch).backward()
    return sum(float(_gradient(layer).norm()) for layer in _layers(model))


def _snip(model: nn.Module, batch: Batch) -> float:
    _loss(model, batch).backward()
    return sum(float((layer.weight.detach() * _gradient(layer)).abs().sum()) for layer in _layers(model))


def _grasp(model: nn.Module, batch: Batch) -> float:
    weights = [layer.weight for layer in _layers(model)]
    first = torch.autograd.grad(_loss(model, batch), weights, materialize_grads=True)
    second = torch.autograd.grad(_loss(model, batch), weights, create_graph=True, materialize_grads=True)
    torch.stack([(a.detach() * b).sum() for a, b in zip(first, second, strict=True)]).sum().backward()
    return sum(float(-(layer.weight.detach() * _gradient(layer)).sum()) for layer in _layers(model))


def _fisher(model: nn.Module, batch: Batch) -> float:
    found: list[float] = []

    def forward(_module: nn.Module, _arguments: object, output: Tensor) -> Tensor:
        def backward(gradient: Tensor) -> None:
            product = (output.detach() * gradient).flatten(2).sum(2) if output.dim() > 2 else output.detach() * gradient
            found.append(float(product.square().mean(0).sum() / 2))

        output.register_hook(backward)
        return output.clone()

    for layer in _layers(model):
        layer.register_forward_hook(forward)
    _loss(model, batch).backward()
    return sum(found)


def _jacov(model: nn.Module, batch: Batch) -> float:
    images = batch.images.clone().requires_grad_()
    outputs = model(images)
    outputs.backward(torch.ones_like(outputs))
    eigenvalues = torch.linalg.eigvalsh(torch.corrcoef(images.grad.flatten(1).double())) + 1e-5
    return -float((eigenvalues.log() + 1 / eigenvalues).sum())


def _nwot(model: nn.Module, batch: Batch) -> float:
    kernel = torch.zeros(len(batch), len(batch))
    visited: set[nn.Module] = set()
    outputs: dict[int, tuple[nn.Module, Tensor, list[int]]] = {}

    def rectified(module: nn.Module, _arguments: object, output: Tensor) -> None:
        if module in visited:
            outputs[id(output)] = (module, output, [])

    def read(_module: nn.Module, arguments: tuple[Tensor]) -> None:
        if id(arguments[0]) in outputs:
            outputs[id(arguments[0])][2].append(1)

    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_full_backward_hook(lambda module, *_: visited.add(module))
            module.register_forward_hook(rectified)
        elif isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(read)
    model(batch.images).sum().backward()
    with torch.no_grad():
        model(batch.images)
    for _, output, readers in outputs.values():
        for _ in readers or [1]:  # the published networks have one rectifier for every convolution, ours share them
            on = (output.flatten(1) > 0).float()
            kernel += on @ on.T + (1 - on) @ (1 - on).T
    return float(torch.linalg.slogdet(kernel.double()).logabsdet)


def _flops(model: nn.Module, batch: Batch) -> float:
    total = 0

    def count(module: nn.Module, _arguments: object, output: Tensor) -> None:
        nonlocal total
        total += module.weight[0].numel() * output.numel()

    for layer in _layers(model):
        layer.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(batch.images[:1])
    return float(total)


def _synflow(model: nn.Module, batch: Batch) -> dict[str, float]:
    """By autograd, one pass back."""
    model = _linearised(model)
    model(torch.ones_like(batch.images[:1], dtype=torch.float64)).sum().backward()
    flow = sum(float((layer.weight.detach() * layer.weight.grad).abs().sum()) for layer in _layers(model))
    return {"synflow": math.log(flow)}


def _zico(model: nn.Module, batches: list[Batch]) -> dict[str, float]:
    slopes = []
    for batch in batches:
        private = copy.deepcopy(model).train()
        _loss(private, batch).backward()
        slopes.append([layer.weight.grad.flatten() for layer in _layers(private)])
    total = 0.0
    for pair in zip(*slopes, strict=True):
        sizes = torch.stack(pair).abs().double()
        deviation = sizes.std(dim=0, correction=0)
        moving = deviation != 0
        if moving.any():
            total += float((sizes.mean(dim=0)[moving] / deviation[moving]).sum().log())
    return {"zico": total}


def _linearised(model: nn.Module) -> nn.Module:
    model = copy.deepcopy(model).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.forward = lambda images: images
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    return model


ALONE = {
    "fisher": _fisher,
    "flops": _flops,
    "grad_norm": _grad_norm,
    "grasp": _grasp,
    "jacov": _jacov,
    "nwot": _nwot,
    "snip": _snip,
}


if __name__ == "__main__":
    main()
