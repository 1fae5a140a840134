import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS, Adapted, Attack, Setting
from archlock.catalog import Catalog
from archlock.errors import ConfigurationError
from archlock.evidence import RECIPE_VERSIONS, EvidenceStore
from archlock.models import build
from archlock.progress import Progress, Silent
from archlock.recipes import suite as suite_module
from archlock.recipes.attackers import WIDENED, Suite, attack_plan
from archlock.recipes.export import weights_fingerprint
from archlock.recipes.suite import run_suite
from archlock.recipes.suite_jobs import Defended
from archlock.reports import OutcomeRecord, cost_to_reach
from archlock.spaces import SPACES
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan
from tiny_runs import Noted, tiny_source, tiny_target

SUITE = Suite(Plan(1, batch_size=16, shift=0.0), ("linear_probe", "fine_tune"), (0.5, 1.0), 2)
PROBES = replace(SUITE, attackers=("linear_probe",))


def defended(code: str = "314231", role: str = "locked", seeds: Sequence[int] = (0, 1)) -> Defended:
    architecture = SPACES["nasbench201"].architecture(code)
    models = tuple(build(architecture, tiny_source().signature, width=4, depth=1, seed=s).eval() for s in seeds)
    return Defended(role, str(architecture), models)  # type: ignore[arg-type]


def attacked(
    models: Sequence[Defended],
    store: EvidenceStore,
    *,
    targets: dict[str, Task] | None = None,
    suite: Suite = SUITE,
    progress: Progress | None = None,
) -> tuple[OutcomeRecord, ...]:
    return run_suite(
        models,
        targets or {"other": tiny_target()},
        suite,
        store=store,
        progress=progress or Silent(),
        workers=1,
        seed=0,
        device="cpu",
    )


def timeless(outcome: OutcomeRecord) -> OutcomeRecord:
    return replace(outcome, seconds=0.0, trial_seconds=None)


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence.sqlite")


def test_every_attack_is_there_once(store: EvidenceStore) -> None:
    both = [defended(), defended("333333", "source_only")]
    outcomes = attacked(both, store)
    found = [(o.target, o.attacker, o.fraction, o.defended, o.seed) for o in outcomes]
    assert len(set(found)) == len(found) == 2 * 2 * 2 * 2
    assert all(o.status == "valid" and 0 <= (o.test or 0) <= 1 for o in outcomes)
    assert {o.setting.split()[0] for o in outcomes if o.attacker == "linear_probe"} == {"strength"}
    assert {o.setting.rsplit(" ", 1)[0] for o in outcomes if o.attacker == "fine_tune"} == {"learning rate"}


def test_both_models_meet_the_same_draws(store: EvidenceStore) -> None:
    """The same model in both roles: every paired difference is exactly nothing, at every fraction and seed."""
    outcomes = attacked([defended(), defended(role="source_only")], store)
    scores = {(o.defended, o.attacker, o.fraction, o.seed): (o.setting, o.validation, o.test) for o in outcomes}
    for (role, *rest), score in scores.items():
        assert score == scores["source_only", *rest], (role, rest)


def test_seeds_after_the_first_keep_the_setting_that_it_found(store: EvidenceStore) -> None:
    settings: dict[tuple[str, float], set[str]] = {}
    for outcome in attacked([defended()], store):
        settings.setdefault((outcome.attacker, outcome.fraction), set()).add(outcome.setting)
    assert all(len(found) == 1 for found in settings.values())


def test_a_second_call_computes_nothing_and_answers_the_same(store: EvidenceStore) -> None:
    first = attacked([defended()], store)
    rows, noted = store.read(), Noted()
    assert attacked([defended()], store, progress=noted) == first
    assert store.read() == rows
    assert noted.stages == [("attacks", 8, 8)]


def test_what_was_interrupted_is_taken_up(store: EvidenceStore, tmp_path: Path) -> None:
    class Stop(Silent):
        left = 3

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.left -= steps
            if self.left == 0:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attacked([defended()], store, suite=PROBES, progress=Stop())
    noted = Noted()
    taken_up = attacked([defended()], store, suite=PROBES, progress=noted)
    assert noted.stages == [("attacks", 4, 3)]
    at_once = attacked([defended()], EvidenceStore(tmp_path / "other.sqlite"), suite=PROBES)
    assert [timeless(o) for o in taken_up] == [timeless(o) for o in at_once]


