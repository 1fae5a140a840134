"""A release with friction from the first word to the files, and its figures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError, MeasurementError, RunError, UnsupportedError
from archlock.recipes import ReleaseConfig, open_model, release_with_friction
from archlock.recipes.release.config import INFORMED, NAIVE
from archlock.recipes.release.procedure import FRICTION
from archlock.reports import FrictionRecord
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits, small_negatives
from foreign_models import FACTORY, weights_file

QUICK = ReleaseConfig(epochs=1, examples=40, seeds=2)


def target() -> Task:
    return small_digits(train=60, validation=24, test=24, labels=(0, 1, 2))


def source(tmp_path: Path) -> dict[str, object]:
    return {"model": weights_file(tmp_path / "best.pt"), "factory": FACTORY, "size": (8, 8)}


def test_without_a_target_nothing_is_measured_and_the_card_says_so(tmp_path: Path) -> None:
    result = release_with_friction(**source(tmp_path), out=tmp_path / "out")
    record = result.record
    assert (record.folded, record.rescaled, record.features, record.neck) == (2, 2, 12, 4)
    assert record.difference < 1e-4
    assert record.compared_on == "on 64 random images"
    assert (record.target, record.trials) == (None, ())
    assert {path.name for path in result.path.iterdir()} == {
        "README.md", "friction.json", "edited.json", "edited.safetensors",
    }  # fmt: skip
    assert "Nothing was measured: no target was given." in result.card.read_text()
    assert json.loads((result.path / FRICTION).read_text())["opened_with"] == f"--module {FACTORY}"
    again = release_with_friction(**source(tmp_path), out=tmp_path / "again")
    state = again.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in result.model.state_dict().items())


def test_naive_and_informed_attackers_meet_both_forms_alike(tmp_path: Path) -> None:
    result = release_with_friction(**source(tmp_path), out=tmp_path / "out", target=target(), config=QUICK, workers=1)
    record = result.record
    trials = [(one.panel, one.attacker, one.form, one.seed) for one in record.trials]
    expected = [
        (panel, attacker, form, seed)
        for panel, attackers in (("naive", NAIVE), ("informed", INFORMED))
        for attacker in attackers
        for form in ("original", "friction")
        for seed in (0, 1)
    ]
    assert trials == expected
    assert (record.target, record.images, record.tested_on, record.epochs) == (target().name, 40, 24, 1)
    assert record.compared_on == f"on 60 images of {target().name}"
    probes = [record.scores("best_layer_probe", form) for form in ("original", "friction")]
    assert all(len(one) == 2 for one in probes)
    card = result.card.read_text()
    for attacker in ("Full fine-tuning", "Head first, then all", "Renormalised", "Best-layer probe"):
        assert f"| {attacker}" in card
    assert re.search(r"Best naive attacker: .* with friction and .* without\. Best informed attacker: ", card)


def test_an_attack_that_fails_on_one_form_is_a_trial_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object, **__: object) -> None:
        raise MeasurementError("every setting diverged")

    monkeypatch.setattr(type(ATTACKS["fine_tune"]), "run", run)
    config = replace(QUICK, seeds=1)
    result = release_with_friction(**source(tmp_path), out=tmp_path / "out", target=target(), config=config, workers=1)
    failed = [one for one in result.record.trials if one.attacker == "fine_tune"]
    assert [(one.test, one.note) for one in failed] == [(None, "every setting diverged")] * 2
    assert "1 of 1 trainings failed" in result.card.read_text()


def test_a_place_that_is_taken_and_a_target_that_does_not_do_are_refused_first(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "precious.txt").write_text("mine")
    with pytest.raises(RunError, match="taken is not empty; give a new or an empty directory as --out"):
        release_with_friction(**source(tmp_path), out=taken)
    assert [path.name for path in taken.iterdir()] == ["precious.txt"]
    with pytest.raises(UnsupportedError, match="is a dense task; friction is measured by classes"):
        release_with_friction(**source(tmp_path), out=tmp_path / "out", target=small_negatives())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"spread": -1}, "the spread of the scales is a number from 0 .* got -1"),
        ({"spread": float("nan")}, "got nan"),
        ({"seeds": 0}, "seeds is a whole number, at least 1; got 0"),
        ({"examples": 1}, "examples is a whole number, at least 2; got 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ReleaseConfig(**settings)  # type: ignore[arg-type]


def test_a_network_to_which_nothing_can_be_done_is_refused_by_name(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from layer_norm_networks import narrow

    save_file(narrow().state_dict(), tmp_path / "narrow.safetensors")
    words = r"narrow gets no friction: nothing can be done .*LayerNorm is not folded"
    with pytest.raises(UnsupportedError, match=words):
        release_with_friction(
            tmp_path / "narrow.safetensors",
            factory="layer_norm_networks:narrow",
            size=(8, 8),
            channels=1,
            out=tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()


def test_the_original_is_not_touched(tmp_path: Path) -> None:
    words = source(tmp_path)
    before = Path(str(words["model"])).read_bytes()
    opened = open_model(words["model"], factory=FACTORY, size=(8, 8))
    state = {name: value.clone() for name, value in opened.module.state_dict().items()}
    release_with_friction(opened, factory=FACTORY, out=tmp_path / "out")
    assert Path(str(words["model"])).read_bytes() == before
    assert all(torch.equal(value, state[name]) for name, value in opened.module.state_dict().items())


def test_a_record_that_names_no_attackers_has_no_best() -> None:
    fields = {"schema": 1, "created": "", "command": "", "versions": {}, "name": "m", "folded": 1, "rescaled": 0}
    record = FrictionRecord(
        **fields,
        spread=0.0,
        features=4,
        neck=None,
        left=(),
        difference=0.0,
        compared_on="",
        seconds=0.0,  # type: ignore[arg-type]
    )
    assert record.best("naive", "original") is None
    assert record.mean("fine_tune", "friction") is None
