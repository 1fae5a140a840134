"""A robustness record: born valid, read again, said in words, and made a page that loads nothing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.records import read_json, write_json
from archlock.reports import (
    AdversaryRecord,
    ExampleRecord,
    RobustnessRecord,
    SignRecord,
    TaskRecord,
    render_robustness,
    robustness_from_json,
    robustness_lines,
    robustness_to_json,
    robustness_verdict,
    robustness_warnings,
)

PIXEL = "iVBORw0KGgo="
FGSM = AdversaryRecord(
    name="fgsm", paper="one", summary="takes a step", sees_gradients=True, beaten=(0, 2, 3, 4, 4), seconds=1.0
)
SQUARE = AdversaryRecord(
    name="square", paper="two", summary="asks", sees_gradients=False, beaten=(0, 2, 2, 4, 3), seconds=61.0
)
SIGN = SignRecord(name="black box stronger", share=0.2, limit=0.01, seen=True, words="square beats 1 image")
EXAMPLE = ExampleRecord(
    row=7, label="<cat>", answer="dog", adversary="square", epsilon=4 / 255, image=PIXEL, perturbed=PIXEL, change=PIXEL
)


def record(**changes: object) -> RobustnessRecord:
    source = TaskRecord(
        name="pets & <co>",
        origin="photos/",
        fingerprint="0123",
        kind="classification",
        classes=("<cat>", "dog"),
        shape=(3, 8, 8),
        examples={"train": 10, "validation": 5, "test": 50},
        class_balance=(0.5, 0.5),
        skipped=0,
    )
    made = RobustnessRecord(
        created="2026-11-29T02:00:00+00:00",
        seed=3,
        command="archlock robustness net.pt --source photos/ --out rob",
        versions={"archlock": "0.1.0"},
        model="net",
        origin="net.pt",
        source=source,
        rows=(1, 4, 7, 8, 9),
        norm="linf",
        epsilons=(0.0, 4 / 255, 0.1),
        steps=100,
        restarts=1,
        queries=1000,
        adversaries=(FGSM, SQUARE),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_worst_case_is_of_each_image() -> None:
    assert record().worst == (0, 2, 2, 4, 3)
    assert [share.value for share in record().robust(record().worst)] == [0.8, 0.4, 0.2]
    assert record().clean.value == 0.8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "has schema 1; got 2"),
        ({"epsilons": (0.2, 0.1)}, r"epsilons are 0 or above and rise; got \(0.2, 0.1\)"),
        ({"epsilons": (-0.1, 0.1, 0.2)}, "epsilons are 0 or above and rise"),
        ({"adversaries": ()}, "at least one epsilon, one image and one adversary"),
        ({"adversaries": (replace(FGSM, beaten=(0, 1)),)}, "fgsm needs a number from 0 to 4 for each of 5 images"),
        ({"adversaries": (replace(FGSM, beaten=(0, 2, 2, 3, 5)),)}, "fgsm needs a number from 0 to 4"),
        ({"adversaries": (replace(FGSM, beaten=(0, 1, 2, 3, 4)),)}, "fgsm cannot beat an image at epsilon 0"),
        ({"adversaries": (FGSM, replace(SQUARE, beaten=(2, 2, 2, 2, 2)))}, "square and fgsm differ on what is wrong"),
    ],
)
def test_a_record_is_born_valid(changes: dict[str, object], words: str) -> None:
    with pytest.raises(RunError, match=words):
        record(**changes)


def test_it_is_read_as_it_was_written_and_what_is_damaged_is_named(tmp_path: Path) -> None:
    path = robustness_to_json(tmp_path / "robustness.json", record(signs=(SIGN,), examples=(EXAMPLE,)))
    assert robustness_from_json(path) == record(signs=(SIGN,), examples=(EXAMPLE,))
    content = read_json(path)
    for change, words in (
        ({"rows": "all"}, r"robustness.json is damaged: rows: expected a list, got 'all'"),
        ({"schema": 9}, "has schema 9, this version of ArchLock reads schema 1"),
        ({"record": "lock"}, "is no robustness record"),
    ):
        write_json(path, {**content, **change})
        with pytest.raises(RunError, match=words):
            robustness_from_json(path)


def test_words_for_the_terminal() -> None:
    lines = robustness_lines(record()).replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines[0].startswith("net: 80.0% (37.6 to 96.4) of 5 test images of pets & <co> as they are (L infinity)")
    assert lines[1].split() == ["accuracy", "%", "0", "4/255", "0.1"]
    assert lines[2].split()[:3] == ["fgsm", "80.0", "(37.6-96.4)"]
    assert [re.split(r"\s{2,}", line)[0] for line in lines[2:5]] == ["fgsm", "square", "worst case"]
    assert "95 % Wilson intervals" in lines[5]


def test_a_model_that_is_no_better_than_one_answer_is_told_apart() -> None:
    worse = replace(FGSM, beaten=(0, 0, 0, 4, 4))
    said = robustness_warnings(record(adversaries=(worse,)))
    assert len(said) == 1
    assert "right about 40.0%, where one answer for all of them is right about 50.0%" in said[0]


def test_masked_gradients_come_before_any_number() -> None:
    assert robustness_warnings(record(notes=("a note",))) == ("a note",)
    masked = record(signs=(SIGN,))
    assert robustness_warnings(masked)[0].startswith("the model's gradients are masked, so its robust accuracy is an")
    verdict = robustness_verdict(masked)
    assert (verdict.masked, verdict.reasons) == (True, ("Square beats 1 image.",))
    assert not robustness_verdict(record(signs=(replace(SIGN, seen=False),))).masked


@pytest.mark.parametrize("signs", [(), (SIGN,)])
def test_the_page_says_it_and_loads_nothing(signs: tuple[SignRecord, ...]) -> None:
    made = record(signs=signs, examples=(EXAMPLE,), notes=("it was in training mode",))
    page = render_robustness(made)
    assert page == render_robustness(made), "same record, same bytes"
    assert "&lt;cat&gt;" in page
    assert "<cat>" not in page
    assert "pets &amp; &lt;co&gt;" in page
    assert f"data:image/png;base64,{PIXEL}" in page
    assert page.count("it was in training mode") == 2
    assert ("Masked gradients" in page) == bool(signs)
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "repurpose" in page, "adversaries and attackers are kept apart"


def test_epsilons_are_said_in_grey_levels_where_they_are_some() -> None:
    half = robustness_lines(record(epsilons=(0.5 / 255, 8 / 255, 0.0333)))
    assert half.splitlines()[1].split()[2:] == ["0.5/255", "8/255", "0.0333"]
    wide = robustness_lines(record(norm="l2", epsilons=(8 / 255, 0.5, 1.0)))
    assert wide.splitlines()[1].split()[2:] == ["0.03137", "0.5", "1"]