def test_another_model_plan_or_seed_is_not_found_in_the_store(store: EvidenceStore) -> None:
    attacked([defended()], store, suite=PROBES)
    rows = len(store)
    for models, suite in (
        ([defended(seeds=(2, 3))], PROBES),
        ([defended()], replace(PROBES, plan=Plan(2, batch_size=16, shift=0.0))),
    ):
        noted = Noted()
        attacked(models, store, suite=suite, progress=noted)
        assert noted.stages == [("attacks", 4, 0)]
        assert len(store) == (rows := rows + 12)


def test_an_attack_that_fails_is_an_outcome_that_says_so(store: EvidenceStore) -> None:
    broken = defended()
    for model in broken.models:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(float("nan"))
    suite = replace(SUITE, attackers=("fine_tune",), fractions=(1.0,))
    for _ in range(2):  # also from the store
        outcomes = attacked([broken], store, suite=suite)
        assert [o.status for o in outcomes] == ["failed", "failed"]
        assert all(o.test is None and o.validation is None and o.setting == "" for o in outcomes)
        assert all("diverged in epoch 1" in o.note for o in outcomes)


def test_an_attack_without_meaning_is_unsupported(store: EvidenceStore) -> None:
    large = replace(small_negatives(train=30, validation=10, test=10), name="three colours")
    colours = {
        "three colours": replace(
            large,
            **{
                n: replace(getattr(large, n), images=getattr(large, n).images.repeat(3, 3))
                for n in ("train", "validation", "test")
            },
        )
    }
    outcomes = attacked([defended()], store, targets=colours, suite=replace(SUITE, fractions=(1.0,)))
    assert {o.status for o in outcomes} == {"unsupported"}
    assert {o.note for o in outcomes} == {
        "the model takes images of 1 channels, the task has 3; conform the task first"
    }


def test_less_data_means_more_epochs_and_the_work_is_counted() -> None:
    suite = Suite(Plan(4), ("linear_probe", "fine_tune"), (0.25, 1.0), 3)
    sweep = len(ATTACKS["fine_tune"].settings) + 2
    assert suite.full_trainings == pytest.approx(sweep * (0.25 * 2 + 1))


@pytest.mark.parametrize(
    ("examples", "epochs", "expected"), [(100, None, 20), (1000, None, 8), (50_000, None, 6), (100, 3, 3)]
)
def test_attackers_train_by_the_amount_of_data(examples: int, epochs: int | None, expected: int) -> None:
    assert attack_plan(examples, epochs).epochs == expected


SEARCH = replace(SUITE, attackers=("linear_probe", "fine_tune"), fractions=(1.0,), trials=4, horizons=(1.0, 3.0))


def test_longer_horizons_go_on_from_shorter_ones_and_the_later_seeds_keep_what_was_found(store: EvidenceStore) -> None:
    both = [defended(), defended("333333", "source_only")]
    suite = replace(SEARCH, trials=None)
    outcomes = attacked(both, store, suite=suite)
    assert len(outcomes) == 2 * 2 * 2 * 2
    trained = [o for o in outcomes if o.attacker == "fine_tune"]
    for role in ("locked", "source_only"):
        short, long = ([o for o in trained if (o.defended, o.horizon) == (role, h)] for h in (1.0, 3.0))
        for found in (short, long):
            assert len({o.setting for o in found}) == 1, "the first seed's setting, whole"
        assert (long[0].validation or 0) >= (short[0].validation or 0), "of the first seed, which looks for it"
        assert "as long" not in short[0].setting
        steps = {"2x": 10, "3x": 15}.get(long[0].setting.split(", ")[-1].split(" ")[0], 5)
        assert [o.steps for o in long] == [steps] * 2, "30 examples in batches of 7"
        if steps == 5:
            assert [replace(o, horizon=1.0, seconds=0) for o in long] == [replace(o, seconds=0) for o in short]
    probes = {(o.defended, o.seed, o.horizon): o for o in outcomes if o.attacker == "linear_probe"}
    for (role, seed, _), probe in probes.items():
        assert probe.steps == 0
        assert replace(probe, horizon=1.0) == probes[role, seed, 1.0], "a probe has no horizon"
    rows, noted = store.read(), Noted()
    assert attacked(both, store, suite=suite, progress=noted) == outcomes
    assert store.read() == rows
    assert noted.stages == [("attacks", 16, 16)]


