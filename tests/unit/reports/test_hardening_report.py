"""What a hardening record counts, what is said of it, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.errors import RunError
from archlock.records import read_json, write_json
from archlock.reports import (
    AdversaryRecord,
    HardeningRecord,
    ImmunityRecord,
    LayerRecord,
    LayerState,
    RobustnessRecord,
    SignRecord,
    SizeRecord,
    SmoothnessRecord,
    hardening_from_json,
    hardening_lines,
    hardening_to_json,
    hardening_warnings,
    render_hardening,
)
from archlock.reports.hardening_words import claims, hardening_verdict
from report_records import HOSTILE, source_task

BEFORE = (0, 1, 1, 1, 1, 1, 1, 2, 2, 3)
AFTER = (0, 1, 3, 3, 3, 3, 3, 3, 3, 3)


def judged(beaten: tuple[int, ...]) -> RobustnessRecord:
    adversary = AdversaryRecord(
        name="pgd", paper="Madry et al. 2018", summary="climbs", sees_gradients=True, beaten=beaten, seconds=1.0
    )
    return RobustnessRecord(
        created="2026-11-29T12:00:00+00:00", seed=0, command="", versions={}, model="m", origin="o",
        source=source_task(), rows=tuple(range(len(beaten))), norm="linf", epsilons=(2 / 255, 4 / 255), steps=10,
        restarts=1, queries=10, adversaries=(adversary,),
    )  # fmt: skip


def state(condition: float | None, *, zeros: int = 0, rank: int = 4, dead: int = 0) -> LayerState:
    gap = None if condition is None else 0.1
    return LayerState(zeros=zeros, dead=dead, rank=rank, full_rank=4, condition=condition, gap=gap, norm=1.0)


def layer(*conditions: float | None, zeros: int = 90, rank: int = 4) -> LayerRecord:
    first, second, third = conditions
    return LayerRecord(
        name="conv", weights=100, filters=4, before=state(first), dense=state(second),
        after=state(third, zeros=zeros, rank=rank),
    )  # fmt: skip


def smooth(bound: float | None) -> SmoothnessRecord:
    note = "" if bound is not None else "no bound is known for Add"
    return SmoothnessRecord(bound=bound, note=note, median_local=1.0, largest_local=2.0, images=8)


def record(**changes: Any) -> HardeningRecord:
    size = SizeRecord(file_bytes=4000, deflated_bytes=3900, latency_ms=0.5)
    found = HardeningRecord(
        created="2026-11-29T12:00:00+00:00", seed=0, command="archlock harden best.pt", versions={"archlock": "0"},
        model="best", origin="best.pt", source=source_task(), epsilon=4 / 255, norm="linf", sparsity=0.9, condition=0.1,
        sparse_shape=0.0, epochs=(10, 10), validation=(0.3, 0.4), before=judged(BEFORE), after=judged(AFTER),
        layers=(layer(10.0, 8.0, 4.0), layer(30.0, 9.0, 20.0, rank=3), layer(None, None, None, zeros=0)),
        smoothness=(smooth(60.0), smooth(100.0), smooth(50.0)), sizes=(size, replace(size, deflated_bytes=900)),
    )  # fmt: skip
    return replace(found, **changes)


def test_what_is_counted() -> None:
    found = record()
    assert found.zeros == pytest.approx(180 / 300)
    assert found.conditions("after") == (4.0, 20.0)
    assert [found.median_condition(at) for at in ("before", "dense", "after")] == [20.0, 8.5, 12.0]  # type: ignore[arg-type]
    assert (found.short("dense"), found.short("after")) == (0, 1)
    assert found.clean_change.mean == 0
    first, second = found.robust_changes()
    assert first.mean == pytest.approx((8 - 3) / 10)
    assert second.mean == pytest.approx((8 - 1) / 10)
    assert second.low == pytest.approx(0.7 - 1.96 * np.sqrt(0.7 * 0.3 / 9), abs=1e-9)


def test_every_claim_is_held_against_the_figures() -> None:
    assert [one.finding for one in claims(record())] == ["borne out", "borne out", "cannot be said", "cannot be said"]
    other = record(smoothness=(smooth(None),) * 3, layers=(layer(4.0, 8.0, 5.0),), condition=0.0, sparsity=0.9)
    assert [one.finding for one in claims(other)] == [
        "cannot be said",
        "not borne out",
        "cannot be said",
        "cannot be said",
    ]
    assert "no bound is known for Add" in claims(other)[0].words
    assert "the median went from 20 to 12; pruning and training move it too" in claims(record())[2].words
    raised = record(smoothness=(smooth(100.0), smooth(50.0), smooth(60.0)))
    assert claims(raised)[0].finding == "not borne out", "dense and sparse are compared"
    assert claims(record(sparsity=0.0))[0].finding == "cannot be said"


def test_weights_that_layers_share_are_counted_once() -> None:
    own = layer(10.0, 8.0, 4.0)
    twice = record(layers=(own, replace(own, name="again", shared_with="conv"), layer(None, None, None, zeros=0)))
    assert twice.zeros == pytest.approx(90 / 200)
    assert twice.conditions("after") == (4.0,)
    assert "the weights of conv" in render_hardening(twice, folder="hard")


def test_the_verdict_goes_by_the_interval() -> None:
    assert hardening_verdict(record()) == "More robust than before"
    assert hardening_verdict(record(before=judged(AFTER), after=judged(BEFORE))) == "Less robust than before"
    assert hardening_verdict(record(after=judged(BEFORE))).startswith("No difference in robustness")


def test_masked_gradients_on_either_side_are_said() -> None:
    sign = SignRecord(name="silent gradient", share=1.0, limit=0.05, seen=True, words="all are silent")
    masked = replace(judged(BEFORE), signs=(sign,))
    assert hardening_verdict(record(after=masked)).startswith("Masked gradients: the figures flatter")
    assert hardening_verdict(record(before=masked)).startswith("Masked gradients before")
    assert "the given model's gradients are masked (all are silent)" in hardening_warnings(record(before=masked))


def test_a_ratio_of_condition_numbers_is_said_where_ranks_stayed_with_the_best_there_could_be() -> None:
    found = ImmunityRecord(
        target="signs", own_condition=(100.0, 50.0), other_condition=(100.0, 300.0), own_rank=(8, 8),
        other_rank=(8, 8), width=8, ratio=6.0, best_ratio=40.0, probes={},
    )  # fmt: skip
    said = hardening_lines(record(immunity=found))
    assert "a ratio of 6 (the best of any linear map of the features given: 40)" in said
    assert "singular features have none" in hardening_lines(record(immunity=replace(found, best_ratio=None)))
    fell = hardening_lines(record(immunity=replace(found, own_rank=(8, 7))))
    assert "the rank of the own ones went from 8 to 7 of 8 features, so these are of what is left" in fell
    assert "a ratio of 6" not in fell


def test_what_must_be_read_first() -> None:
    assert any(line.startswith("Nothing was attacked") for line in hardening_warnings(record()))
    lost = record(after=judged((0, 0, 0, 3, 3, 3, 3, 3, 3, 3)))
    assert "accuracy on images as they are fell by 20.0 points" in hardening_warnings(lost)
    lines = hardening_lines(record())
    assert "zeros: 60.0% of the weights; file 4 KB before and 4 KB after" in lines
    assert "borne out: making a network sparse lowers the bound of its Lipschitz constant" in lines


def test_the_page_escapes_what_it_is_told_and_is_made_from_the_file(tmp_path: Path) -> None:
    path = hardening_to_json(tmp_path / "hardening.json", record(model=HOSTILE, notes=(HOSTILE,)))
    again = hardening_from_json(path)
    page = render_hardening(again, folder="hard")
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert page == render_hardening(again, folder="hard")


def test_what_is_no_hardening_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="on the same images within the same epsilons"):
        record(after=replace(judged(AFTER), rows=tuple(range(1, 11))))
    path = hardening_to_json(tmp_path / "hardening.json", record())
    content = read_json(path)
    for change, said in (
        ({"record": "lock"}, "no hardening record"),
        ({"schema": 9}, "has schema 9"),
        ({"seed": "x"}, "is damaged"),
    ):
        write_json(path, {**content, **change})
        with pytest.raises(RunError, match=said):
            hardening_from_json(path)
