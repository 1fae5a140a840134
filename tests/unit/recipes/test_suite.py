from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.evidence import EvidenceStore
from archlock.models import build
from archlock.progress import Progress, Silent
from archlock.recipes.suite import Defended, Suite, attack_plan, run_suite
from archlock.reports import OutcomeRecord
from archlock.spaces import SPACES
from archlock.tasks import Task
from archlock.testing.small_tasks import small_negatives
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
    assert [replace(o, seconds=0.0) for o in taken_up] == [replace(o, seconds=0.0) for o in at_once]


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
