"""Rehearsed attacks: what they are judged by, that they are those of the attackers, and what cannot be rehearsed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from archlock.adaptation import AdaptationSettings
from archlock.attacks import ATTACKS, Adapted, Attack
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.models import build, load_weights
from archlock.recipes.attackers import attack_plan
from archlock.recipes.lock.gathering import EvidenceTasks, Resources, gather
from archlock.recipes.lock.rehearsing import REHEARSED, Rehearsals, check_rehearsable, fewest_examples
from archlock.recipes.lock.run import _seconds_rehearsing, evidence_tasks, rehearsals_of
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Split, Task, rehearsal
from archlock.testing.small_tasks import small_field
from archlock.training import Plan
from tiny_runs import Noted, tiny_begin, tiny_config, tiny_source, tiny_target

ARCHITECTURE = Architecture("nasbench201", "314321")
SETTINGS = AdaptationSettings(4, 1, Plan(1, batch_size=16), Plan(1, batch_size=16))


def gathered(
    tmp_path: Path, rehearsals: Rehearsals, seeds: tuple[int, ...] = (0,)
) -> tuple[dict[tuple[str, int], float], EvidenceTasks, Noted]:
    subjects = EvidenceTasks(
        tiny_source(), {"other": tiny_target()}, SETTINGS, tmp_path / "checkpoints", rehearsals, device="cpu"
    )
    noted = Noted()
    means = Resources(EvidenceStore(tmp_path / "store.sqlite"), noted, 1, 0)
    known = gather([(ARCHITECTURE, seed) for seed in seeds], subjects, resources=means, stage="evidence")
    found = {(key.measure, seed): known[key].value for seed in seeds for key in subjects.keys(ARCHITECTURE, seed)}
    return found, subjects, noted


def test_a_value_is_what_the_strongest_of_the_attackers_gets_from_the_trained_model(tmp_path: Path) -> None:
    found, subjects, _ = gathered(tmp_path, Rehearsals(2, draws=2))
    assert set(found) == {("source_accuracy", 0), (REHEARSED, 0)}
    target = tiny_target()
    model = build(ARCHITECTURE, tiny_source().signature, width=4, depth=1, seed=1)
    assert subjects.folder is not None
    load_weights(model, subjects.folder / "314321-0.safetensors").eval()
    scores = []
    for draw in range(2):
        seed = derive_seed(0, "rehearsal", target.fingerprint, draw)
        seen = rehearsal(target, 2, seed=seed)
        plan = attack_plan(len(seen.train), size=target.shape[1:])
        outcomes = [ATTACKS[name].run(model, seen, plan=plan, seed=seed) for name in Rehearsals(2).attackers]
        scores.append(max(outcomes, key=lambda one: one.validation).test)
    assert found[REHEARSED, 0] == sum(scores) / 2


def test_every_seed_has_its_own_examples_and_nothing_is_bought_twice(tmp_path: Path) -> None:
    first, _, noted = gathered(tmp_path, Rehearsals(2), (0, 1))
    assert noted.stages == [("evidence", 2, 0)]
    again, _, noted = gathered(tmp_path, Rehearsals(2), (0, 1))
    assert again == first
    assert noted.stages == [("evidence", 2, 2)]
    _, _, noted = gathered(tmp_path, Rehearsals(3), (0,))
    assert noted.stages == [("evidence", 1, 0)], "other examples are other evidence"
    _, _, noted = gathered(tmp_path, Rehearsals(3, attackers=("best_layer_probe",)), (0,))
    assert noted.stages == [("evidence", 1, 0)], "and so are other attackers"


def test_nothing_of_the_test_split_is_in_a_rehearsal(tmp_path: Path) -> None:
    """Neither in what is trained on, nor in what judges: another test split makes no difference."""
    target = tiny_target()
    noise = np.random.default_rng(0).integers(0, 255, target.test.images.shape, dtype=np.uint8)
    other = replace(target, test=Split(noise, target.test.targets[::-1].copy()))
    one, two = rehearsal(target, 2, seed=0), rehearsal(other, 2, seed=0)
    for split in ("train", "validation", "test"):
        assert np.array_equal(np.asarray(getattr(one, split).images), np.asarray(getattr(two, split).images))


def test_the_fewest_examples_that_attackers_will_have_are_rehearsed(tmp_path: Path) -> None:
    target = tiny_target()  # 30 examples of 3 classes
    assert fewest_examples((target,), (8, 3), (1.0,), 1000) == 3
    assert fewest_examples((target,), (8, 3), (0.1, 1.0), 1000) == 1, "a tenth of 30 is one of each class"
    assert fewest_examples((target,), (), (1.0,), 1000) == 10
    assert fewest_examples((target,), (), (1.0,), 15) == 5, "attackers have 15 at most"
    run = tiny_begin(tmp_path / "run", tiny_config(evidence="rehearsal", shots=(2,), fractions=()))
    expected = Rehearsals(2)
    assert rehearsals_of(run.config, run.targets, run.allocation) == expected
    assert evidence_tasks(run.source, run.targets, run.allocation, run.config).rehearsals == expected.short
    assert rehearsals_of(tiny_config(), run.targets, run.allocation) is None
    assert rehearsals_of(run.config, {}, run.allocation) is None, "the search for the source alone attacks nobody"


def test_short_evidence_has_enough_examples_for_a_rehearsal(tmp_path: Path) -> None:
    run = tiny_begin(tmp_path / "run", tiny_config(evidence="rehearsal", shots=(4,), fractions=()))
    less = replace(run.allocation, target_examples=3)
    small = evidence_tasks(run.source, run.targets, less, run.config)
    assert all(np.bincount(task.train.targets).min() >= 4 for task in small.targets.values())


def test_what_it_takes_is_timed_with_one_draw_of_every_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny_begin(tmp_path / "run", tiny_config(evidence="rehearsal", shots=(2,), fractions=()))
    drawn: list[str] = []
    measure = Rehearsals.measure

    def noted(rehearsals: Rehearsals, model: Any, keys: Mapping[Key, Task], **where: Any) -> Iterator[Measurement]:
        for one in measure(rehearsals, model, keys, **where):
            drawn.extend([one.key.task] * rehearsals.draws)
            yield replace(one, seconds=3.0)

    monkeypatch.setattr(Rehearsals, "measure", noted)
    assert _seconds_rehearsing(run.config, run.source, run.targets, run.allocation) == 2 * 3.0 * len(run.targets)
    assert sorted(drawn) == sorted(task.fingerprint for task in run.targets.values())
    assert _seconds_rehearsing(tiny_config(), run.source, run.targets, run.allocation) == 0


class Crashing(Attack):
    """Diverges at every setting."""

    name = "crashing"
    summary = "diverges"
    settings = (0.1,)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        raise MeasurementError("it diverged")


def test_a_failed_attacker_is_below_every_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ATTACKS._members, "crashing", Crashing())
    alone, _, _ = gathered(tmp_path / "one", Rehearsals(2, ("best_layer_probe",)))
    both, _, _ = gathered(tmp_path / "two", Rehearsals(2, ("best_layer_probe", "crashing")))
    assert both[REHEARSED, 0] == alone[REHEARSED, 0]
    none, _, _ = gathered(tmp_path / "none", Rehearsals(2, ("crashing",)))
    assert np.isnan(none[REHEARSED, 0])


def test_what_cannot_be_rehearsed_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="cannot be rehearsed: it is a "):
        check_rehearsable((small_field(),))
    target = tiny_target()
    splits = {name: getattr(target, name) for name in ("train", "validation", "test")}
    grouped = {
        name: replace(split, groups=place * 100 + np.arange(len(split)))
        for place, (name, split) in enumerate(splits.items())
    }
    with pytest.raises(UnsupportedError, match="its examples belong together in groups"):
        check_rehearsable((replace(target, **grouped),))
    single = target.train.take(np.array([np.flatnonzero(target.train.targets == label)[0] for label in range(3)]))
    with pytest.raises(UnsupportedError, match="it has one training example of each class"):
        check_rehearsable((replace(target, train=single),))
    with pytest.raises(ConfigurationError, match="evidence rehearsal has its own search"):
        tiny_config(evidence="rehearsal", preference="binary_ranker")
