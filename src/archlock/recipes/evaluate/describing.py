"""Which structures lock, over the pairs of an evaluation: patterns of the table's truth as parts of the record."""

import numpy as np

from archlock.errors import MeasurementError
from archlock.extras import absent, install_line
from archlock.patterns import common_patterns, importances, pair_patterns
from archlock.progress import Progress
from archlock.recipes.evaluate.scales import standings
from archlock.reports import ALL_PAIRS, ImportanceRecord, PatternRecord, pair_name
from archlock.tables import Table

SHOWN = 12
"""Patterns over all pairs; of a single pair, a quarter of them."""
CREDIBLE = 0.05


def described(
    table: Table, pairs: tuple[tuple[str, str], ...], floor: float, progress: Progress
) -> tuple[tuple[PatternRecord, ...], tuple[ImportanceRecord, ...]]:
    """The patterns that survive control for their number, over all pairs and in each, and what decisions explain.

    A pair with too few architectures above the floor has no patterns. Without the extra ``tuning`` nothing is said of
    decisions.
    """
    standing = {source: standings(table, source) for source, _ in pairs}
    tasks = {task: values for by_task in standing.values() for task, values in by_task.items()}
    progress.begin("patterns", len(pairs) + len(tasks))
    found = {}
    for source, target in pairs:
        try:
            found[source, target] = pair_patterns(
                table.space, table.architectures, standing[source][source], standing[source][target], floor=100 * floor
            )
        except MeasurementError as error:
            progress.say(f"{pair_name(source, target)}: {error}")
        progress.advance()
    records = []
    named = {pair_name(*pair): patterns for pair, patterns in found.items()}
    for name, patterns in ((ALL_PAIRS, common_patterns(found)), *named.items()):
        credible = [one for one in patterns if one.p_value < CREDIBLE or name == ALL_PAIRS]
        records += [
            PatternRecord(name, one.kind, one.name, one.effect, one.low, one.high, one.count)
            for one in credible[: SHOWN if name == ALL_PAIRS else SHOWN // 4]
        ]
    if absent("tuning"):
        progress.say(f"left out how much each feature explains, which needs Optuna; run: {install_line('tuning')}")
        return tuple(records), ()
    explained: dict[str, list[float]] = {}
    for values in tasks.values():
        for one in importances(table.space, table.architectures, values):
            explained.setdefault(one.name, []).append(one.share)
        progress.advance()
    shares = tuple(ImportanceRecord(ALL_PAIRS, place, float(np.mean(values))) for place, values in explained.items())
    return tuple(records), shares
