from dataclasses import replace

import pytest

from archlock.reports import AttackRecord, attack_headline, attack_table
from archlock.reports.outcomes import Terms
from archlock.reports.record_parts import (
    ModelRecord,
)
from archlock.reports.statistics import baseline_gain
from report_records import attack_record

POINTS = "\N{NO-BREAK SPACE}points"


def opened(*, reference: bool = False) -> AttackRecord:
    """A made-up attack on a network that is not ours."""
    record = attack_record(reference=reference)

    def foreign(model: ModelRecord) -> ModelRecord:
        empty = {"space": "", "official_string": "", "curve": (), "source_percentile": None, "width": 0, "depth": 0}
        return replace(model, code="best", origin="best.pt", source_test=(), source_validation=(), **empty)  # type: ignore[arg-type]

    return replace(record, source=None, models=tuple(map(foreign, record.models)))


def test_a_lone_model_is_put_next_to_chance_and_from_scratch() -> None:
    record = opened()
    said = attack_headline(record)
    tests = {(o.attacker, o.seed): o.test or 0 for o in record.outcomes if o.target == "letters" and o.fraction == 1}
    best = [max((a for a, s in tests if s == seed), key=lambda a: tests[a, seed]) for seed in range(3)]
    level = sum(tests[a, s] for s, a in enumerate(best)) / 3
    gain = level - sum(tests["from_scratch", s] for s in range(3)) / 3
    assert f"reaches {100 * level:.1f}%" in said
    assert "chance is 3.8%" in said
    assert f"that is {100 * gain:.1f}{POINTS} more than the same network trained from scratch." in said
    assert "lock" not in said


def test_the_table_has_a_row_for_every_attack_in_even_columns() -> None:
    lines = attack_table(opened()).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("letters ("))
    head, *rows = lines[start + 1 : start + 12]
    assert head.split("  ")[0] == "attack"
    assert "above chance  above from scratch  seeds" in head
    assert len(rows) == 10  # two shares of data: the strongest and four attacks
    assert {len(row) for row in (head, *rows)} == {len(head)}
    scratch = next(row for row in rows if row.startswith("From scratch") and "100%" in row)
    assert scratch.split()[-2:] == ["\N{EM DASH}", "3"]


def test_two_models_are_compared_in_the_words_that_fit() -> None:
    for record, names in (
        (attack_record(), ("locked", "source-only")),
        (opened(reference=True), ("attacked", "reference")),
    ):
        said = attack_headline(record)
        assert f"from the {names[0]} model and " in said
        assert f"from the {names[1]} one: " in said
        assert "points less (95% interval " in said
        assert all(name in attack_table(record) for name in names)


def test_a_difference_the_other_way_round_turns_its_interval() -> None:
    record = attack_record()
    swapped = tuple(
        replace(o, defended="locked" if o.defended == "source_only" else "source_only") for o in record.outcomes
    )
    less, more = (attack_headline(replace(record, outcomes=outcomes)) for outcomes in (record.outcomes, swapped))
    assert "points more (95% interval " in more
    assert less.split("one: ")[1].split(" points")[0] == more.split("one: ")[1].split(" points")[0]
    less, more = (text.split("the strongest attack reaches")[1] for text in (less, more))
    assert less.split("interval ")[1].split(")")[0] == more.split("interval ")[1].split(")")[0]


def test_without_a_score_there_is_no_sentence() -> None:
    record = replace(opened(), outcomes=())
    assert attack_headline(record) == ""
    assert attack_table(record) == "No attack has a score."


def test_a_gain_is_paired_by_seed_and_none_over_itself() -> None:
    record = opened()
    tests = {(o.attacker, o.seed): o for o in record.outcomes if o.target == "letters" and o.fraction == 1}
    two = [tests["fine_tune", 0], tests["fine_tune", 2]]
    expected = sum((tests["fine_tune", s].test or 0) - (tests["from_scratch", s].test or 0) for s in (0, 2)) / 2
    assert baseline_gain(record, two, "from_scratch", Terms(1.0)) == pytest.approx(expected)
    assert baseline_gain(record, [tests["from_scratch", 0]], "from_scratch", Terms(1.0)) is None
    assert baseline_gain(record, two, "ordinary", Terms(1.0)) is None


def test_a_gain_is_over_the_baseline_of_the_same_model() -> None:
    record = opened(reference=True)
    tests = {
        o.attacker: o
        for o in record.outcomes
        if (o.target, o.fraction, o.seed) == ("letters", 1, 0) and o.defended == "locked"
    }
    gain = (tests["fine_tune"].test or 0) - (tests["from_scratch"].test or 0)
    assert baseline_gain(record, [tests["fine_tune"]], "from_scratch", Terms(1.0)) == pytest.approx(gain)
    turned = replace(record, outcomes=record.outcomes[::-1])
    assert baseline_gain(turned, [tests["fine_tune"]], "from_scratch", Terms(1.0)) == pytest.approx(gain)


def test_only_a_model_that_was_opened_may_lack_source_scores() -> None:
    from archlock.errors import RunError

    bare = replace(attack_record(reference=False).models[0], source_test=(), source_validation=())
    with pytest.raises(RunError, match="needs one source validation and one source test score per training seed"):
        replace(attack_record(reference=False), models=(bare,))
    with pytest.raises(RunError, match="got 0 and 1"):
        replace(opened(), models=(replace(opened().models[0], source_test=(0.5,)),))
