"""Our proxies against recorded values and against accuracy, on random cells of NAS-Bench-201 at the published setting.

    python benchmarks/recorded_proxies.py --tables FOLDER --images CIFAR10.npz --store STORE.sqlite

``FOLDER`` holds ``nasbench201.csv.gz`` and ``nasbench201_zc.csv.gz``; the images are an ``.npz`` with ``x_train``
(N x 32 x 32 x 3, uint8) and ``y_train``. Draws ``--cells`` cells (default 200) among those with recorded values, builds
each with ``--seed`` (16 channels, 5 cells a stage; ``--width``, ``--depth``, ``--batch``, ``--size`` change that),
measures every proxy on the same two batches, and prints, for each, Spearman and Kendall with the recorded value and
with the accuracy after 200 epochs, next to the published figures for the latter (on all cells, so only roughly the
same). Seconds of what proxies share are charged to the first of them. Every cell goes to the evidence store as soon as
it is measured: a run that is killed goes on where it was, and one with more cells buys only the new ones.
"""

import argparse
import csv
import gzip
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau, spearmanr

from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.execution import default_workers, executor_for
from archlock.models import build
from archlock.proxies import PROXIES, measure_all
from archlock.spaces import SPACES
from archlock.tasks import Signature
from archlock.training import Batch

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

PUBLISHED = {
    "grad_norm": (0.46, 0.63),
    "snip": (0.46, 0.63),
    "grasp": (0.37, 0.54),
    "fisher": (0.40, 0.55),
    "synflow": (0.54, 0.73),
    "nwot": (0.58, 0.77),
    "grad_sign": (0.58, 0.77),
    "ntk_condition": (0.33, 0.44),
    "zen": (0.29, 0.38),
    "flops": (0.54, 0.73),
    "params": (0.57, 0.75),
    "zico": (0.61, 0.80),
}
"""Kendall and Spearman with 200-epoch accuracy on CIFAR-10, all cells (table 1 of the ZiCo paper, ICLR 2023)."""

RECORDED = {
    **{name: f"{name}_cifar10" for name in ("epe_nas", "fisher", "grad_norm", "grasp", "jacov", "l2_norm", "nwot")},
    **{name: f"{name}_cifar10" for name in ("plain", "snip", "synflow", "zen")},
    "flops": "flops_M_cifar10",
    "params": "params_M_cifar10",
}
"""Columns of the recorded values (the plain of the tables is the sum over weights as well)."""

