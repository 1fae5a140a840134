"""Costs against values worked out by hand."""

from dataclasses import replace

import pytest

from archlock.reports import AttackRecord, LockRecord, OutcomeRecord, Role, render_html
from archlock.reports.attack_cost import Cost, Reach, cheapest, cost_to_reach, reaches
from archlock.reports.measures import cost_groups
from report_records import attack_record, lock_record, target

CHANCE = 0.2
"""Of a target with five classes."""


def outcome(attacker: str, role: Role, curve: tuple[float, ...], *, seed: int = 0, flops: int = 1000) -> OutcomeRecord:
    """A training of 100 steps in ten seconds; without a curve, a probe at 0.5."""
    last = max(curve, default=0.5)
    return OutcomeRecord(
        defended=role,
        target="letters",
        attacker=attacker,
        fraction=1.0,
        seed=seed,
        validation=last,
        test=last,
        steps=100 if curve else 0,
        curve=curve,
        flops=flops,
        trial_seconds=10.0,
    )


def watched(*outcomes: OutcomeRecord) -> LockRecord:
    return replace(lock_record(), targets=(target("letters", 5),), outcomes=outcomes)


@pytest.mark.parametrize(
    ("level", "share"), [(0.2, 0.25), (0.3, 0.25), (0.31, 0.5), (0.6, 0.75), (0.7, 0.75), (0.8, 1.0), (0.81, None)]
)
def test_the_cost_to_reach_a_level_by_hand(level: float, share: float | None) -> None:
    """Four looks in 100 steps; a better model than the last was kept."""
    one = replace(outcome("fine_tune", "locked", (0.3, 0.5, 0.7, 0.65)), validation=0.8)
    assert cost_to_reach(one, level) == (None if share is None else Cost(round(100 * share), 1000 * share, 10 * share))


def test_the_last_step_that_is_begun_counts() -> None:
    one = replace(outcome("fine_tune", "locked", (0.3, 0.5, 0.7)), steps=100)
    assert [cost_to_reach(one, level).steps for level in (0.3, 0.5, 0.7)] == [34, 67, 100]  # type: ignore[union-attr]


def test_a_probe_has_no_steps_and_what_was_not_counted_is_said() -> None:
    probe = outcome("linear_probe", "locked", ())
    assert cost_to_reach(probe, 0.5) == Cost(0, 1000, 10.0)
    assert cost_to_reach(probe, 0.51) is None
    assert cost_to_reach(replace(probe, flops=None, trial_seconds=None), 0.5) == Cost(0, None, None)
    with pytest.raises(ValueError, match="the steps of linear_probe on letters are not known; attack with curves"):
        cost_to_reach(replace(probe, steps=None), 0.5)


def test_the_level_is_a_share_of_what_the_reference_gives() -> None:
    """The strongest on the source-only model gets to 0.7: above chance 0.5, of which 90% is 0.45, so 0.65 is wanted."""
    record = watched(
        outcome("fine_tune", "source_only", (0.66, 0.7)),
        outcome("linear_probe", "source_only", ()),
        outcome("fine_tune", "locked", (0.3, 0.5, 0.64, 0.66), flops=3000),
        outcome("linear_probe", "locked", ()),
    )
    by_attack = {reach.attacker: reach for reach in reaches(record)}
    assert by_attack.keys() == {"fine_tune", "linear_probe"}
    assert [reach.level for reach in by_attack.values()] == pytest.approx([CHANCE + 0.9 * (0.7 - CHANCE)] * 2)
    tuned = by_attack["fine_tune"]
    assert tuned.costs == {"source_only": (Cost(50, 500, 5.0),), "locked": (Cost(100, 3000, 10.0),)}
    assert by_attack["linear_probe"].costs == {"source_only": (None,), "locked": (None,)}
    (group,) = cost_groups(record)
    assert [row.cells for row in group.rows] == [
        ("50", "500", "5.0\u202fs", "100", "3,000", "10\u202fs"),
        ("never", "", "", "never", "", ""),
    ]
    assert "65.0% (90% of what the strongest attack gains from the source-only model above chance) takes" in group.said
    assert "takes 500 operations from the source-only model (full fine-tuning)" in group.said
    assert group.said.endswith("takes 3,000 operations from the locked model (full fine-tuning): 6.0 times as much.")
    page = render_html(record)
    assert "What it costs to get there" in page
    assert group.said in page
    assert "What it costs" not in render_html(lock_record()), "nothing was watched there"


