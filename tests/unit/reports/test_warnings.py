"""What a reader must know before any number."""

from dataclasses import replace

import pytest

from archlock.records import plain
from archlock.reports import (
    AttackRecord,
    LockRecord,
    ModelRecord,
    TaskRecord,
    from_plain,
    render_card,
    render_html,
    verdict_of,
    warnings_of,
)
from archlock.reports.limits import attack_limits, lock_limits
from report_records import attack_record, lock_record, source_task

RARE = replace(
    source_task("scans"),
    classes=("healthy", "tumour"),
    class_balance=(0.967, 0.033),
    test_balance=(0.96, 0.04),
    examples={"train": 240, "validation": 80, "test": 100},
)


def scoring(record: LockRecord, level: float, source: TaskRecord = RARE, answer: str = "") -> LockRecord:
    """The record with a locked model of that score on that source."""
    levels = (level,) * len(record.locked.source_test)
    locked = replace(record.locked, source_test=levels, source_validation=levels, only_answer=answer)
    other = replace(record.source_only, source_test=(0.995,) * len(record.source_only.source_test))
    return replace(record, source=source, locked=locked, source_only=other)


def plain_text(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("&#39;", "'").replace("\\", "")


def test_an_ordinary_run_has_no_warning() -> None:
    assert warnings_of(lock_record()) == ()
    assert warnings_of(attack_record()) == ()
    assert warnings_of(scoring(lock_record(), 0.9999)) == ()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            scoring(lock_record(), 0.96, answer="healthy"),
            "The locked model answers one class for every image ('healthy'), so it has learned nothing: its 96.0% on "
            "the source are the share of that class. Chance is 96.0%.",
        ),
        (
            scoring(lock_record(), 0.95),
            "The locked model is no better than always answering 'healthy', the largest class (96.0%): it reaches "
            "95.0% on the source, so it has learned nothing.",
        ),
        (
            scoring(lock_record(), 0.97),
            "The locked model is no better than always answering 'healthy', the largest class (96.0%), as far as 100 "
            "test images can tell: it reaches 97.0% on the source.",
        ),
    ],
)
def test_a_model_that_learned_nothing_is_told_everywhere(record: LockRecord, words: str) -> None:
    said = [plain_text(line) for line in warnings_of(record)]
    assert said == [words]
    assert plain_text(lock_limits(record)[0]) == words
    assert words in plain_text(render_card(record))
    assert words in plain_text(render_html(record))


def test_a_lock_that_learned_nothing_is_no_lock() -> None:
    for record in (scoring(lock_record(), 0.96, answer="healthy"), scoring(lock_record(), 0.95)):
        verdict = verdict_of(record)
        assert verdict.kind == "not_measurable"
        assert "has learned nothing" in verdict.reasons[0]
    assert verdict_of(scoring(lock_record(), 0.993)).kind == "held"


def test_chance_is_that_of_the_test_split_where_it_is_known() -> None:
    assert RARE.constant == 0.96
    assert RARE.chance == 0.967
    assert replace(RARE, test_balance=()).constant == 0.967
    assert (RARE.largest, source_task().largest) == ("healthy", "3")
    dense = replace(RARE, kind="dense", classes=(), class_balance=(), test_balance=())
    assert (dense.largest, dense.constant) == ("", 0.0)


def test_chance_stands_beside_the_scores() -> None:
    record = scoring(lock_record(), 0.99)
    assert "| chance: always healthy | \N{EM DASH} | 0 | \N{EM DASH} | 96.0% | \N{EM DASH} |" in render_card(record)
    page = render_html(record)
    assert "Chance (always the largest class)</th><td>96.0%</td>" in page


def test_an_attacked_model_is_held_against_its_own_source() -> None:
    record = attack_record()
    first: ModelRecord = replace(
        record.models[0], source_test=(0.96,), source_validation=(0.96,), only_answer="healthy"
    )
    attacked: AttackRecord = replace(record, source=RARE, models=(first, *record.models[1:]))
    (line,) = [line for line in warnings_of(attacked) if "one class for every image" in line]
    assert plain_text(line) in plain_text(render_html(attacked))
    assert line in attack_limits(attacked)
    assert warnings_of(replace(attacked, source=None)) == ()


def test_targets_that_are_no_targets_are_told() -> None:
    record = lock_record()
    first, second, third, *rest = record.targets
    targets = (
        replace(first, same_as="source", of_source=300, images=300),
        replace(second, same_as=third.name),
        replace(third, of_source=12, images=4000),
        *rest,
    )
    record = replace(record, targets=targets)
    said = warnings_of(record)
    page = plain_text(render_html(record))
    assert len(said) == 3
    assert said[0].startswith(f"The target {first.name} is the same data as the source")
    assert said[1] == f"The target {second.name} is the same data as the target {third.name}, so it counts twice."
    assert said[2].startswith(f"12 of the 4,000 images of {third.name} are images of the source, too, pixel by pixel")
    for line in said:
        assert plain_text(line) in page
        assert line in lock_limits(record)
    assert from_plain(plain(record)) == record


def test_records_from_before_are_read_and_written_as_they_were() -> None:
    content = plain(lock_record())
    assert "test_balance" not in content["source"]
    assert "only_answer" not in content["locked"]
    assert not {"same_as", "images", "of_source"} & set(content["targets"][0])
    assert from_plain(content) == lock_record()
