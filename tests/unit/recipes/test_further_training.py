"""Training on with more of the source, on real digits."""

from dataclasses import replace
from pathlib import Path

import pytest

import archlock
from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError
from archlock.evidence import EvidenceStore
from archlock.models import build
from archlock.progress import Silent
from archlock.recipes import AttackConfig
from archlock.recipes.attackers import attack_plan
from archlock.recipes.further_training import RATES, further_training
from archlock.recipes.suite_jobs import Defended
from archlock.reports import FurtherRecord, from_json, further_sentence
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task, enlarged
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan, evaluate, fit
from foreign_models import plain_network
from tiny_runs import Noted, tiny_source, tiny_target

SOURCE = small_digits(train=60, validation=200, test=200, labels=(0, 1, 2, 3))


def trained(code: str, role: str) -> Defended:
    architecture = Architecture("nasbench201", code)
    fresh = [build(architecture, SOURCE.signature, width=8, depth=1, seed=seed) for seed in range(2)]
    models = tuple(fit(model, SOURCE, Plan(2, batch_size=16, shift=0.0), seed=0).model for model in fresh)
    return Defended(role, str(architecture), models)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pair() -> list[Defended]:
    return [trained("314231", "locked"), trained("333333", "source_only")]


def train_on(
    pair: list[Defended], more: Task, store: Path, progress: Silent | Noted, *, epochs: int | None = None
) -> tuple[FurtherRecord, ...]:
    evidence = EvidenceStore(store)
    return further_training(
        pair, more, epochs=epochs, seeds=3, store=evidence, progress=progress, workers=1, seed=4, device="cpu"
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("further") / "evidence.sqlite"


@pytest.fixture(scope="module")
def more() -> Task:
    return enlarged(SOURCE, 160, seed=0)[0]


@pytest.fixture(scope="module")
def found(pair: list[Defended], more: Task, store: Path) -> tuple[FurtherRecord, ...]:
    return train_on(pair, more, store, Silent())


def test_models_that_saw_little_gain_from_more_and_nothing_is_done_twice(
    pair: list[Defended], more: Task, store: Path, found: tuple[FurtherRecord, ...]
) -> None:
    assert [(one.defended, one.seed) for one in found] == [
        (role, seed) for role in ("locked", "source_only") for seed in range(3)
    ]
    for one in found:
        models = next(defended.models for defended in pair if defended.role == one.defended)
        assert one.before == evaluate(models[one.seed % 2], SOURCE.test)
        assert one.examples == one.unseen == len(more.train) == 160
        assert float(one.setting.removeprefix("learning rate ")) in RATES
    assert sum(one.after - one.before for one in found) / len(found) > 0.05, "they saw 60 images before, 160 more now"
    noted = Noted()
    again = train_on(pair, more, store, noted)
    assert again == found
    assert noted.stages == [("further training", 6, 6)]


def test_it_is_what_keeping_the_head_and_training_everything_gives(
    pair: list[Defended], more: Task, found: tuple[FurtherRecord, ...]
) -> None:
    seed = derive_seed(4, "attack", more.fingerprint, "1.0", 0)
    plan = attack_plan(160)
    alone = ATTACKS["direct"].run(pair[0].models[0], more, plan=plan, settings=RATES, seed=seed)
    assert found[0].after == alone.test


def test_nobody_trains_on_for_longer_than_is_said(pair: list[Defended], more: Task, tmp_path: Path) -> None:
    shortly = train_on(pair, more, tmp_path / "evidence.sqlite", Silent(), epochs=1)
    seed = derive_seed(4, "attack", more.fingerprint, "1.0", 0)
    plan = replace(attack_plan(160), epochs=1)
    assert shortly[0].after == ATTACKS["direct"].run(pair[0].models[0], more, plan=plan, settings=RATES, seed=seed).test


def test_dense_tasks_have_no_head_to_keep(tmp_path: Path) -> None:
    assert train_on([], small_negatives(), tmp_path / "evidence.sqlite", Silent()) == ()


QUICK = AttackConfig(attackers=("linear_probe",), fractions=(1.0,), seeds=2, epochs=1)


def test_any_model_can_be_trained_on_with_images_of_ones_own(tmp_path: Path) -> None:
    out = tmp_path / "run"
    more = tiny_source(seed=1)
    result = archlock.attack(plain_network(), [tiny_target()], QUICK, more=more, out=out, workers=1)
    record = from_json(result.path / "result.json")
    assert [(one.defended, one.seed, one.examples) for one in record.further] == [("locked", 0, 40), ("locked", 1, 40)]
    assert {one.before for one in record.further} == {evaluate(plain_network(), more.test)}
    assert further_sentence(record) in result.page.read_text()
    assert record.spent_seconds.keys() == {"attacks", "further training"}  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match="Sequential has 4 outputs, but 'other digits' has 3 classes; give as "
                       "--more images of the classes it was trained for"):  # fmt: skip
        archlock.attack(plain_network(), [tiny_target()], QUICK, more=tiny_target(), out=tmp_path / "other")
