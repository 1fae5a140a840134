"""The published figures next to runs: the look at the answer is computed, not quoted."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from archlock.recipes import EvaluateConfig, chosen_contenders, compared, comparison_text, evaluate
from archlock.recipes.evaluate.paper import PUBLISHED
from archlock.tables import Allowance, percentiles
from made_up_tables import made_up_table


def test_figures_of_the_space_are_compared_on_their_pairs(tmp_path: Path) -> None:
    made = made_up_table(codes=200)
    names = {"t0": "segmentsemantic", "t1": "class_scene", "t2": "jigsaw"}
    table = replace(made, columns=tuple(replace(column, task=names[column.task]) for column in made.columns))
    config = EvaluateConfig(
        chosen_contenders(("tk",), ("lock",), allowance=Allowance(15, 10)),
        pairs="segmentsemantic:class_scene",
        seeds=2,
        floor=0.9,
        patterns=False,
    )
    result = evaluate(table, config, out=tmp_path, workers=1)
    found = {(one.figure.text, one.figure.scheme): one for one in compared(table, result, seeds=3)}
    assert len(found) == sum(one.space == "transnas101_micro" for one in PUBLISHED)
    one = next(c for (text, scheme), c in found.items() if scheme == "tk" and "scene" in text)
    assert one.ours is not None
    assert np.isclose(one.ours.target_percentile, np.mean([row.target_percentile for row in result.record.rows]))
    assert one.published is None
    standing = percentiles(table.scores(table.truth("class_scene")))
    feasible = standing[percentiles(table.scores(table.truth("segmentsemantic"))) >= 90]
    assert one.lowest == feasible.min()
    assert feasible.min() <= one.peeking <= one.random_feasible
    text = comparison_text(tuple(found.values()), floor=90)
    assert "40.5" in text
    kept = np.mean([row.source_percentile >= 90 for row in result.record.rows])
    assert one.ours.kept == kept
    shown = f"{one.ours.target_percentile:.1f} @{one.ours.source_percentile:.1f}, {100 * kept:.0f}%"
    assert shown in text
    assert "below 90% is no lock" in text
    assert "to be kept at 90" in text
