"""What another architecture takes as well: numbers by hand, and everywhere a reader meets them."""

import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from archlock.errors import RunError
from archlock.records import plain
from archlock.reports import (
    ARMS,
    AttackRecord,
    LockRecord,
    Role,
    attack_table,
    from_plain,
    render_card,
    render_html,
    verdict_of,
)
from archlock.reports.arms import NAMES, arm_groups, arms_said, every_side, reached, sides, taken_as_well
from archlock.reports.dumbbells import _ARM_MARKERS
from archlock.reports.limits import attack_limits, lock_limits
from archlock.reports.measures import further_rows, worth_groups
from archlock.reports.statistics import headline
from archlock.reports.wording import ROLES
from report_records import REAL, attack_record, lock_record, unhappy_records, with_arms


def said(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def attack_with_arms() -> AttackRecord:
    lock = with_arms()
    return replace(
        attack_record(), models=lock.models, outcomes=tuple(o for o in lock.outcomes if o.target in REAL)
    )  # fmt: skip


def test_sides_are_the_headline_against_every_other_model() -> None:
    record = with_arms()
    assert [side.against for side in sides(record)] == ["source_only", "random", "same_size"]
    for side in sides(record):
        assert side.judged == headline(record, side.against)
        means = [np.mean(np.subtract(c.other, c.locked)) for c in side.judged]
        assert side.taken_away is not None
        assert side.taken_away.mean == pytest.approx(np.mean(means))
    assert [side.against for side in sides(lock_record())] == ["source_only"]


def test_what_is_taken_as_well_is_the_source_only_model_minus_the_random_one() -> None:
    record = with_arms(random=0.05, same_size=0.08)
    first, *arms = sides(record)
    for arm, away in zip(arms, (0.05, 0.08), strict=True):
        by_hand = np.mean(
            [np.mean(np.subtract(a.other, b.other)) for a, b in zip(first.judged, arm.judged, strict=True)]
        )
        assert taken_as_well(first, arm) == pytest.approx(by_hand)
        assert by_hand == pytest.approx(away, abs=0.004)


def test_a_target_on_which_the_random_one_has_no_score_does_not_count() -> None:
    record = with_arms()
    lost = tuple(
        replace(o, status="failed", validation=None, test=None, note="diverged")
        if o.defended == "random" and o.target == "letters" else o
        for o in record.outcomes
    )  # fmt: skip
    first, arm, _ = sides(replace(record, outcomes=lost))
    assert [c.target for c in arm.judged] == ["fashion", "traffic signs"]
    both = [c for c in first.judged if c.target != "letters"]
    by_hand = np.mean([np.mean(np.subtract(a.other, b.other)) for a, b in zip(both, arm.judged, strict=True)])
    assert taken_as_well(first, arm) == pytest.approx(by_hand)


def test_the_sentence_names_all_levels_at_once() -> None:
    record = with_arms(random=0.05, same_size=0.08)
    text = said(arms_said(record))
    first, random, same = sides(record)
    assert first.taken_away is not None

    def level(values: list[tuple[float, ...]]) -> str:
        return f"{100 * np.mean([np.mean(v) for v in values]):.1f}%"

    assert text.startswith(
        f"The strongest attackers reach {level([c.locked for c in first.judged])} with the locked model, "
        f"{level([c.other for c in first.judged])} with the source-only model, "
        f"{level([c.other for c in random.judged])} with a random architecture and "
        f"{level([c.other for c in same.judged])} with a random architecture of the locked one's size."
    )
    share = 100 * (taken_as_well(first, random) or 0) / first.taken_away.mean
    assert f"Of the {100 * first.taken_away.mean:.1f} points" in text
    assert f"a random architecture takes {100 * (taken_as_well(first, random) or 0):.1f} points ({share:.0f}%)" in text
    assert said(arms_said(with_arms(random=-0.05))).count("a random architecture takes nothing") == 1
    assert arms_said(lock_record()) == ""


def test_the_table_has_a_row_for_every_target_and_random_architecture() -> None:
    record = with_arms()
    groups = arm_groups(record)
    assert [group.target for group in groups] == list(REAL)
    assert [[row.name for row in group.rows] for group in groups] == [["random", "same-size random"]] * 3
    row, comparison = groups[0].rows[0], headline(record, "random")[0]
    assert (row.arm, row.locked) == tuple(f"{100 * np.mean(v):.1f}%" for v in (comparison.other, comparison.locked))
    assert float(row.away) == pytest.approx(100 * comparison.taken_away.mean, abs=0.051)
    assert float(row.as_well) == pytest.approx(5, abs=1)
    assert row.sure
    assert arm_groups(lock_record()) == ()


def test_page_card_terminal_and_tables_show_them() -> None:
    record = with_arms()
    page, card = said(render_html(record)), said(render_card(record))
    assert "with a random architecture and" in card
    for text in (page, card):
        assert "takes as well" in text.lower()
        assert "as well." in text
    shown = re.findall(r'<dt>([^<]*)</dt><dd class="big">([^<]*)</dd></div>', page)
    assert [value for _, value in shown] == [value for _, value in reached(record)]
    assert [name for name, _ in shown][:3] == ["Locked", "Source-only", "Random architecture"]
    assert "Same-size random" in page
    assert page.count("random architecture of the locked one") >= 2  # legend and verdict
    assert "| same-size random | `nasbench201:230131` |" in card
    other = attack_with_arms()
    table = said(attack_table(other))
    assert "What another architecture takes as well, on letters" in table
    assert "with a random architecture" in table
    assert "What another architecture takes as well" in render_html(other)


def test_without_random_architectures_nothing_is_said_of_them_but_that_they_are_missing() -> None:
    for record in (lock_record(), unhappy_records()["one_seed"]):
        page = render_html(record)
        assert "What another architecture takes as well" not in page
        assert "No random architecture above the source floor was attacked alike" in page
    assert "No random architecture" in " ".join(attack_limits(attack_record()))
    assert "No random architecture" not in " ".join(lock_limits(with_arms()))


def test_an_architecture_that_misses_the_floor_is_a_limit() -> None:
    record = with_arms()
    assert record.random is not None
    missed = replace(record, random=replace(record.random, keeps_floor=False))
    assert any(limit.startswith("A random architecture misses the source floor") for limit in lock_limits(missed))
    assert not any("misses the source floor" in limit for limit in lock_limits(record))


def test_records_of_before_have_none() -> None:
    content = plain(lock_record())
    for name in ("random", "same_size"):
        del content[name]
    for name in ("locked", "source_only"):
        del content[name]["keeps_floor"]
    assert from_plain(content) == lock_record()
    read = from_plain(plain(with_arms()))
    assert isinstance(read, LockRecord)
    assert read == with_arms()
    assert [model.role for model in read.models] == ["locked", "source_only", "random", "same_size"]


def test_every_model_has_words_and_a_mark() -> None:
    assert set(NAMES) == set(ROLES) == set(get_args(Role)) == {"locked", "source_only", *ARMS}
    assert set(_ARM_MARKERS) == set(ARMS)


def test_the_choice_of_nsga2_is_met_everywhere() -> None:
    record = with_arms()
    assert record.same_size is not None
    outcomes = tuple(replace(o, defended="nsga2") if o.defended == "same_size" else o for o in record.outcomes)
    other = replace(record, same_size=None, nsga2=replace(record.same_size, role="nsga2"), outcomes=outcomes)
    page, card = said(render_html(other)), said(render_card(other))
    assert "Nsga" not in page
    assert [side.against for side in every_side(other)] == ["source_only", "random", "nsga2"]
    assert "Choice of NSGA-II" in page
    assert "NSGA-II had up to as many short trainings" in page
    assert "the choice of NSGA-II takes" in page
    assert "| NSGA-II | `nasbench201:230131` |" in card
    alone = replace(other, random=None, outcomes=tuple(o for o in outcomes if o.defended != "random"))
    assert "chosen by lot" not in said(render_html(alone))
    assert any("No random architecture above" in limit for limit in lock_limits(alone))
    missed = replace(other, nsga2=replace(record.same_size, role="nsga2", keeps_floor=False))
    assert any(limit.startswith("The choice of NSGA-II misses the source floor") for limit in lock_limits(missed))
    with pytest.raises(RunError, match="the nsga2 model has the role 'same_size'"):
        replace(record, nsga2=record.same_size)


def test_to_be_level_with_nsga2_is_no_failure_of_a_lock() -> None:
    """It seeks a lock itself; the very same architecture changes no verdict."""
    record = with_arms()
    level = tuple(replace(o, defended="nsga2") for o in record.outcomes if o.defended == "locked")
    more = replace(record, nsga2=replace(record.locked, role="nsga2"), outcomes=(*record.outcomes, *level))
    one, other = verdict_of(record), verdict_of(more)
    assert (one.kind, one.reasons) == (other.kind, other.reasons)
    assert [side.against for side in sides(more)] == ["source_only", "random", "same_size"]


def test_worth_and_further_training_have_a_place_for_every_model() -> None:
    record = with_arms()
    widths = {len(row.cells) for group in worth_groups(record) for row in group.rows}
    assert widths == {4}
    assert further_rows(record) == ()
    assert verdict_of(record).beside == arms_said(record)
