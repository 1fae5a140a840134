"""Write a section of docs/findings.md: can architecture lock where weights are worth something?

    python docs/make_locking.py

It reads the tables that ``docs/make_transfer_macro.py`` records: networks trained on all of a source, attacked by
those who mean it with a few images of every target. Reliability comes first: what does not repeat with another training
(other weights, other images for the attackers) is luck, and no lock.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from findings_of_runs import LOCKING, put_section, row
from locking_lessons import taught
from make_evidence import LEVELS, NAME, Line, lines
from make_findings import bootstrapped, mean_of, rank_correlation
from make_transfer_macro import PLANS, SEEDS

from archlock.spaces import SPACES
from archlock.spaces.locking_skeleton import AXES
from archlock.tables import Table, embedded_tables, open_by_name_or_path
from archlock.transferability import ESTIMATES

PRICES = (0.01, 0.02, 0.05)
FEWEST = 8
"""Architectures, below which nothing is said of a table."""
SHRUNK = 1.0
"""Standard deviation of a main effect in that of the noise, before anything is seen."""


@dataclass(frozen=True)
class Recorded:
    """Accuracies of a table; arrays are seeds x architectures, NaN where nothing is known."""

    table: Table
    source: np.ndarray
    """On the test split."""
    source_chosen: np.ndarray
    """On the validation split, by which a search chooses."""
    strongest: dict[str, np.ndarray]
    """By target: test accuracy of who is best by validation among those who start from the weights."""
    strongest_chosen: dict[str, np.ndarray]
    """Their validation accuracy."""
    alone: dict[str, np.ndarray]
    """Test accuracy without the weights: from scratch or an ordinary network, the better by validation."""
    probe: dict[str, np.ndarray]
    """The best-layer probe's validation accuracy: the cheapest attack."""
    scratch: dict[str, np.ndarray]
    """Validation accuracy of the same architecture trained from scratch."""

    @property
    def targets(self) -> tuple[str, ...]:
        """In the order of the table."""
        return tuple(self.strongest)

    @property
    def twice(self) -> np.ndarray:
        """Rows of the architectures that were trained and attacked twice."""
        if len(self.source) < 2:
            return np.arange(0)
        return np.flatnonzero(np.isfinite(self.source + self.mean).all(axis=0))

    @property
    def mean(self) -> np.ndarray:
        """Strongest attack, mean over the targets."""
        return np.mean(list(self.strongest.values()), axis=0)

    @classmethod
    def of(cls, table: Table) -> "Recorded":
        """Read by the names that the recipe gives its columns."""
        (source,) = {source for source, _ in table.pairs}
        names = {column.name for column in table.columns}

        def runs(stem: str) -> np.ndarray:
            found = [f"{stem}_seed{seed}" for seed in range(SEEDS) if f"{stem}_seed{seed}" in names]
            return np.array([table.recorded(table.column(name)) for name in found])

        def by_target(stem: str, split: str) -> dict[str, np.ndarray]:
            return {target: runs(f"{target}_from_{source}_{stem}_{split}") for _, target in table.pairs}

        def alone(target: str) -> np.ndarray:
            validation, test = (
                np.array([runs(f"{target}_{who}_{split}") for who in ("from_scratch", "ordinary")])
                for split in ("validation", "test")
            )
            better = np.argmax(np.where(np.isfinite(validation), validation, -1), axis=0)
            return np.take_along_axis(test, better[None], axis=0)[0]

        return cls(
            table,
            runs(f"{source}_source_test"),
            runs(f"{source}_source_validation"),
            by_target("strongest", "test"),
            by_target("strongest", "validation"),
            {target: alone(target) for _, target in table.pairs},
            by_target("best_layer_probe", "validation"),
            {target: runs(f"{target}_from_scratch_validation") for _, target in table.pairs},
        )


def main() -> None:
    """Write what the tables say that are there."""
    known = embedded_tables()
    recorded = {name: Recorded.of(open_by_name_or_path(name)) for name in PLANS if name in known}
    put_section(LOCKING, "\n".join(said(recorded)))


