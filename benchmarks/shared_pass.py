"""The seven published proxies in one shared pass against each by itself, and synflow forward against backward.

    python benchmarks/shared_pass.py [--json FILE] [--code 212304] [--width 16] [--depth 5] [--batch 64] [--repeats 5]

The reference is written out below as the common tools compute it: a private copy of the network for every proxy, the
default memory layout, one independent forward and backward pass each (grasp: two and a second derivative; nwot: one
more forward pass). Reference and ours take turns in one process with one thread. Times are medians of processor time;
what counts is their ratio, for the machine may be shared. The row "forward" is synflow by a forward-mode derivative,
both sides outside the package. Prints the largest relative difference of the values too.
"""

import argparse
import copy
import json
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call

from archlock.execution import one_thread
from archlock.models import build
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
        batch = Batch(torch.rand(arguments.batch, 3, 32, 32), torch.arange(arguments.batch) % 10)
    with one_thread():
        rows = [
            _race("seven", lambda: _each_alone(model, batch), lambda: _together(model, batch), arguments.repeats),
            _race("synflow", lambda: _synflow(model, batch), lambda: _ours(model, batch, "synflow"), arguments.repeats),
            _race("forward", lambda: _synflow(model, batch), lambda: _synflow_forward(model, batch), arguments.repeats),
        ]
    for row in rows:
        print(
            f"{row['what']:8} reference {row['reference_ms']:8.1f} ms  ours {row['ours_ms']:8.1f} ms  "
            f"ratio {row['ratio']:5.1f}  relative difference {row['difference']:.1e}"
        )
    if arguments.json:
        settings = {name: value for name, value in vars(arguments).items() if name != "json"}
        arguments.json.write_text(json.dumps({"settings": settings, "results": rows}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--code", default="212304", help="cell of NAS-Bench-201; the default is of median size")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def _race(what: str, reference: Callable[[], dict], ours: Callable[[], dict], repeats: int) -> dict[str, float | str]:
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


def _together(model: nn.Module, batch: Batch) -> dict[str, float]:
    return {name: found.value for name, found in measure_all(model, [batch], PUBLISHED_SEVEN, seed=0).items()}


def _ours(model: nn.Module, batch: Batch, name: str) -> dict[str, float]:
    return {name: PROXIES[name].measure(model, [batch], seed=0)}


def _each_alone(model: nn.Module, batch: Batch) -> dict[str, float]:
    return {name: proxy(copy.deepcopy(model).train(), batch) for name, proxy in ALONE.items()}


def _layers(model: nn.Module) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    return F.cross_entropy(model(batch.images), batch.targets)


def _grad_norm(model: nn.Module, batch: Batch) -> float:
    _loss(model, batch).backward()
    return sum(float(layer.weight.grad.norm()) for layer in _layers(model))


def _snip(model: nn.Module, batch: Batch) -> float:
    _loss(model, batch).backward()
    return sum(float((layer.weight.detach() * layer.weight.grad).abs().sum()) for layer in _layers(model))


def _grasp(model: nn.Module, batch: Batch) -> float:
    weights = [layer.weight for layer in _layers(model)]
    first = torch.autograd.grad(_loss(model, batch), weights)
    second = torch.autograd.grad(_loss(model, batch), weights, create_graph=True)
    torch.stack([(a.detach() * b).sum() for a, b in zip(first, second, strict=True)]).sum().backward()
    return sum(float(-(weight.detach() * weight.grad).sum()) for weight in weights)


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


def _synflow_forward(model: nn.Module, batch: Batch) -> dict[str, float]:
    """By one forward-mode derivative in the direction of the weights."""
    model = _linearised(model).requires_grad_(requires_grad=False)
    weights = {id(layer.weight) for layer in _layers(model)}
    with forward_ad.dual_level():
        duals = {
            name: forward_ad.make_dual(parameter, parameter.clone()) if id(parameter) in weights else parameter
            for name, parameter in model.named_parameters()
        }
        outputs = functional_call(model, duals, (torch.ones_like(batch.images[:1], dtype=torch.float64),))
        flow = float(forward_ad.unpack_dual(outputs).tangent.sum())
    return {"synflow": math.log(flow)}


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