def test_a_search_by_trials_is_kept_whole_for_the_later_seeds(store: EvidenceStore) -> None:
    outcomes = attacked([defended()], store, suite=SEARCH)
    for horizon in (1.0, 3.0):
        found = [o for o in outcomes if (o.attacker, o.horizon) == ("fine_tune", horizon)]
        assert len({o.setting for o in found}) == 1
        assert all(len(o.curve) >= 1 and o.curve[-1] == o.validation for o in found)


def test_watched_attackers_say_what_they_took_and_end_where_unwatched_ones_do(store: EvidenceStore) -> None:
    suite = replace(SUITE, fractions=(1.0,), plan=replace(SUITE.plan, epochs=3))
    blind = attacked([defended()], store, suite=suite)
    watched = attacked([defended()], store, suite=replace(suite, curves=True))
    for one, other in zip(watched, blind, strict=True):
        assert (one.setting, one.validation, one.test) == (other.setting, other.validation, other.test)
        assert one.trial_seconds
    assert [len(o.curve) for o in watched] == [0, 0, 3, 3]
    assert [o.steps for o in watched] == [0, 0, 15, 15]
    probe, tuned = watched[0], watched[2]
    assert probe.flops
    assert tuned.flops
    assert 8 < tuned.flops / probe.flops < 9.1, "three epochs, forward and backward: nearly nine passes, and the head"
    assert [o.flops for o in blind if o.attacker == "fine_tune"] == [None, None]
    assert replace(suite, curves=True).full_trainings == suite.full_trainings + 1


def test_rates_may_be_given(store: EvidenceStore) -> None:
    outcomes = attacked([defended()], store, suite=replace(SUITE, rates=(0.03,)))
    assert {o.setting for o in outcomes if o.attacker == "fine_tune"} == {"learning rate 0.03"}
    assert len({o.setting for o in outcomes if o.attacker == "linear_probe"} - {"learning rate 0.03"}) > 0


def test_an_ordinary_network_is_trained_once_for_both_models_and_has_the_size_of_the_reference(
    store: EvidenceStore,
) -> None:
    suite = replace(SUITE, attackers=("ordinary",), fractions=(1.0,))
    noted = Noted()
    outcomes = attacked([defended("100111"), defended("333333", "source_only")], store, suite=suite, progress=noted)
    of = {role: [o for o in outcomes if o.defended == role] for role in ("locked", "source_only")}
    assert [replace(o, defended="source_only") for o in of["locked"]] == of["source_only"]
    assert len(store) == 3 * suite.seeds
    reference = attacked([defended("333333")], EvidenceStore(store.path.with_name("alone.sqlite")), suite=suite)
    assert [timeless(replace(o, defended="source_only")) for o in reference] == [timeless(o) for o in of["source_only"]]


def test_a_search_is_at_least_as_good_as_the_sweep_that_it_begins_with(store: EvidenceStore) -> None:
    suite = replace(SEARCH, horizons=(1.0,), seeds=1)
    swept = attacked([defended()], store, suite=replace(suite, trials=None))
    tuned = attacked([defended()], store, suite=suite)
    for one, other in zip(tuned, swept, strict=True):
        assert (one.validation or 0) >= (other.validation or 0)
    assert {o.curve for o in swept if o.attacker == "linear_probe"} == {()}


def test_steps_that_an_attack_does_not_count_are_not_known(store: EvidenceStore, monkeypatch: Any) -> None:
    class Uncounted(Attack):
        name = "uncounted"
        summary = "fine-tunes, and keeps no account of it"
        settings = (0.1, 0.02)

        def adapt(self, *args: Any, **kinds: Any) -> Adapted:
            found = ATTACKS["fine_tune"].adapt(*args, **kinds)
            return Adapted(found.model, found.validation)

    monkeypatch.setattr("archlock.recipes.suite.ATTACKS", Catalog("attacker", {"uncounted": Uncounted()}))
    outcomes = attacked([defended()], store, suite=replace(SEARCH, attackers=("uncounted",), horizons=(1.0,)))
    assert {(o.steps, o.curve) for o in outcomes} == {(None, ())}
    with pytest.raises(ValueError, match="the steps of uncounted on other are not known"):
        cost_to_reach(outcomes[0], 0.5)


def test_few_shots_stand_beside_the_fractions(store: EvidenceStore) -> None:
    suite = replace(PROBES, shots=(1, 4))
    outcomes = attacked([defended()], store, suite=suite)
    assert {(o.fraction, o.shots) for o in outcomes} == {(0.5, None), (1.0, None), (0.1, 1), (0.4, 4)}
    dense = {"negatives": small_negatives(train=30, validation=10, test=10)}
    notes = {o.note for o in attacked([defended()], store, suite=suite, targets=dense) if o.shots}
    assert len(notes) == 2
    assert all("is a dense task: it has no classes to take" in note for note in notes)