def said(tables: dict[str, Recorded]) -> Iterator[str]:
    """Worth, reliability, axes, prices and cheap evidence."""
    yield (
        "`python docs/make_locking.py`, from tables of the package that `python docs/make_transfer_macro.py` records "
        "(architectures are spread over the axes within three changes of a small ResNet, or over cells). "
        "The strongest attack is who is best by validation among the best-layer probe, head first then all, and "
        "renormalised, each as long as it pays. *Without* is an own training from scratch or an ordinary network. "
        "Points are of test accuracy, brackets are 95 % bootstrap intervals over architectures.\n"
    )
    large = {name: one for name, one in tables.items() if len(one.table.codes) >= FEWEST}
    for name, one in tables.items():
        yield introduction(name, one)
    yield from worths(large)
    yield from reliabilities(large)
    if "transfer_macro" in large:
        yield from axes(large["transfer_macro"])
    yield from prices(large)
    yield from evidence(large)
    if NAME in large:
        yield from bought_evidence(large[NAME], tuple(lines()))
    yield from taught({name: one.table for name, one in large.items()})


def introduction(name: str, one: Recorded) -> str:
    """What the table has."""
    low, high = 100 * np.nanmin(one.source[0]), 100 * np.nanmax(one.source[0])
    few = "" if len(one.table.codes) >= FEWEST else f" (fewer than {FEWEST}: nothing is said of it yet)"
    return (
        f"* `{name}`: {len(one.table.codes)} architectures of `{one.table.space_name}`, {low:.0f} to {high:.0f} % on "
        f"{PLANS[name].source}, {len(one.twice)} of them trained and attacked twice{few}."
    )


def worths(tables: dict[str, Recorded]) -> Iterator[str]:
    """What the weights are worth, and how much that differs."""
    yield "\n### What the weights are worth\n"
    yield row(["table", "target", "with the weights", "without", "worth", "least to most"])
    yield row(["---"] * 6)
    for name, one in tables.items():
        for target in one.targets:
            with_weights, alone = one.strongest[target][0], one.alone[target][0]
            worth = with_weights - alone
            mean = interval(lambda rows, worth=worth: float(np.nanmean(worth[rows])), len(worth))
            cells = [f"{100 * np.nanmean(each):.1f}" for each in (with_weights, alone)]
            yield row(
                [f"`{name}`", target, *cells, mean, f"{100 * np.nanmin(worth):.0f} to {100 * np.nanmax(worth):.0f}"]
            )
    yield ""


def reliabilities(tables: dict[str, Recorded]) -> Iterator[str]:
    """Whether differences between architectures repeat, and whether two targets agree."""
    yield "### Does it repeat?\n"
    yield (
        "Of the architectures with two trainings: correlation of the two, of the source score, of the strongest "
        "attack, and of what that gets *beyond* what the source score foretells (a straight line over all). *Spread* "
        "is the standard deviation of the latter between architectures, noise of one training taken out, in points. "
        "A lock lives off that spread.\n"
    )
    yield row(["table", "target", "source", "strongest", "beyond", "spread", "noise of a training"])
    yield row(["---"] * 7)
    for name, one in tables.items():
        if len(one.twice) < FEWEST:
            yield row([f"`{name}`", "too few trained twice", *["-"] * 5])
            continue
        for target, strongest in (*one.strongest.items(), ("mean of all", one.mean)):
            own, strongest = one.source[:, one.twice], strongest[:, one.twice]  # noqa: PLW2901
            beyond = residuals(strongest, own)
            parts = [correlated(each) for each in (own, strongest, beyond)]
            noise, spread = noise_and_spread(beyond)
            yield row([f"`{name}`", target, *parts, f"{100 * spread:.1f}", f"{100 * noise:.1f}"])
    yield ""
    for name, one in tables.items():
        by_target = [residuals(each, one.source)[0] for each in one.strongest.values()]

        def agreement(rows: np.ndarray, by_target: list[np.ndarray] = by_target) -> float:
            pairs = itertools.combinations(by_target, 2)
            return mean_of(rank_correlation(first[rows], second[rows]) for first, second in pairs)

        yield (
            f"* `{name}`: what attackers get beyond the source score correlates between two targets at "
            f"{bare(agreement, len(one.table.codes))} (mean over pairs of targets, one training)."
        )
    yield ""


