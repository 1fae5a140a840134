"""Our Kriging against scikit-learn's Gaussian process, in one run, and what an evaluation would take with either.

    python benchmarks/surrogate.py [--repeats 5]

One fit and one prediction of all candidates: 190 trainings of 2,127 candidates, the isomorphism classes of
TransNAS-Bench-101 micro, on made-up values with a trend in size. scikit-learn has the same kernel (Matern 3/2), once
with fixed and once with optimised hyperparameters (signal, length, noise; no restarts). Ours computes all from the
places on; a search keeps part of it between rounds.

The extrapolation counts fits only: an evaluation of micro is 42 pairs, 20 seeds and the schemes S (one task), TK (two)
and TU (six), 2,520 runs, and each fits every task anew in each of ten rounds, with 61 to 190 rows.
"""

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from archlock.execution import one_thread
from archlock.preferences import Kriging, coordinates, normal_scores
from archlock.preferences.kriging import LENGTH
from archlock.recipes.evaluate.recorded_market import classes_of
from archlock.spaces import SPACES

MEASURED, NOISE, FIRST, BATCH = 190, 0.3, 61, 15
TASKS = {"s": 1, "tk": 2, "tu": 6}
RUNS = 42 * 20
"""Of each scheme."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with one_thread():
        problem = Problem.made_up()
        ways = {
            "ours": lambda rows: problem.ours(rows, 1),
            "scikit-learn, fixed": lambda rows: problem.theirs(rows, optimised=False),
            "scikit-learn, optimised": lambda rows: problem.theirs(rows, optimised=True),
        }
        seconds = {name: [] for name in ways}
        for _ in range(repeats):  # taking turns
            for name, way in ways.items():
                seconds[name].append(_timed(lambda way=way: way(MEASURED)))
        for name, several in seconds.items():
            ratio = np.median(several) / np.median(seconds["ours"])
            what = f"{MEASURED} of {len(problem.places)}, {name}"
            print(f"{what:40} {1000 * np.median(several):8.1f} ms  ratio {ratio:6.1f}")
        for tasks in TASKS.values():
            several = [_timed(lambda tasks=tasks: problem.ours(MEASURED, tasks)) for _ in range(repeats)]
            print(f"{'ours, tasks of one search:':35}{tasks:4} {1000 * np.median(several):9.1f} ms")
        print(f"agreement: means {problem.difference():.1e} apart, in deviations of the values")
        _extrapolate(problem, ways)


class Problem:
    """Places, a trend, and values of six tasks that both can fit."""

    def __init__(self, places: np.ndarray, size: np.ndarray, values: np.ndarray, rows: np.ndarray) -> None:
        self.places, self.size, self.values, self.rows = places, size, values, rows

    @classmethod
    def made_up(cls) -> "Problem":
        space, rng = SPACES["transnas101_micro"], np.random.default_rng(0)
        different = classes_of(space, tuple(space.enumerate())).architectures
        places, size = coordinates(space, different), normal_scores(space.relative_cost(different))
        smooth = np.sin(3 * places @ rng.normal(size=(places.shape[1], 6))).T
        values = size + smooth + NOISE * rng.standard_normal((6, len(different)))
        return cls(places, size, values, rng.choice(len(different), MEASURED, replace=False))

    def ours(self, count: int, tasks: int) -> tuple[np.ndarray, np.ndarray]:
        """Fit and predict as a search does: the source, then the others with what is believed of it as trend."""
        kriging = Kriging(self.places)
        kriging.measured(self.rows[:count])
        values, trend = self.values[:tasks, self.rows[:count]], self.size[:, None]
        noises = np.full(values.shape, NOISE)
        (source,) = kriging.estimates(trend, values[:1], noises[:1])
        kriging.estimates(np.column_stack([trend, source.mean]), values[1:], noises[1:])
        return source.mean, source.std

    def theirs(self, count: int, *, optimised: bool) -> tuple[np.ndarray, np.ndarray]:
        """Fit and predict one task; the trend is removed by least squares."""
        rows, values = self.rows[:count], self.values[0, self.rows[:count]]
        slope, level = np.polyfit(self.size[rows], values, 1)
        rest = values - level - slope * self.size[rows]
        if optimised:
            kernel = ConstantKernel(1.0) * Matern(LENGTH, nu=1.5) + WhiteKernel(NOISE**2)
            process = GaussianProcessRegressor(kernel)
        else:
            kernel = ConstantKernel(float(rest.var()), "fixed") * Matern(LENGTH, "fixed", nu=1.5)
            process = GaussianProcessRegressor(kernel, alpha=NOISE**2, optimizer=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mean, std = process.fit(self.places[rows], rest).predict(self.places, return_std=True)
        return mean + level + slope * self.size, std

    def difference(self) -> float:
        """Between our means and those of optimised hyperparameters, root mean square."""
        ours, theirs = self.ours(MEASURED, 1)[0], self.theirs(MEASURED, optimised=True)[0]
        return float(np.sqrt(np.mean((ours - theirs) ** 2)) / self.values[0].std())


def _extrapolate(problem: Problem, ways: dict[str, Callable[[int], object]]) -> None:
    """Hours of one processor that the fits of an evaluation take, by the sizes that a search goes through."""
    sizes = [*range(FIRST, MEASURED, BATCH), MEASURED]
    fits = RUNS * sum(TASKS.values())
    for name, way in ways.items():
        if name == "ours":
            spent = sum(RUNS * _timed(lambda size=size, tasks=tasks: problem.ours(size, tasks))
                        for size in sizes for tasks in TASKS.values())  # fmt: skip
        else:
            spent = fits * sum(_timed(lambda size=size, way=way: way(size)) for size in sizes)
        what = f"micro, {RUNS * len(TASKS)} runs of {len(sizes)} rounds, {name}"
        print(f"{what:56} {spent / 60:7.1f} minutes of one processor, {spent / 120:.0f} of two")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
