"""Areas against values worked out by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archlock.reports import LockRecord, render_html
from archlock.reports.slc_auc import areas, areas_alone, slc_auc
from archlock.reports.tables import outcome_groups
from report_records import REAL, attack_record, lock_record, outcomes

THREE = (0.01, 0.1, 1.0)


def three_fractions() -> LockRecord:
    return replace(lock_record(), outcomes=outcomes(REAL, fractions=THREE))


def test_the_area_by_hand() -> None:
    # each decade is half of the axis: (0.2 + 0.4) / 2 / 2 + (0.4 + 1.0) / 2 / 2
    assert slc_auc({0.01: 0.2, 0.1: 0.4, 1.0: 1.0}) == pytest.approx(0.15 + 0.35)
    # from a half to all is one octave of three
    assert slc_auc({1.0: 0.9, 0.125: 0.3, 0.5: 0.6}) == pytest.approx((2 * 0.45 + 0.75) / 3)
    assert slc_auc({0.01: 0.7, 0.3: 0.7, 1.0: 0.7}) == pytest.approx(0.7), "the same everywhere is its own area"


def test_the_area_of_a_straight_line_on_the_log_axis_against_an_integral() -> None:
    fractions = np.geomspace(0.003, 1.0, 7)
    places = (np.log(fractions) - np.log(fractions[0])) / -np.log(fractions[0])
    assert slc_auc(dict(zip(fractions, places**2, strict=True))) == pytest.approx(np.trapezoid(places**2, places))


@pytest.mark.parametrize("points", [{}, {1.0: 0.5}, {0.0: 0.1, 1.0: 0.5}])
def test_one_fraction_has_no_area(points: dict[float, float]) -> None:
    with pytest.raises(ValueError, match="scores at two fractions above 0 at least; got"):
        slc_auc(points)


def test_areas_are_taken_seed_by_seed() -> None:
    record = three_fractions()
    found = areas(record)
    assert len(found) == len(REAL) * 5, "the strongest and four attacks on each target"
    area = next(a for a in found if (a.target, a.attacker) == ("fashion", "fine_tune"))
    scores = {
        (o.defended, o.fraction, o.seed): o.test
        for o in record.outcomes
        if (o.target, o.attacker) == ("fashion", "fine_tune")
    }
    by_hand = {
        role: [
            (scores[role, 0.01, s] + 2 * scores[role, 0.1, s] + scores[role, 1.0, s]) / 4  # type: ignore[operator]
            for s in range(3)
        ]
        for role in ("locked", "source_only")
    }
    assert area.locked == pytest.approx(by_hand["locked"])
    assert area.other == pytest.approx(by_hand["source_only"])
    low, high = stats.ttest_rel(by_hand["source_only"], by_hand["locked"]).confidence_interval(0.95)
    assert (area.taken_away.low, area.taken_away.high) == pytest.approx((low, high))


def test_seeds_that_a_fraction_lacks_and_shots_take_no_part() -> None:
    record = three_fractions()
    some = tuple(o for o in record.outcomes if not (o.fraction == 0.01 and o.seed == 1))
    shots = tuple(replace(o, shots=5, fraction=0.02) for o in some if o.fraction == 0.1)
    found = areas(replace(record, outcomes=some + shots))
    assert {len(area.locked) for area in found} == {2}
    assert {area.fractions for area in found} == {THREE}
    assert areas(lock_record()) == (), "two fractions are no curve"


def test_horizons_have_areas_of_their_own() -> None:
    record = three_fractions()
    longer = tuple(replace(o, horizon=4.0, test=(o.test or 0) / 2) for o in record.outcomes)
    found = {(a.target, a.attacker, a.horizon): a for a in areas(replace(record, outcomes=record.outcomes + longer))}
    short, long = (found["letters", "fine_tune", horizon] for horizon in (1.0, 4.0))
    assert long.locked == pytest.approx([value / 2 for value in short.locked])


def test_a_model_without_reference_has_areas_too() -> None:
    record = replace(
        attack_record(reference=False),
        outcomes=tuple(o for o in outcomes(REAL, fractions=THREE) if o.defended == "locked"),
    )
    alone = {(a.target, a.attacker): a.locked for a in areas_alone(record)}
    both = {(a.target, a.attacker): a.locked for a in areas(three_fractions())}
    assert alone["letters", "fine_tune"] == pytest.approx(both["letters", "fine_tune"])
    rows = [row for row in outcome_groups(record)[0].rows if row.area]
    assert len(rows) == 5
    assert all(row.plain == "" for row in rows)


def test_the_report_shows_areas_after_the_attacks() -> None:
    record = three_fractions()
    group = outcome_groups(record)[0]
    assert [row.area for row in group.rows] == [False] * 15 + [True] * 5
    first = group.rows[15]
    assert (first.strongest, first.data) == (True, "SLC-AUC, 1% to 100%")
    assert not math.isnan(float(first.away))
    page = render_html(record)
    assert "SLC-AUC, 1% to 100%" in page
    assert "area under the score over the logarithm of the data share" in page
    assert "SLC-AUC" not in render_html(lock_record())


def test_an_ordinary_network_has_an_area_and_nothing_taken_away() -> None:
    record = three_fractions()
    ordinary = tuple(replace(o, attacker="ordinary", test=0.5) for o in record.outcomes if o.attacker == "fine_tune")
    rows = outcome_groups(replace(record, outcomes=record.outcomes + ordinary))[0].rows
    (row,) = [row for row in rows if row.area and row.attacker == "ordinary"]
    assert (row.locked, row.plain, row.away, row.interval, row.sure) == ("50.0%", "50.0%", "\u2014", "\u2014", False)


def test_pages_tell_horizons_and_shots() -> None:
    record = lock_record()
    longer = tuple(replace(o, horizon=4.0) for o in record.outcomes)
    few = tuple(replace(o, shots=5, fraction=0.02) for o in record.outcomes if o.fraction == 0.1)
    record = replace(record, outcomes=(*record.outcomes, *longer, *few))
    data = list(dict.fromkeys(row.data for row in outcome_groups(record)[0].rows))
    assert data == ["100%, 4x as long", "100%", "10%, 4x as long", "10%", "5 of each class"]
    page = render_html(record)
    assert "100%, 4x as long" in page
    assert "5 of each class" in page
