"""What is possible on a recorded table, for scale: from its truth, so for judging only; no method sees any of it."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import ConfigurationError
from archlock.recipes.evaluate.twins import twin_agreement, twins_among
from archlock.reports import FloorScale, FloorValue, PairScale, kept_from
from archlock.tables import Table, percentiles

LIMIT_FLOORS = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99)
"""Source floors at which it is said what is possible."""


def chosen_pairs(table: Table, text: str) -> tuple[tuple[str, str], ...]:
    """``all`` ordered pairs of the table's tasks, or ``source:target`` separated by commas."""
    every = table.pairs
    if text == "all":
        if not every:
            raise ConfigurationError(
                f"table {table.name!r} has truth on one task only, so there is no pair to evaluate"
            )
        return every
    wanted = tuple(
        (source.strip(), target.strip()) for source, _, target in (p.partition(":") for p in text.split(","))
    )
    wrong = [f"{source}:{target}" for source, target in wanted if (source, target) not in every]
    if wrong:
        raise ConfigurationError(
            f"pairs are written source:target, of two different tasks of table {table.name!r}; got {wrong[0]!r}, "
            f"and the tasks are {', '.join(table.tasks)}"
            + ("" if len(every) == len(table.tasks) * (len(table.tasks) - 1) else f", the pairs {_listed(every)}")
        )
    return tuple(dict.fromkeys(wanted))


def pair_scales(table: Table, pairs: tuple[tuple[str, str], ...], floor: float) -> tuple[PairScale, ...]:
    """The scale of every pair at a source floor, a share in [0, 1], and how repeatable its lowest ones are."""
    standing = {source: standings(table, source) for source, _ in pairs}
    twins = {
        source: twins_among(table, _feasible(found[source], table.name, source, 100 * floor))
        for source, found in standing.items()
    }
    return tuple(
        replace(one, twins=twin_agreement(twins[one.source], standing[one.source][one.target]))
        for one in _scales(table, pairs, floor)
    )


def standings(table: Table, source: str) -> dict[str, Float[np.ndarray, " architectures"]]:
    """Percentiles of all architectures on the source, and on every task by which a lock of it is judged."""
    return {task: percentiles(table.scores(table.judge(task, source))) for task in table.after(source)}


def source_standing(table: Table, source: str) -> Float[np.ndarray, " architectures"]:
    """Percentiles of all architectures on the source, by what judges there."""
    return percentiles(table.scores(table.judge(source)))


def floor_values(table: Table, sources: tuple[str, ...], floor: float) -> tuple[FloorValue, ...]:
    """What keeps the floor, a share in [0, 1], on every source."""
    return tuple(_floor_value(table, source, 100 * floor) for source in dict.fromkeys(sources))


def limits(table: Table, pairs: tuple[tuple[str, str], ...], floors: tuple[float, ...]) -> tuple[FloorScale, ...]:
    """Means over the pairs of what is possible at every floor."""
    return tuple(_limit(_scales(table, pairs, floor), 100 * floor) for floor in sorted(floors))


def _scales(table: Table, pairs: tuple[tuple[str, str], ...], floor: float) -> tuple[PairScale, ...]:
    standing = {source: standings(table, source) for source, _ in pairs}
    return tuple(_scale(table.name, standing[source], source, target, 100 * floor) for source, target in pairs)


def _floor_value(table: Table, source: str, floor: float) -> FloorValue:
    column = table.judge(source)
    feasible = _feasible(source_standing(table, source), table.name, source, floor)
    different = {table.space.canonicalise(table.architectures[row]).code for row in feasible}
    value = float(table.scores(column)[feasible].min())
    noise = table.truth(source).noise or None
    return FloorValue(source, value, column.metric, column.unit, len(different), noise)


def _feasible(
    standing: Float[np.ndarray, " architectures"], table: str, source: str, floor: float
) -> Int[np.ndarray, " feasible"]:
    """Rows of the architectures that keep a floor, a percentile; ConfigurationError if there is none."""
    rows = np.flatnonzero(standing >= kept_from(floor))
    if not len(rows):
        raise ConfigurationError(
            f"no architecture of table {table!r} reaches source percentile {floor:g} on {source}: the highest has "
            f"{standing.max():.1f}, since many share the best value; lower the floor"
        )
    return rows


def _listed(pairs: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{source}:{target}" for source, target in pairs)


def _limit(scales: tuple[PairScale, ...], floor: float) -> FloorScale:
    means = [
        float(np.mean([getattr(scale, name) for scale in scales]))
        for name in ("random_feasible", "tk_floor", "tu_possible")
    ]
    return FloorScale(floor, *means)


def _scale(
    name: str, standing: dict[str, Float[np.ndarray, " architectures"]], source: str, target: str, floor: float
) -> PairScale:
    feasible = _feasible(standing[source], name, source, floor)
    on_target = standing[target][feasible]
    everywhere = np.mean([values[feasible] for task, values in standing.items() if task != source], axis=0)
    return PairScale(
        name,
        source,
        target,
        len(feasible),
        float(on_target.mean()),
        float(standing[target][np.argmax(standing[source])]),
        float(on_target.min()),
        float(on_target[np.argmin(everywhere)]),
    )