TRUTH = "cifar10_test_200"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a cell is measured."""

    width: int
    depth: int
    batch: int
    size: int
    seed: int
    names: tuple[str, ...]

    @property
    def fidelity(self) -> str:
        """Its name in the evidence store."""
        return f"proxy width={self.width} depth={self.depth} batch={self.batch} size={self.size}"


@dataclass(frozen=True, slots=True)
class Shared:
    """What every job needs."""

    setting: Setting
    images: np.ndarray
    labels: np.ndarray


def main() -> None:
    """Measure what the store lacks, then compare."""
    arguments = _arguments()
    names = tuple(arguments.proxies or PROXIES)
    setting = Setting(
        arguments.width, arguments.depth, arguments.batch, arguments.size, arguments.seed, tuple(sorted(names))
    )
    rows = _drawn(arguments.tables, arguments.cells, arguments.seed)
    store = EvidenceStore(arguments.store)
    known = store.read(fidelity=setting.fidelity)
    jobs = [code for code in rows if any(_key(setting, code, name) not in known for name in names)]
    print(f"{len(rows)} cells, {len(jobs)} of them to be measured ({setting.fidelity})", flush=True)
    images, labels = _images(arguments.images, 2 * setting.batch, setting.size)
    for done, (_, found) in enumerate(
        executor_for(arguments.workers).run(measure, Shared(setting, images, labels), jobs)
    ):
        store.write(found)
        print(f"\r{done + 1} / {len(jobs)}", end="", flush=True)
    print()
    _compare(setting, rows, store.read(fidelity=setting.fidelity))


def measure(shared: Shared, code: str) -> list[Measurement]:
    """All proxies of one cell."""
    import torch

    setting = shared.setting
    signature = Signature("classification", (3, setting.size, setting.size), 10, MEAN, STD)
    cell = SPACES["nasbench201"].architecture(code)
    model = build(cell, signature, width=setting.width, depth=setting.depth, seed=setting.seed)
    halves = [slice(0, setting.batch), slice(setting.batch, 2 * setting.batch)]
    images, labels = torch.from_numpy(shared.images), torch.from_numpy(shared.labels)
    batches = [Batch(images[half], labels[half]) for half in halves]
    values = measure_all(model, batches, setting.names, seed=setting.seed)
    return [
        Measurement(_key(setting, code, name), found.value, PROXIES[name].unit, found.seconds, found.status, found.note)
        for name, found in values.items()
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", type=Path, required=True, help="folder of the recorded tables")
    parser.add_argument("--images", type=Path, required=True, help=".npz with x_train and y_train of CIFAR-10")
    parser.add_argument("--store", type=Path, required=True, help="evidence store to begin or to go on with")
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=32, help="pixels; images are averaged down to it")
    parser.add_argument("--proxies", nargs="+", metavar="NAME", help="only these; default all")
    return parser.parse_args()


def _key(setting: Setting, code: str, name: str) -> Key:
    return Key(f"nasbench201:{code}", "cifar10", name, fidelity=setting.fidelity, seed=setting.seed)


def _drawn(tables: Path, count: int, seed: int) -> dict[str, dict[str, str]]:
    """Recorded values and accuracies of random cells, by code; the first cells stay the same for a larger count."""
    accuracies = {row["arch_index"]: row for row in _rows(tables / "nasbench201.csv.gz")}
    recorded = [row for row in _rows(tables / "nasbench201_zc.csv.gz") if row["snip_cifar10"]]
    order = np.random.default_rng(seed).permutation(len(recorded))[:count]
    joined = [recorded[index] | accuracies[recorded[index]["arch_index"]] for index in order]
    return {row["ops"]: row for row in joined}


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _images(path: Path, count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The first training images as float32 channels-last memory, N x C x H x W, and their classes."""
    with np.load(path) as data:
        pixels, labels = data["x_train"][:count], data["y_train"][:count].astype(np.int64).reshape(-1)
    step = pixels.shape[1] // size
    smaller = pixels.reshape(len(pixels), size, step, size, step, 3).mean((2, 4)) / 255
    return smaller.astype(np.float32).transpose(0, 3, 1, 2), labels


def _compare(setting: Setting, rows: dict[str, dict[str, str]], known: dict[Key, Measurement]) -> None:
    accuracy = np.array([float(row[TRUTH]) for row in rows.values()])
    print("                 valid   with recorded       with accuracy       published           seconds")
    print("                 cells   Spearman Kendall    Spearman Kendall    Spearman Kendall    a cell")
    for name in setting.names:
        found = [known[_key(setting, code, name)] for code in rows]
        values = np.array([measurement.value for measurement in found])
        column = RECORDED.get(name)
        recorded = np.array([float(row[column]) if column else math.nan for row in rows.values()])
        kendall, spearman = PUBLISHED.get(name, (math.nan, math.nan))
        seconds = np.mean([measurement.seconds for measurement in found])
        print(
            f"{name:16} {np.isfinite(values).sum():5d}   {_pair(*_agreement(values, recorded))}    "
            f"{_pair(*_agreement(values, accuracy))}    {_pair(spearman, kendall)}    {seconds:8.3f}"
        )


def _agreement(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Spearman and Kendall over the cells where both are known; NaN where fewer than three are, or one is constant."""
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or len(set(first[both])) < 2:
        return math.nan, math.nan
    return spearmanr(first[both], second[both]).statistic, kendalltau(first[both], second[both]).statistic


def _pair(spearman: float, kendall: float) -> str:
    return "  ".join("     -" if math.isnan(value) else f"{value:6.2f}" for value in (spearman, kendall)) + "  "


if __name__ == "__main__":
    main()