def test_stores_of_before_searches_are_found_and_read(store: EvidenceStore, tmp_path: Path) -> None:
    """Their settings have no note: sgd, at the usual length, steps not counted."""
    outcomes = attacked([defended()], store)
    old = EvidenceStore(tmp_path / "old.sqlite")
    old.write(replace(measurement, note="") for measurement in store.read().values())
    noted = Noted()
    read = attacked([defended()], old, progress=noted)
    assert noted.stages == [("attacks", 8, 8)]
    assert read == tuple(replace(o, steps=None, curve=(), flops=None, trial_seconds=None) for o in outcomes)
    assert all(o.horizon == 1.0 for o in read)


class Plug(Attack):
    """A plug-in that fine-tunes for a while."""

    name = "plug"
    summary = "fine-tunes"
    settings = (0.1,)

    def adapt(self, model: Any, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        return ATTACKS["fine_tune"].adapt(model, task, setting=setting, plan=plan, seed=seed, device=device)


class Edited(Attack):
    """The same plug-in on the day after: it learns more slowly."""

    name = "plug"
    summary = "fine-tunes"
    settings = (0.1,)

    def adapt(self, model: Any, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        return ATTACKS["fine_tune"].adapt(model, task, setting=setting / 2, plan=plan, seed=seed, device=device)


class Reset(Plug):
    """The same plug-in with another setting."""

    settings = (0.05,)


class Ranged(Plug):
    """The same plug-in that would search elsewhere."""

    ranges = MappingProxyType({"sgd": (1e-2, 1.0)})


class Released(Plug):
    """The same plug-in that rests on another version of something else."""

    version = "2"


for same in (Edited, Reset, Ranged, Released):
    same.__qualname__ = "Plug"  # as an edited script has it

PLUGGED = replace(SUITE, attackers=("plug",), fractions=(1.0,), seeds=1)


@pytest.mark.parametrize("other", [Edited(), Reset(), Ranged(), Released()], ids=lambda attack: type(attack).__name__)
def test_an_edited_plug_in_is_not_answered_from_the_store(
    store: EvidenceStore, monkeypatch: Any, other: Attack
) -> None:
    for plug, done in ((Plug(), 0), (Plug(), 1), (other, 0), (Plug(), 1)):
        monkeypatch.setattr("archlock.recipes.suite.ATTACKS", Catalog("attacker", {"plug": plug}))
        noted = Noted()
        attacked([defended()], store, suite=PLUGGED, progress=noted)
        assert noted.stages == [("attacks", 1, done)], type(plug).__name__


def test_workers_find_the_plug_in_that_the_run_knows(store: EvidenceStore, monkeypatch: Any) -> None:
    """A worker gets the class by value and may not find its source: the key is made once, where the run is."""
    monkeypatch.setattr("archlock.recipes.suite.ATTACKS", Catalog("attacker", {"plug": Plug()}))
    kinds: dict[str, Any] = {"store": store, "seed": 0, "device": "cpu"}
    noted = Noted()
    for workers in (2, 1):
        suite = replace(PLUGGED, seeds=2)
        run_suite([defended()], {"other": tiny_target()}, suite, progress=noted, workers=workers, **kinds)
    assert noted.stages == [("attacks", 2, 0), ("attacks", 2, 2)]


def test_recipe_torch_and_kind_of_device_are_in_the_key(store: EvidenceStore, monkeypatch: Any) -> None:
    probe = replace(PROBES, fractions=(1.0,), seeds=1)

    def found_done() -> int:
        noted = Noted()
        attacked([defended()], store, suite=probe, progress=noted)
        return noted.stages[0][2]

    assert [found_done(), found_done()] == [0, 1]
    monkeypatch.setattr(torch, "__version__", "1.0.0")
    assert [found_done(), found_done()] == [0, 1]
    monkeypatch.setattr("archlock.evidence.RECIPE_VERSIONS", {"attack": 99})
    assert [found_done(), found_done()] == [0, 1]
    kinds = {key.fidelity.rsplit("-", 1)[0] for key in store.read()}
    assert kinds == {
        f"attack-v{RECIPE_VERSIONS['attack']}-{now()}",
        f"attack-v{RECIPE_VERSIONS['attack']}-torch1.0-cpu",
        "attack-v99-torch1.0-cpu",
    }


def now() -> str:
    """What values are computed with here."""
    return f"torch{'.'.join(version('torch').split('+')[0].split('.')[:2])}-cpu"


def test_everything_that_changes_an_attack_changes_its_key(store: EvidenceStore) -> None:
    base = replace(SUITE, attackers=("fine_tune",), fractions=(1.0,), seeds=1)
    changes: list[dict[str, Any]] = [
        {}, {"horizons": (2.0,)}, {"trials": 3}, {"curves": True}, {"rates": (0.03,)}, {"shots": (3,), "fractions": ()},
        {"fractions": (0.5,)}, {"plan": replace(base.plan, epochs=2)},
    ]  # fmt: skip
    for change in changes:
        noted = Noted()
        attacked([defended()], store, suite=replace(base, **change), progress=noted)
        assert noted.stages == [("attacks", 1, 0)], change
    assert len({key.fidelity for key in store.read()}) == len(changes)


def test_a_known_outcome_counts_when_it_is_measured_again(store: EvidenceStore) -> None:
    """Of an attack whose test score was lost the validation score is known: it stands, and the difference is said."""
    probe = replace(PROBES, fractions=(1.0,), seeds=1)
    attacked([defended()], store, suite=probe)
    with sqlite3.connect(store.path) as connection:
        connection.execute("DELETE FROM measurements WHERE split = 'test'")
        connection.execute("UPDATE measurements SET value = 0.125 WHERE split = 'validation' AND measure LIKE '%score'")
    connection.close()
    noted = Noted()
    (outcome,) = attacked([defended()], store, suite=probe, progress=noted)
    assert outcome.validation == 0.125
    assert outcome.test is not None
    (line,) = noted.lines
    assert "attack.linear_probe.score" in line
    assert "has 0.125, which counts" in line


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"horizons": (1.0, -2.0)}, r"the horizons of an attack are above 0 and differ; got \(1.0, -2.0\)"),
        ({"shots": (5, 5)}, r"the shots of an attack are above 0 and differ; got \(5, 5\)"),
        ({"horizons": ()}, r"needs a horizon, a fraction or a number of shots, and at least one trial; got \(\)"),
        ({"trials": 0}, r"at least one trial; got \(1.0,\), \(0.5, 1.0\), \(\) and 0"),
    ],
)
def test_suites_that_make_no_sense(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        replace(SUITE, **changes)


def test_the_work_of_searches_and_horizons_is_counted() -> None:
    suite = Suite(Plan(4), ("linear_probe", "fine_tune"), (0.25, 1.0), 3, horizons=(1.0, 4.0))
    one = 2 + (2 + 4) + 2 * (1 + 4)
    assert suite.full_trainings == pytest.approx(one * (0.25 * 2 + 1)), "the sweep, twice and four times, other seeds"
    informed = replace(suite, attackers=("lp_ft",), fractions=(1.0,))
    assert informed.full_trainings == pytest.approx(one + 1 + WIDENED)
    searched = replace(suite, trials=9, fractions=(1.0,))
    assert searched.full_trainings == pytest.approx(10 * (1 + 2 + 4) / 3 + 2 * (1 + 4))


class Spy(Attack):
    """Remembers the copies and the splits that it was given."""

    name = "spy"
    summary = "looks"
    settings = (0.1, 0.02)

    def __init__(self) -> None:
        self.saw: list[tuple[torch.nn.Module, Task, float]] = []

    def adapt(self, model: torch.nn.Module, task: Task, *, setting: float, **kinds: Any) -> Adapted:
        self.saw.append((model, task, setting))
        return ATTACKS["fine_tune"].adapt(model, task, setting=setting, **kinds)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    found = Spy()
    monkeypatch.setattr("archlock.recipes.suite.ATTACKS", Catalog("attacker", {**dict(ATTACKS.items()), "spy": found}))
    return found


def test_a_training_that_diverged_shifts_no_other_copy(store: EvidenceStore, spy: Spy) -> None:
    """Of three trainings the first one failed: seeds 1 and 2 get the copies of 1 and 2, and seed 0 says why not."""
    whole = replace(defended(seeds=(0, 1, 2)), role="source_only")
    lame = replace(defended(seeds=(1, 2)), diverged=(0,))
    suite = replace(SUITE, attackers=("spy", "from_scratch"), fractions=(1.0,), seeds=4)
    outcomes = attacked([lame, whole], store, suite=suite)
    assert [lame.copy_for(seed) for seed in range(4)] == [None, *lame.models, None]
    found = {(o.defended, o.attacker, o.seed): o for o in outcomes}
    for seed, copy in ((1, 0), (2, 1)):
        assert any(model is lame.models[copy] for model, _, _ in spy.saw)
        one, other = found["locked", "spy", seed], found["source_only", "spy", seed]
        assert weights_fingerprint(lame.models[copy]) == weights_fingerprint(whole.models[seed])
        if one.setting == other.setting:
            assert (one.validation, one.test) == (other.validation, other.test), "the same weights on both sides"
    for seed in (0, 3):
        assert found["locked", "spy", seed].status == "failed"
        assert "training 0 of the locked model on the source diverged" in found["locked", "spy", seed].note
        assert found["locked", "from_scratch", seed].status == "valid", "it takes no weights"
    assert len({found["locked", "spy", seed].setting for seed in (1, 2)}) == 1, "found once, with the first copy"
    spy.saw.clear()  # what it remembers is part of what it is
    again = attacked([lame, whole], store, suite=suite)
    assert again == outcomes


def test_another_training_diverging_is_another_model(store: EvidenceStore) -> None:
    two = defended(seeds=(1, 2))
    first = attacked([replace(two, diverged=(0,))], store, suite=replace(PROBES, fractions=(1.0,)))
    last = attacked([replace(two, diverged=(2,))], store, suite=replace(PROBES, fractions=(1.0,)))
    assert [o.status for o in first] == ["failed", "valid"]
    assert [o.status for o in last] == ["valid", "valid"]


def test_attackers_choose_by_their_own_share(store: EvidenceStore, spy: Spy) -> None:
    target = small_digits(train=200, validation=150, test=20, labels=(5, 6, 7))
    suite = replace(SUITE, attackers=("spy",), fractions=(0.05, 1.0), shots=(1,), seeds=1)
    attacked([defended()], store, targets={"other": target}, suite=suite)
    sizes = {(len(task.train), len(task.validation)) for _, task, _ in spy.saw}
    assert sizes == {(10, 9), (200, 150), (3, 3)}, "three of each class, or what they have of it"


class Witness(Attack):
    """Adapts nothing, and remembers the weights of the model that it was given."""

    name, tuned, settings = "witness", "rate", (0.1,)
    seen: ClassVar[list[tuple[str, int]]] = []

    def adapt(self, model: nn.Module, task: Task, *, setting: Setting, plan: Plan, seed: int, device: str) -> Adapted:
        Witness.seen.append((weights_fingerprint(model), seed))
        return ATTACKS["linear_probe"].adapt(model, task, setting=1e-3, plan=plan, seed=seed, device=device)


def test_every_seed_attacks_a_source_training_of_its_own(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the draws of its own, and the same ones for all models; with more seeds than trainings, round robin."""
    roles = ("locked", "source_only", "random", "same_size")
    models = [defended(f"31423{place}", role, seeds=(0, 1, 2)) for place, role in enumerate(roles)]
    monkeypatch.setattr(suite_module, "ATTACKS", Catalog("attacker", {"witness": Witness()}))
    Witness.seen.clear()
    attacked(models, store, suite=Suite(Plan(1, batch_size=16), ("witness",), (1.0,), seeds=4))
    met: dict[str, set[int]] = {}
    for weights, seed in Witness.seen:
        met.setdefault(weights, set()).add(seed)
    draws = set()
    for one in models:
        by_training = [met[weights_fingerprint(model)] for model in one.models]
        assert [len(seeds) for seeds in by_training] == [2, 1, 1], one.role
        draws.add(tuple(frozenset(seeds) for seeds in by_training))
    assert len(draws) == 1, "all models meet the same draws at the same number"
    assert len(set.union(*met.values())) == 4


def test_random_architectures_are_attacked_like_the_others(store: EvidenceStore) -> None:
    """The same network in all four roles: every score is the same; an ordinary network is trained once for all."""
    roles = ("locked", "source_only", "random", "same_size")
    models = [defended(role=role) for role in roles]
    suite = replace(SUITE, attackers=("fine_tune", "ordinary"), fractions=(1.0,), seeds=1)
    outcomes = attacked(models, store, suite=suite)
    assert Counter(o.defended for o in outcomes) == dict.fromkeys(roles, 2)
    for attacker in suite.attackers:
        assert len({(o.setting, o.validation, o.test) for o in outcomes if o.attacker == attacker}) == 1
    assert len(store) == 2 * 3
