"""Rehearsed attacks: what they are judged by, that they are those of the attackers, and what cannot be rehearsed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archlock.adaptation import AdaptationSettings
from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.evidence import EvidenceStore
from archlock.models import build, load_weights
from archlock.recipes.attackers import attack_plan
from archlock.recipes.lock.gathering import EvidenceTasks, Resources, gather
from archlock.recipes.lock.rehearsing import REHEARSED, Rehearsals, check_rehearsable
from archlock.recipes.lock.run import evidence_tasks, rehearsals_of
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Split, rehearsal
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
    known = gather((ARCHITECTURE,), subjects, resources=means, seeds=seeds, stage="evidence")
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
    assert rehearsals_of(tiny_config()) is None
    few = tiny_config(evidence="rehearsal", shots=(8, 3))
    run = tiny_begin(tmp_path / "run", few)
    expected = Rehearsals(3, min(few.fractions))
    assert rehearsals_of(few) == expected
    assert evidence_tasks(run.source, run.targets, run.allocation, few).rehearsals == expected.short
    target, by_share = tiny_target(), Rehearsals(None, 0.1)
    assert by_share.examples(target) == max(1, round(0.1 * len(target.train) / len(target.classes)))


def test_what_cannot_be_rehearsed_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="cannot be rehearsed: it is a "):
        check_rehearsable((small_field(),))
    with pytest.raises(ConfigurationError, match="evidence rehearsal has its own search"):
        tiny_config(evidence="rehearsal", preference="binary_ranker")
