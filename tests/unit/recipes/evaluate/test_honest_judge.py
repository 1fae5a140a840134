"""Nobody is judged by the luck that they chose by: on a table of nothing but noise all picks are ordinary."""

from dataclasses import replace

import numpy as np
import pytest

from archlock.recipes import METHODS
from archlock.tables import Allowance, Pick, RecordedColumn, Table, open_pair, percentiles
from made_up_tables import made_up_table

FLOOR, SEEDS = 0.5, 24
LUCK = 1.0
LIKE = made_up_table(codes=200)


def table_of_luck(*, judge: bool, noise: float, seed: int) -> Table:
    """The source has structure, the target none: every training there is luck of size 1.

    With ``judge`` a second training of the target judges, else what is sold does. ``noise`` is what the table says of
    the target's.
    """
    rng = np.random.default_rng(seed)
    kept = [column for column in LIKE.columns if column.task == "t0"]
    sold = RecordedColumn("t1_200", "t1", "truth", "accuracy", noise=noise)
    columns, values = [*kept, sold], [*map(LIKE.recorded, kept), LUCK * rng.standard_normal(200)]
    if judge:
        columns.append(replace(sold, name="t1_judge", role="judge", noise=0.0))
        values.append(LUCK * rng.standard_normal(200))
    return Table("luck", LIKE.space_name, LIKE.codes, tuple(columns), np.stack(values), LIKE.provenance)


def worth_of_picks(method: str, *, judge: bool, noise: float) -> float:
    """How far picks lie below random architectures above the floor, by the mean judged target percentile, each on a
    table of its own."""
    below = []
    for seed in range(SEEDS):
        table = table_of_luck(judge=judge, noise=noise, seed=seed)
        evidence, truth = open_pair(table, "t0", "t1", scheme="tk", allowance=Allowance(40, 20), seed=seed)
        chosen = METHODS[method].method(evidence, floor=FLOOR, seed=seed)
        picked = truth.judge(Pick(chosen, seed)).target_percentile
        source, target = (percentiles(table.scores(table.judge(task))) for task in ("t0", "t1"))
        below.append(target[source >= 100 * FLOOR].mean() - picked)
    return float(np.mean(below))


# Percentiles of luck have a standard deviation of 29, so the mean of 24 picks one of 6.
@pytest.mark.parametrize("method", ["lock", "random_finalists"])
def test_where_another_training_judges_luck_is_worth_nothing(method: str) -> None:
    assert abs(worth_of_picks(method, judge=True, noise=LUCK)) < 15
    assert worth_of_picks(method, judge=False, noise=0.0) > 30, "as it was: sold and judged by the same"


@pytest.mark.parametrize("method", ["lock", "random_finalists"])
def test_where_one_training_is_recorded_its_noise_hides_the_luck(method: str) -> None:
    """Noise five times as large as all that is recorded: next to nothing can be known, and next to nothing gained."""
    assert abs(worth_of_picks(method, judge=False, noise=5 * LUCK)) < 18