def test_what_most_seeds_never_reach_has_no_middle() -> None:
    some, none = Cost(10, None, 1.0), None
    reach = Reach(
        "letters", "fine_tune", object(), 0.5, {"locked": (some, none, none), "source_only": (some, some, none)}
    )  # type: ignore[arg-type]
    assert reach.median("locked", "steps") is None
    assert reach.reached("locked") == 1
    assert reach.median("source_only", "steps") == 10
    assert reach.median("source_only", "flops") is None, "not counted"
    dear = replace(reach, attacker="lp_ft", costs={"locked": (Cost(30, 5.0, 1.0),) * 3})
    assert cheapest([reach, dear], "locked", "steps") is dear
    assert cheapest([reach, dear], "source_only", "steps") is reach
    assert cheapest([replace(dear, attacker="ordinary")], "locked") is None, "no attack on the model"


def test_a_model_alone_is_held_against_training_from_scratch() -> None:
    alone = replace(
        attack_record(reference=False),
        targets=(target("letters", 5),),
        outcomes=(
            outcome("from_scratch", "locked", (0.4, 0.6)),
            outcome("fine_tune", "locked", (0.57, 0.7), flops=2000),
        ),
    )
    assert [reach.level for reach in reaches(alone)] == pytest.approx([CHANCE + 0.9 * (0.6 - CHANCE)] * 2)
    (group,) = cost_groups(alone)
    assert [row.cells for row in group.rows] == [("100", "1,000", "10\u202fs"), ("50", "1,000", "5.0\u202fs")]
    assert "90% of what training from scratch gains above chance" in group.said
    without = replace(alone, outcomes=alone.outcomes[1:])
    assert reaches(without) == ()


def test_no_level_where_the_reference_gains_nothing() -> None:
    record = watched(outcome("fine_tune", "source_only", (0.1, 0.15)), outcome("fine_tune", "locked", (0.1, 0.2)))
    assert reaches(record) == ()
    assert cost_groups(record) == ()


def test_only_most_data_and_most_time() -> None:
    full = outcome("fine_tune", "source_only", (0.6, 0.7)), outcome("fine_tune", "locked", (0.6, 0.7))
    fewer = tuple(replace(one, fraction=0.1) for one in full)
    longer = tuple(replace(one, horizon=4.0) for one in full)
    (reach,) = reaches(watched(*full, *fewer, *longer))
    assert (reach.terms.fraction, reach.terms.horizon) == (1.0, 4.0)


def test_a_level_that_no_middle_seed_reaches_is_said_once() -> None:
    """The mean of 0.9, 0.5 and 0.5 asks for 0.59."""
    plain = [outcome("fine_tune", "source_only", (0.3, last), seed=seed) for seed, last in enumerate((0.9, 0.5, 0.5))]
    locked = [outcome("fine_tune", "locked", (0.3, 0.4), seed=seed) for seed in range(3)]
    (group,) = cost_groups(watched(*plain, *locked))
    assert group.said.startswith("On letters, no attack reaches 59.0% (90% of what")
    assert group.rows[0].cells == ("1 of 3 seeds", "", "", "never", "", "")
    (group,) = cost_groups(watched(plain[0], locked[0]))
    assert group.said.endswith("(full fine-tuning), and is reached by no attack on the locked model.")


def test_records_of_before_have_no_costs() -> None:
    """Their curves, where they have one, are the last score alone."""
    record: AttackRecord | LockRecord
    last = watched(*(replace(outcome("fine_tune", role, (0.7,)), flops=None) for role in ("locked", "source_only")))
    assert reaches(last) == ()
    probes = [outcome("linear_probe", role, ()) for role in ("locked", "source_only")]
    assert reaches(replace(last, outcomes=(*last.outcomes, *probes))) == (), "a probe counts its operations always"
    for record in (lock_record(), attack_record(reference=True), attack_record(reference=False)):
        assert reaches(record) == ()