def axes(one: Recorded) -> Iterator[str]:
    """Main effects of every level, all fitted together."""
    space = SPACES["locking_macro"]
    sensible = space.sensible()
    assert sensible is not None
    usual = sensible.code
    digits = np.array([[int(digit) for digit in code] for code in one.table.codes])
    effects = [
        (axis, level)
        for axis, each in enumerate(AXES)
        for level in range(len(each.levels))
        if str(level) != usual[axis]
    ]
    design = np.array([[codes[axis] == level for axis, level in effects] for codes in digits], dtype=float)
    source = np.nanmean(one.source, axis=0)
    beyond = [residuals(np.nanmean(strongest, axis=0)[None], source[None])[0] for strongest in one.strongest.values()]
    there = np.isfinite(source + np.sum(beyond, axis=0))
    yield "### Which axes do it\n"
    yield (
        f"`transfer_macro`, main effects of all levels together ({there.sum()} architectures; least squares, shrunk as "
        f"if an effect were {SHRUNK:g} times the noise of a row before anything is seen), in points against the level "
        "of the small ResNet: of the source score, and of what the strongest attack gets *beyond* what the source "
        "score foretells, by target. Means of all trainings that there are.\n"
    )

    def fitted(values: np.ndarray) -> list[str]:
        def each(place: int) -> Callable[[np.ndarray], float]:
            def effect(rows: np.ndarray) -> float:
                return float(main_effects(design[there][rows], values[there][rows])[place])

            return effect

        return [interval(each(place), int(there.sum())) for place in range(len(effects))]

    columns = [fitted(values) for values in (source, *beyond)]
    yield row(["instead", "source", *(f"beyond, {target}" for target in one.targets)])
    yield row(["---"] * (2 + len(one.targets)))
    for (axis, level), *cells in zip(effects, *columns, strict=True):
        yield row([f"{AXES[axis].name}: {AXES[axis].levels[level]}", *cells])
    yield ""


