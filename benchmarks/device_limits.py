"""How well a calibration foretells recorded devices, and whether any simulated lock ends above its limit.

``python benchmarks/device_limits.py FOLDER [LOCKS]``, with the recorded tables of NAS-Bench-201 in the folder
(``nasbench201.csv.gz``, ``_hw``, ``_devices``). Calibrations: 25 cells stratified by live operations, 20 draws, error
and Spearman on all other connected cells. Locks: the engine on the recorded trainings of CIFAR-10 against CIFAR-100,
latency foretold by a calibration, every finalist measured (looked up), limit at the lowest third of the device.
"""

import sys
import time
from pathlib import Path
from typing import cast

import numpy as np
from scipy.stats import spearmanr

from archlock.recipes.engine.lock_search import search_lock
from archlock.recipes.evaluate.recorded_market import RecordedMarket
from archlock.recipes.limits.filtering import within
from archlock.recipes.limits.forecast import Calibration, Networks, counts_of
from archlock.recipes.limits.gate import Gate, GatedMarket
from archlock.recipes.limits.latency_model import Counted, fit, stratified
from archlock.recipes.limits.record import Limits
from archlock.search import SourceFloor
from archlock.tables import Allowance, Table, open_pair, read_preset

DEVICES = (
    "fpga_latency_cifar10", "titan_rtx_256_latency", "gold_6226_latency", "raspi4_latency_cifar10",
    "pi5_litert_latency_cifar100", "edgetpu_latency_cifar10", "pi5_onnx_latency_cifar100", "1080ti_1_latency",
    "samsung_a50_latency", "pixel2_latency",
)  # fmt: skip
NETWORKS = Networks("nasbench201", (3, 32, 32), 10, 16, 5)
DRAWS, TIMED = 20, 25


def calibrated(table: Table, device: str, rows: np.ndarray, values: np.ndarray) -> Calibration:
    chosen = [table.architectures[row] for row in rows]
    model = fit(counts_of(NETWORKS, chosen), values[rows])
    codes = tuple(one.code for one in chosen)
    return Calibration("", "", device, "onnx", NETWORKS, codes, tuple(values[rows].tolist()), 0, model)


def main() -> None:
    folder, locks = Path(sys.argv[1]), int((sys.argv[2:] or ["50"])[0])
    joins = [folder / f"nasbench201_{part}.csv.gz" for part in ("hw", "devices")]
    table = read_preset("nasbench201", folder / "nasbench201.csv.gz", joins=joins)
    connected = np.array([table.space.is_connected(one) for one in table.architectures])
    counts = counts_of(NETWORKS, table.architectures)
    print(f"{'device':32} {'error':>7} {'worst':>7} {'rho':>6}  chosen (right)       locks  above  refused  seconds")
    for device in DEVICES:
        values = table.recorded(table.column(device))
        known = np.flatnonzero(connected & np.isfinite(values))
        errors, orders, chosen = [], [], list[Counted]()
        for draw in range(DRAWS):
            rows = known[stratified(counts["live"][known].sum(axis=1), TIMED, np.random.default_rng(draw))]
            made = calibrated(table, device, rows, values)
            rest = np.setdiff1d(known, rows)
            foretold = made.model.milliseconds(counts[made.model.counted][rest])
            errors.append(float(np.median(np.abs(foretold - values[rest]) / values[rest])))
            orders.append(float(spearmanr(foretold, values[rest]).statistic))
            chosen.append(made.model.counted)
        right = min(("raw", "live"), key=lambda one: residual(counts[cast(Counted, one)][known], values[known]))
        above, refused, seconds = simulated(table, device, values, known, counts["live"], locks)
        print(
            f"{device:32} {np.mean(errors):7.4f} {np.max(errors):7.4f} {np.mean(orders):6.3f}  "
            f"raw {chosen.count('raw'):2}, live {chosen.count('live'):2} ({right:4}) {locks:6} {above:6} {refused:8} "
            f"{seconds:8.0f}",
            flush=True,
        )


def residual(counts: np.ndarray, values: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(counts)), counts])
    return float(np.linalg.lstsq(design, values, rcond=None)[1][0])


def simulated(
    table: Table, device: str, values: np.ndarray, known: np.ndarray, live: np.ndarray, locks: int
) -> tuple[int, int, float]:
    limit, began = float(np.quantile(values[known], 1 / 3)), time.perf_counter()
    above, refused = 0, 0
    for seed in range(locks):
        rows = known[stratified(live[known].sum(axis=1), TIMED, np.random.default_rng(seed))]
        forecast = calibrated(table, device, rows, values)
        evidence, _ = open_pair(table, "cifar10", "cifar100", scheme="tk", allowance=Allowance(40, 12), seed=seed)
        market = RecordedMarket.of(evidence)
        kept = within(market.candidates, Limits(latency_ms=limit), NETWORKS, forecast=forecast, measured=True)
        gate = Gate(
            limit, lambda one: float(values[table.positions[one.code]]), forecast, kept.candidates.architectures
        )
        gated = GatedMarket(RecordedMarket(evidence, kept.candidates, market.others, market.known), gate.passes)
        found = search_lock(gated, SourceFloor("percentile", 0.9), seed=seed)
        above += not values[table.positions[found.architecture.code]] <= limit
        refused += gate.refused
    return above, refused, time.perf_counter() - began


if __name__ == "__main__":
    main()
