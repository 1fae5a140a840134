"""What honest users keep, in words and numbers."""

from dataclasses import replace

from archlock.reports import FurtherRecord, Role, render_html
from archlock.reports.measures import further_rows, further_sentence
from archlock.reports.wording import role_names
from report_records import attack_record, lock_record

GAINS: dict[Role, tuple[float, ...]] = {"locked": (0.01, 0.03, 0.02), "source_only": (0.03, 0.04, 0.05)}


def further(gains: dict[Role, tuple[float, ...]] = GAINS, unseen: int = 240) -> tuple[FurtherRecord, ...]:
    return tuple(
        FurtherRecord(defended=role, seed=seed, examples=240, unseen=unseen, before=0.6, after=0.6 + gain)
        for role, by_seed in gains.items()
        for seed, gain in enumerate(by_seed)
    )


def test_a_pair_in_words_and_rows() -> None:
    record = replace(lock_record(), further=further())
    assert further_sentence(record) == (
        "Trained on with 240\u00a0images of the source, all of them new to it, the locked model gains "
        "2.0\u00a0points, the source-only one gains 4.0\u00a0points: 2.0\u00a0points less (source-only minus "
        "locked 2.0, 95% interval \u22120.5 to 4.5)."
    )
    some = replace(record, further=further(unseen=60))
    assert "240\u00a0images of the source, 60 of them new to it, the locked" in further_sentence(some)
    rows = further_rows(record)
    assert [row.name for row in rows] == ["Source-only", "Locked"]
    assert rows[1].cells == ("60.0%", "62.0%", "2.0 (\u22120.5 to 4.5)", "3")
    page = render_html(record)
    assert "What honest users keep" in page
    assert further_sentence(record) in page
    assert "What honest users keep" not in render_html(lock_record())


def test_a_model_alone_and_a_loss() -> None:
    record = replace(attack_record(reference=False), further=further({"locked": (-0.01,)}))
    assert further_sentence(record).endswith(f"the {role_names(record)['locked']} model loses 1.0\u00a0point.")
    assert [row.cells for row in further_rows(record)] == [("60.0%", "59.0%", "\u22121.0", "1")]
    assert further_sentence(replace(record, further=())) == ""


def test_seeds_that_failed_on_one_model_are_left_out_of_the_difference() -> None:
    record = replace(lock_record(), further=further({"locked": (0.01, 0.03), "source_only": (0.05,)}))
    said = further_sentence(record)
    assert "the locked model gains 2.0" in said
    assert "the source-only one gains 5.0\u00a0points: 4.0\u00a0points less (source-only minus locked 4.0)." in said