def main_effects(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Ridge regression about the means."""
    moved, left = design - design.mean(axis=0), values - values.mean()
    return np.linalg.solve(moved.T @ moved + np.eye(design.shape[1]) / SHRUNK**2, moved.T @ left)


def prices(tables: dict[str, Recorded]) -> Iterator[str]:
    """What points of source accuracy buy."""
    yield "### What points of source buy\n"
    yield (
        "Of the architectures within a price of the best source score (by validation, first training) the one from "
        "which the strongest attack gets least (by validation, first training); judged by test images of the same "
        "training. *Another training*: the same choice among the architectures that have one, judged by it. Against "
        "the architecture of the best source score. *By lot*: the mean of all within the price.\n"
    )
    yield row(["table", "target", "price", "source given", "taken", "taken, another training", "by lot"])
    yield row(["---"] * 7)
    for name, one in tables.items():
        for target in one.targets:
            for price in PRICES:
                yield row([f"`{name}`", target, f"{100 * price:.0f}", *bought(one, target, price)])
    yield ""


def bought(one: Recorded, target: str, price: float) -> list[str]:
    """The cells of one row."""
    strongest, chosen_by, kept_by = one.strongest[target], one.strongest_chosen[target][0], one.source_chosen[0]

    def within(rows: np.ndarray) -> tuple[int, np.ndarray]:
        rows = rows[np.isfinite(kept_by[rows] + chosen_by[rows])]
        top = rows[np.argmax(kept_by[rows])]
        return top, rows[kept_by[rows] >= kept_by[top] - price]

    def taken(judged: np.ndarray, sold: np.ndarray = chosen_by) -> Callable[[np.ndarray], float]:
        def value(rows: np.ndarray) -> float:
            top, kept = within(rows)
            return float(judged[top] - judged[kept[np.argmin(sold[kept])]])

        return value

    def by_lot(rows: np.ndarray) -> float:
        top, kept = within(rows)
        return float(strongest[0][top] - np.nanmean(strongest[0][kept]))

    size = len(kept_by)
    again = "-"
    if len(one.twice) >= FEWEST:
        again = interval(lambda rows: taken(strongest[1])(one.twice[rows]), len(one.twice))
    return [
        interval(taken(one.source[0]), size), interval(taken(strongest[0]), size), again, interval(by_lot, size)
    ]  # fmt: skip


def evidence(tables: dict[str, Recorded]) -> Iterator[str]:
    """What foretells the strongest attack, and what is left of that beyond the source score."""
    yield "### What cheap evidence foretells\n"
    yield (
        "Rank correlation with the strongest attack's test accuracy, mean over the targets; in brackets of it what is "
        "left beyond the source score (the straight line taken out of both).\n"
    )
    yield row(["evidence", *(f"`{name}`" for name in tables)])
    yield row(["---"] * (1 + len(tables)))
    kinds: dict[str, Callable[[Recorded, str], np.ndarray]] = {
        "source score": lambda one, _: one.source_chosen[0],
        "best-layer probe of the target": lambda one, target: one.probe[target][0],
        "strongest attack on the other targets": lambda one, target: np.mean(
            [standard(each[0]) for name, each in one.strongest_chosen.items() if name != target], axis=0
        ),
        "from scratch on the target": lambda one, target: one.scratch[target][0],
    } | {name: lambda one, target, name=name: estimate_of(one, target, name) for name in ESTIMATES}
    for label, get in kinds.items():
        cells = []
        for one in tables.values():
            plain, beyond = [], []
            for target in one.targets:
                found, truth, source = get(one, target), one.strongest[target][0], one.source_chosen[0]
                plain.append(rank_correlation(found, truth))
                left = [residuals(each[None], source[None])[0] for each in (found, truth)]
                beyond.append(float("nan") if label == "source score" else rank_correlation(*left))
            cells.append(pair((mean_of(plain), mean_of(beyond))))
        yield row([label, *cells])
    yield ""


def bought_evidence(one: Recorded, known: tuple[Line, ...]) -> Iterator[str]:
    """What the evidence that a lock buys foretells."""
    codes = list(one.table.codes)
    by_place = {line.place: line for line in known}
    means = np.mean([standard(each[0]) for each in one.strongest.values()], axis=0)
    yield "### What bought evidence foretells\n"
    yield (
        "`python docs/make_evidence.py`: evidence as `archlock lock` buys it, *short* (few images, narrow network) or "
        "after *one epoch* of all images. *Adaptation* is the better of a probe and a fine-tuning on many examples "
        "(after one epoch on all of a target, where a lock takes 1,000), *rehearsal* a best-layer probe of five images "
        "of each class, all by validation. Rank correlation with the "
        "strongest attack on the same target (mean over the targets); for *simulated* targets, with the mean of all "
        "targets. In brackets what is left beyond the source score of the same training, and beyond the recorded one "
        "of the truth.\n"
    )
    yield row(["evidence", "architectures", "source", "adaptation", "rehearsal", "simulated, adaptation",
               "simulated, rehearsal"])  # fmt: skip
    yield row(["---"] * 7)
    for level in LEVELS:
        there = [place for place, code in enumerate(codes) if (code, level) in by_place]
        if len(there) < FEWEST:
            continue
        found = [by_place[codes[place], level] for place in there]
        own, source = numbers([line.source for line in found]), one.source[0][there]

        def beyond(
            evidence: np.ndarray, truth: np.ndarray, own: np.ndarray = own, source: np.ndarray = source
        ) -> tuple[float, float]:
            left = residuals(evidence[None], own[None])[0], residuals(truth[None], source[None])[0]
            return rank_correlation(evidence, truth), rank_correlation(*left)

        cells = []
        for kind in ("adapted", "rehearsed"):
            pairs = [
                beyond(numbers([getattr(line, kind).get(name) for line in found]), truth[0][there])
                for name, truth in one.strongest.items()
            ]
            cells.append(pair([mean_of(each) for each in zip(*pairs, strict=True)]))
        for kind in ("adapted", "rehearsed"):
            simulated = [name for name in getattr(found[0], kind) if name not in one.targets]
            every = [numbers([getattr(line, kind)[name] for line in found]) for name in simulated]
            known = [standard(each) for each in every if np.isfinite(each).any()]
            cells.append(pair(beyond(np.nanmean(known, axis=0), means[there]) if known else (np.nan, np.nan)))
        words = {"short": "short", "once": "one epoch"}[level]
        yield row([words, str(len(there)), f"{rank_correlation(own, source):.2f}", *cells])
    yield ""


def numbers(values: list[float | None]) -> np.ndarray:
    """NaN for None."""
    return np.array([np.nan if value is None else value for value in values])


def pair(values: Sequence[float]) -> str:
    """A correlation, and in brackets what is left of it."""
    plain, left = values
    return "-" if np.isnan(plain) else f"{plain:.2f} ({shown(left)})"


def estimate_of(one: Recorded, target: str, name: str) -> np.ndarray:
    """A transferability estimate; NaN where it was not recorded."""
    (source,) = {source for source, _ in one.table.pairs}
    wanted = f"{target}_from_{source}_{name}"
    if wanted not in {column.name for column in one.table.columns}:
        return np.full(len(one.table.codes), np.nan)
    return np.asarray(one.table.recorded(one.table.column(wanted)))


def residuals(values: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Of every seed, less a straight line over the source score of that seed; NaN stays."""
    left = np.full_like(values, np.nan)
    for place, (run, own) in enumerate(zip(values, source, strict=True)):
        there = np.isfinite(run + own)
        if there.sum() > 2:
            left[place, there] = run[there] - np.polyval(np.polyfit(own[there], run[there], 1), own[there])
    return left


def noise_and_spread(runs: np.ndarray) -> tuple[float, float]:
    """Standard deviation of one training about its architecture's mean, and between architectures without it."""
    both = np.isfinite(runs).all(axis=0)
    differences = runs[0, both] - runs[1, both]
    noise = float(np.var(differences - differences.mean(), ddof=1)) / 2
    between = float(np.nanvar(runs[0], ddof=1))
    return float(np.sqrt(noise)), float(np.sqrt(max(0.0, between - noise)))


def correlated(runs: np.ndarray) -> str:
    """Pearson's correlation of two trainings."""
    both = np.flatnonzero(np.isfinite(runs).all(axis=0))

    def pearson(rows: np.ndarray) -> float:
        one, other = runs[0, both[rows]], runs[1, both[rows]]
        return float("nan") if min(np.ptp(one), np.ptp(other)) == 0 else float(np.corrcoef(one, other)[0, 1])

    return bare(pearson, len(both))


def standard(values: np.ndarray) -> np.ndarray:
    """With mean 0 and standard deviation 1."""
    return (values - np.nanmean(values)) / max(float(np.nanstd(values)), 1e-12)


def interval(statistic: Callable[[np.ndarray], float], size: int) -> str:
    """In points."""
    whole, low, high = bootstrapped(statistic, size)
    return "-" if np.isnan(whole) else f"{100 * whole:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def bare(statistic: Callable[[np.ndarray], float], size: int) -> str:
    """As it is, with two digits."""
    whole, low, high = bootstrapped(statistic, size)
    return "-" if np.isnan(whole) else f"{whole:.2f} ({low:.2f} to {high:.2f})"


def shown(value: float) -> str:
    """Two digits, or nothing."""
    return "-" if np.isnan(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
