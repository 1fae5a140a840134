"""The card of a release with friction: both figures side by side, and no word that promises anything."""

import re
from dataclasses import replace

import pytest

from archlock.reports import FrictionRecord, FrictionTrial, friction_lines, render_friction_card

CLAIMS = re.compile(r"\b(un)?lock(s|ed|ing|able)?\b|\bprotect|\bsecur|\bprevent|\bsafe\b|\bimpossible", re.IGNORECASE)
"""Words that a card of friction never says, but to deny the first."""
DENIED = "This is not a lock"

SCORES = {
    ("naive", "fine_tune"): ((0.51, 0.53), (0.02, None)),
    ("naive", "lp_ft"): ((0.62, 0.60), (0.25, 0.27)),
    ("informed", "renormalised"): ((0.84, 0.82), (0.83, 0.82)),
    ("informed", "best_layer_probe"): ((0.57, 0.57), (0.57, 0.57)),
}


def trials(scores: dict[tuple[str, str], tuple[tuple[float | None, ...], ...]]) -> tuple[FrictionTrial, ...]:
    return tuple(
        FrictionTrial(attacker, panel, form, seed, test, note="" if test is not None else "diverged")  # type: ignore[arg-type]
        for (panel, attacker), forms in scores.items()
        for form, tests in zip(("original", "friction"), forms, strict=True)
        for seed, test in enumerate(tests)
    )


def record(**changes: object) -> FrictionRecord:
    made = FrictionRecord(
        schema=1,
        created="2026-11-29T02:00:00+00:00",
        command="archlock release runs/mine --friction --out releases/mine",
        versions={"archlock": "0.1.0"},
        name="nasbench201:334332",
        folded=19,
        rescaled=9,
        spread=1.5,
        features=64,
        neck=10,
        left=("BatchNorm2d is not folded: it takes a sum",),
        difference=4.9e-7,
        compared_on="on 64 images of signs",
        seconds=1.6,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


MEASURED = record(target="signs", chance=0.05, images=500, tested_on=430, epochs=6, trials=trials(SCORES))
RECORDS = {
    "not measured": record(),
    "measured": MEASURED,
    "nothing rescaled": record(rescaled=0, neck=None),
    "informed failed": replace(
        MEASURED, trials=trials({("naive", "fine_tune"): ((0.5,), (0.1,)), ("informed", "cut_at"): ((0.6,), (None,))})
    ),
    "friction is better": replace(MEASURED, trials=trials({("informed", "cut_at"): ((0.6,), (0.7,))})),
}


@pytest.mark.parametrize("name", list(RECORDS))
def test_friction_is_never_called_a_lock(name: str) -> None:
    card = render_friction_card(RECORDS[name], folder="releases/mine")
    assert card.count(DENIED) == 1
    for text in (card.replace(DENIED, ""), friction_lines(RECORDS[name])):
        assert not CLAIMS.search(text), CLAIMS.search(text)


def test_the_reader_of_claims_sees_them() -> None:
    for text in ("a locked model", "it locks", "protects your model", "secure", "Unlockable", "prevents"):
        assert CLAIMS.search(text), text
    for text in ("ArchLock", "archlock release", "blocks", "clock"):
        assert not CLAIMS.search(text), text


def test_both_figures_stand_side_by_side_for_both_forms() -> None:
    card = render_friction_card(MEASURED, folder="releases/mine")
    rows = [line for line in card.splitlines() if line.startswith("|")]
    naive, informed = "naive: does what a tutorial says", "informed: knows what was done"
    assert rows[2:] == [
        f"| Full fine-tuning | {naive} | 52.0% (51.0% to 53.0%) | 2.0%; 1 of 2 trainings failed |",
        f"| Head first, then all | {naive} | 61.0% (60.0% to 62.0%) | 26.0% (25.0% to 27.0%) |",
        f"| Renormalised, head first, then all | {informed} | 83.0% (82.0% to 84.0%) | 82.5% (82.0% to 83.0%) |",
        f"| Best-layer probe | {informed} | 57.0% (57.0% to 57.0%) | 57.0% (57.0% to 57.0%) |",
    ]
    text = card.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        "Best naive attacker: 26.0% (head first, then all) with friction and 61.0% (head first, then all) without. "
        "Best informed attacker: 82.5% (renormalised, head first, then all) with friction and 83.0% (renormalised, "
        "head first, then all) without."
    ) in text
    assert "Next to the best attack on the original, those who know lose 0.5 points" in text
    assert "a figure from 430 test images may be off by 4.7 points" in text


def test_what_the_informed_gain_or_fail_to_show_is_said() -> None:
    better = friction_lines(RECORDS["friction is better"]).replace("\N{NO-BREAK SPACE}", " ")
    assert "those who know lose nothing (they get 10.0 points more)" in better
    failed = friction_lines(RECORDS["informed failed"])
    assert "There is no informed figure, so nothing can be said of what the friction is worth." in failed
    assert "Best naive attacker: 10.0%" in failed


def test_what_was_done_and_what_was_not_is_listed() -> None:
    card = render_friction_card(record(), folder="releases/mine").replace("\N{NO-BREAK SPACE}", " ")
    assert "* 19 normalisations folded into the layers before them.\n* Channels of 9 layers rescaled.\n" in card
    assert "* Features narrowed from 64 to 10.\n" in card
    assert "* Largest difference of an answer: 5e-07 of the largest, on 64 images of signs.\n" in card
    assert "* Not done: BatchNorm2d is not folded: it takes a sum.\n" in card
    assert "archlock attack releases/mine --target path/to/images" in card
    assert 'archlock.load("releases/mine")' in card
    foreign = render_friction_card(record(opened_with="--module timm:create_model"), folder="x")
    assert "archlock attack x --module timm:create_model --target" in foreign
    assert 'archlock.open_model("x", factory=...).module' in foreign
