"""Many short trainings: one after the other with all threads, a pool of processes, and a pool of stacks.

    python benchmarks/many_trainings.py [--json FILE] [--data digits|synthetic] [--trainings 64] [--images 500]
        [--epochs 2] [--width 8] [--depth 1] [--stacks 8 16 32] [--workers 2] [--device cpu]

Random connected cells of NAS-Bench-201, each with its own seed. ``alone`` is the reference: ``fit``, one after the
other, with as many torch threads as there are workers; ``pool`` is ``fit`` in processes of one thread; ``stacks of n``
is ``fit_many`` in processes of one thread, n networks a job. With ``--device cuda`` there is no pool: one after the
other against stacks of 16 and 64 in this process. Seconds run from the beginning of the first training to the end of
the last one, without the start of the processes, which is told apart; so are the processor seconds. The share
of the peak counts 2 operations a multiply-add, and the way back twice the way there, against a float32 matrix product
in the same run. ``difference`` is the largest one of a mean training loss in the first epoch from the reference.

Seen on a busy machine, one thread, processor time: at 8 x 8 (digits) a stack of 8 takes 0.8, of 16 or 32 0.7 of the
time of ``fit``; at 16 x 16 (synthetic) a stack of any size takes 1.0 to 1.1, so there the pool trains each alone. What
was tried for the convolutions (C = 8, batch 64, 8 x 8, there and back, milliseconds a network): 3x3 alone 0.49, grouped
0.21, unfolded and batched product 1.9; 1x1 alone 0.22, grouped 0.08, batched product 0.15. Channels first, the stack
is 1.4 times slower (pooling 10 times, normalisation 2.5 times). Not measured on a GPU.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from archlock.execution import executor_for
from archlock.models import build, count_flops
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits
from archlock.training import Diverged, Plan, fit, fit_many

Losses = list[float]
Span = tuple[float, float, float, Losses]
"""When a job began and ended (seconds of the machine), its processor seconds, the first mean loss of each training."""


def main() -> None:
    """Train, time, print, and write the figures."""
    arguments = _arguments()
    on_cuda = torch.device(arguments.device).type == "cuda"
    task = _task(arguments.data, arguments.images)
    plan = Plan(arguments.epochs)
    pairs = [(architecture, seed) for seed, architecture in enumerate(_cells(arguments.trainings))]
    size = arguments.width, arguments.depth
    shared = task, plan, size, arguments.device
    flops = (
        sum(3 * count_flops(_network(task, pair, size), task.shape) for pair in pairs) * plan.epochs * len(task.train)
    )

    def in_groups(count: int) -> Callable[[], Iterator[Span]]:
        groups = [pairs[start : start + count] for start in range(0, len(pairs), count)]
        if on_cuda:
            return lambda: (_stacked(shared, group) for group in groups)
        return lambda: (span for _, span in executor_for(arguments.workers).run(_stacked, shared, groups))

    ways: dict[str, Callable[[], Iterator[Span]]] = {"alone": lambda: (_alone(shared, pair) for pair in pairs)}
    if not on_cuda:
        ways["pool"] = lambda: (span for _, span in executor_for(arguments.workers).run(_alone, shared, pairs))
    for count in arguments.stacks or ([16, 64] if on_cuda else [8, 16, 32]):
        ways[f"stacks of {count}"] = in_groups(count)
    with _threads(arguments.workers):
        peak = _peak(arguments.device)
        _alone(shared, pairs[0])  # the warm-up of this process
        rows = [_timed(name, way, len(pairs) * plan.epochs * len(task.train)) for name, way in ways.items()]
    for row in rows:
        row["ratio"] = rows[0]["seconds"] / row["seconds"]
        row["peak_share"] = flops / row["seconds"] / peak
        row["difference"] = float(np.abs(np.sort(rows[0]["losses"]) - np.sort(row["losses"])).max())
        print(
            f"{row['way']:12} {row['seconds']:6.2f} s  ratio {row['ratio']:5.2f}  processor {row['processor_s']:6.2f} "
            f"start {row['start_s']:3.1f} s {row['images_per_s']:7.0f} images/s {row['peak_share']:5.1%} of the peak  "
            f"difference {row['difference']:.0e}"
        )
    print(f"peak {peak / 1e9:.0f} GFLOP/s, work {flops / 1e9:.1f} GFLOP")
    if arguments.json:
        settings = {name: value for name, value in vars(arguments).items() if name != "json"}
        kept = [{name: value for name, value in row.items() if name != "losses"} for row in rows]
        record = {"settings": settings, "peak_flops": peak, "flops": flops, "results": kept}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", choices=("digits", "synthetic"), default="digits")
    parser.add_argument("--trainings", type=int, default=64)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--stacks", type=int, nargs="*")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def _task(data: str, images: int) -> Task:
    if data == "digits":
        return small_digits(train=images, validation=100, test=2)
    rng = rng_for(0, "synthetic")

    def split(count: int) -> Split:
        return Split(rng.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8), rng.integers(0, 10, count))

    return Task("synthetic", "classification", tuple("0123456789"), split(images), split(100), split(2), "noise")


def _cells(count: int) -> Iterator[Architecture]:
    space, rng = SPACES["nasbench201"], rng_for(0, "cells")
    while count:
        cell = space.sample(rng)
        if space.is_connected(cell):
            count -= 1
            yield cell


def _network(task: Task, pair: tuple[Architecture, int], size: tuple[int, int]) -> torch.nn.Module:
    architecture, seed = pair
    return build(architecture, task.signature, width=size[0], depth=size[1], seed=seed)


def _alone(shared: tuple[Task, Plan, tuple[int, int], str], pair: tuple[Architecture, int]) -> Span:
    task, plan, size, device = shared
    began, before = time.monotonic(), time.process_time()
    trained = fit(_network(task, pair, size), task, plan, seed=pair[1], device=device)
    return began, time.monotonic(), time.process_time() - before, [trained.losses[0]]


def _stacked(shared: tuple[Task, Plan, tuple[int, int], str], pairs: Sequence[tuple[Architecture, int]]) -> Span:
    task, plan, size, device = shared
    began, before = time.monotonic(), time.process_time()
    networks = [_network(task, pair, size) for pair in pairs]
    seeds = [seed for _, seed in pairs]
    outcomes = fit_many(networks, task, plan, seeds=seeds, stack=len(pairs), device=device)
    losses = [outcome.losses[0] for outcome in outcomes if not isinstance(outcome, Diverged)]
    return began, time.monotonic(), time.process_time() - before, losses


def _timed(name: str, way: Callable[[], Iterator[Span]], images: int) -> dict:
    began = time.monotonic()
    spans = list(way())
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    return {
        "way": name,
        "seconds": last - first,
        "start_s": first - began,
        "processor_s": sum(span[2] for span in spans),
        "images_per_s": images / (last - first),
        "losses": [loss for span in spans for loss in span[3]],
    }


def _peak(device: str) -> float:
    """Operations in a second of a float32 matrix product, the median of ten."""
    side = 8192 if torch.device(device).type == "cuda" else 1536
    left, right = (torch.rand(side, side, device=device) for _ in range(2))
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        (left @ right)[0, 0].item()
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / statistics.median(seconds)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    main()
