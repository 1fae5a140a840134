"""How far the recorded proxies agree with the truth: over the whole table, and where it decides.

A proxy that ranks a whole space well may say nothing among the best (Li, Hoang, Bhardwaj, Lin, Wang and Marculescu,
"Zero-shot neural architecture search", TPAMI 2024). So there are two figures for each: Spearman over the connected
architectures, and among the top 5 % of a task. Which these are is said by a training that is not compared with, where
there is one; else they are chosen by what is compared, which understates all figures there. Parameters and
multiply-adds stand beside them, also on the very architectures that a proxy is recorded of, and the agreement of the
truth with itself, which nothing can beat: of two recorded runs, or, where one is recorded and its noise is known, of
the truth with itself and noise of that size. Descriptive, from truth: no method sees it.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from archlock.reports import TRUTH_AGAIN, ProxyAgreement
from archlock.seeding import rng_for
from archlock.tables import Table

REGION: Final = 0.05
"""Share of the architectures that decide."""
FEWEST: Final = 20
"""Architectures without which nothing is said of them."""
SIZES: Final = {"params": "params", "flops": "macs", "macs": "macs"}
"""Metrics of columns that say how large an architecture is, and what they are called here."""

Scores = Float[np.ndarray, " architectures"]


def proxy_agreements(table: Table, tasks: tuple[str, ...]) -> tuple[ProxyAgreement, ...]:
    """For every task the truth again, the sizes, and the proxies that are recorded for it, in this order."""
    connected = np.array([table.space.is_connected(one) for one in table.architectures])
    return tuple(one for task in tasks for one in _of_task(table, task, connected))


def _of_task(table: Table, task: str, connected: Bool[np.ndarray, " architectures"]) -> list[ProxyAgreement]:
    truth, again, chooser = _compared(table, task)
    known = connected & np.isfinite(truth) & np.isfinite(chooser)
    best = known & (chooser >= np.quantile(chooser[known], 1 - REGION)) if known.any() else known
    sizes = _sizes(table, task)
    measures = {} if again is None else {TRUTH_AGAIN: again}
    measures.update(sizes)
    for column in table.columns:
        if column.role == "proxy" and column.task == task and column.metric not in SIZES:
            measures.setdefault(column.metric, table.scores(column))
    found = []
    for name, values in measures.items():
        counted = known & np.isfinite(values)
        parts = (counted, counted & best)
        own = [_spearman(values, truth, part) for part in parts]
        beside = [_best(_spearman(size, truth, part) for size in sizes.values()) for part in parts]
        found.append(ProxyAgreement(task, name, int(counted.sum()), *own, *beside))
    return found


def _best(values: Iterable[float | None]) -> float | None:
    return max((one for one in values if one is not None), default=None)


def _compared(table: Table, task: str) -> tuple[Scores, Scores | None, Scores]:
    """What is compared with, another look at the same, and what says which are the best."""
    start = table.first_start(task)
    sold, judge = table.truth(task, start), table.judge(task, start)
    runs = [
        table.scores(column)
        for column in table.columns
        if column.task == task
        and column.role in ("truth", "judge", "repeat")
        and (column.metric, column.epochs, column.start) == (judge.metric, judge.epochs, judge.start)
        and column.runs.startswith("run ")
    ]
    if len(runs) > 2:  # (one is compared with, one is the bound, one chooses)
        return runs[0], runs[1], runs[2]
    truth, noise = table.scores(judge), max(judge.noise, sold.noise)
    luck = rng_for(0, "truth again", task).standard_normal((2, len(truth)))
    chooser = table.scores(sold) if sold != judge else truth + noise * luck[0]
    return truth, truth + noise * luck[1] if noise else None, chooser


def _sizes(table: Table, task: str) -> dict[str, Scores]:
    """Parameters and multiply-adds as they are recorded of the task, or else of any; and by the space."""
    found: dict[str, Scores] = {}
    columns = [one for one in table.columns if one.role in ("cost", "proxy") and one.metric in SIZES]
    for column in sorted(columns, key=lambda one: one.task != task):
        found.setdefault(SIZES[column.metric], table.recorded(column))
    if "macs" not in found:
        found["macs"] = table.space.relative_cost(table.architectures)
    return dict(sorted(found.items(), reverse=True))


def _spearman(values: Scores, truth: Scores, counted: Bool[np.ndarray, " architectures"]) -> float | None:
    from scipy.stats import spearmanr

    counted = counted & np.isfinite(values)
    one, other = values[counted], truth[counted]
    if len(one) < FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)
