import copy
import math
import re

import pytest
import torch

from archlock.errors import ConfigurationError, MeasurementError
from archlock.models import build, stack
from archlock.spaces import SPACES
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Diverged, Halving, Plan, Trained, default_stack, evaluate, evaluate_stack, fit, fit_many

TASK = small_digits(train=70, validation=40, test=2, labels=(0, 1, 2))
PLAN = Plan(1, batch_size=16, learning_rate=0.05, flip=True, label_smoothing=0.1)
CODES = ("314321", "000434", "333333", "010110", "040000")
SEEDS = (3, 4, 5, 6, 7)


def networks(codes=CODES, task=TASK, space="nasbench201"):
    return [
        build(SPACES[space].architecture(code), task.signature, width=4, depth=1, seed=seed)
        for seed, code in enumerate(codes)
    ]


def close(alone, found, **tolerance):
    for (name, expected), value in zip(
        alone.model.state_dict().items(), found.model.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, expected, msg=lambda text, name=name: f"{name}: {text}", **tolerance)


def same(first, second):
    states = [outcome.model.state_dict() for outcome in (first, second)]
    return all(torch.equal(a, b) for a, b in zip(*(state.values() for state in states), strict=True))


@pytest.mark.parametrize(
    ("task", "plan", "space", "codes"),
    [
        (TASK, PLAN, "nasbench201", CODES),
        (TASK, Plan(2, batch_size=32, momentum=0.0, learning_rate=0.02), "transnas101_micro", ("312321", "010110")),
        (TASK, PLAN, "transnas101_macro", ("1241", "1421", "1241")),
        (small_negatives(train=40, validation=20, test=2), PLAN, "nasbench201", CODES[:2]),
    ],
)
def test_each_is_trained_as_it_would_be_alone(task, plan, space, codes):
    models = networks(codes, task, space)
    seeds = SEEDS[: len(codes)]
    for model, seed, found in zip(models, seeds, fit_many(models, task, plan, seeds=seeds), strict=True):
        alone = fit(model, task, plan, seed=seed)
        close(alone, found, rtol=1e-3, atol=1e-5)
        assert found.losses == pytest.approx(alone.losses, rel=1e-4)
        assert len(found.losses) == plan.epochs
        assert found.validation == pytest.approx(alone.validation, abs=1e-3)
        assert found.curve == (found.validation,)
        assert found.validation == pytest.approx(evaluate(found.model, task.validation), abs=1e-6)
        assert not found.model.training
        assert not found.stopped
        assert found.seconds > 0


def test_decay_spares_normalisation_and_bias_in_a_stack_too():
    plan = Plan(1, batch_size=16, learning_rate=1e-7, weight_decay=1e6, momentum=0.0)
    models = networks()
    with torch.no_grad():
        for model in models:
            model.head.bias.fill_(1.0)
    for model, seed, found in zip(models, SEEDS, fit_many(models, TASK, plan, seeds=SEEDS), strict=True):
        close(fit(model, TASK, plan, seed=seed), found, rtol=1e-3, atol=1e-5)
        assert found.model.head.bias.detach() == pytest.approx(1.0, abs=1e-3)


def test_bfloat16_is_close_to_bfloat16_alone():
    plan = Plan(2, batch_size=16, learning_rate=0.02, precision="bfloat16")
    models = networks()
    together = fit_many(models, TASK, plan, seeds=SEEDS)
    exact = fit_many(models, TASK, Plan(2, batch_size=16, learning_rate=0.02), seeds=SEEDS)
    for model, seed, found, other in zip(models, SEEDS, together, exact, strict=True):
        assert found.losses == pytest.approx(fit(model, TASK, plan, seed=seed).losses, rel=0.03)
        assert model.architecture.code == "040000" or found.losses != other.losses


def test_no_footprints_and_the_seeds_alone_decide():
    models = networks()
    models[0].stem.eval()
    frozen = next(models[0].parameters()).requires_grad_(False)
    before = [copy.deepcopy(model.state_dict()) for model in models]
    generator = torch.random.get_rng_state()
    first = fit_many(models, TASK, PLAN, seeds=SEEDS)
    assert torch.equal(generator, torch.random.get_rng_state())
    for model, state in zip(models, before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
    assert not frozen.requires_grad
    assert not models[0].stem.training
    assert all(parameter.requires_grad for outcome in first for parameter in outcome.model.parameters())
    torch.rand(3)
    again = fit_many(models, TASK, PLAN, seeds=SEEDS)
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    other = fit_many(models, TASK, PLAN, seeds=(30, *SEEDS[1:]))
    assert not same(first[0], other[0])
    assert all(same(a, b) for a, b in zip(first[1:], other[1:], strict=True)), "a seed reached another network"


def test_stacks_of_any_size_give_the_same():
    whole = fit_many(networks(), TASK, PLAN, seeds=SEEDS)
    for size in (1, 2):
        for expected, found in zip(whole, fit_many(networks(), TASK, PLAN, seeds=SEEDS, stack=size), strict=True):
            close(expected, found, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("poison", [math.inf, math.nan])
def test_one_that_diverges_disturbs_nobody(poison):
    models = networks()
    healthy = fit_many(models, TASK, PLAN, seeds=SEEDS)
    with torch.no_grad():
        models[2].stem.convolution.weight.fill_(poison)
    found = fit_many(models, TASK, PLAN, seeds=SEEDS)
    assert isinstance(found[2], Diverged)
    assert "'digits' diverged in epoch 1 at learning rate 0.05; try a smaller one" in found[2].note
    assert (found[2].losses, found[2].curve) == ((), ())
    assert found[2].seconds > 0
    with pytest.raises(MeasurementError, match=re.escape(found[2].note)):
        fit(models[2], TASK, PLAN, seed=SEEDS[2])
    assert all(same(a, b) for row, (a, b) in enumerate(zip(healthy, found, strict=True)) if row != 2)
    longer = Plan(3, batch_size=16, learning_rate=0.01)
    for row, outcome in enumerate(fit_many(models, TASK, longer, seeds=SEEDS, watch=True)):
        if row == 2:
            assert isinstance(outcome, Diverged)
            continue
        close(fit(models[row], TASK, longer, seed=SEEDS[row]), outcome, rtol=2e-2, atol=1e-3)
        assert len(outcome.curve) == 3


def test_all_diverge():
    found = fit_many(networks(), TASK, Plan(3, batch_size=16, learning_rate=1e30), seeds=SEEDS)
    assert all(isinstance(outcome, Diverged) for outcome in found)


def test_answers_that_are_not_finite_are_no_result():
    # every loss was finite: only the answers tell
    task = small_digits(train=16, validation=4, test=2, labels=(0, 1, 2))
    found = fit_many(networks(task=task)[:2], task, Plan(1, batch_size=16, learning_rate=1e38), seeds=(0, 1))
    assert [type(outcome) for outcome in found] == [Diverged, Diverged]
    assert "answers of the model are not finite numbers" in found[0].note
    assert len(found[0].losses) == 1


def test_successive_halving_lets_the_best_go_on():
    plan = Plan(4, batch_size=16, learning_rate=0.03)
    found = fit_many(networks(), TASK, plan, seeds=SEEDS, halving=Halving((1, 3), keep=0.5))
    watched = fit_many(networks(), TASK, plan, seeds=SEEDS, watch=True)
    assert [len(outcome.curve) for outcome in watched] == [4] * 5
    scores = [outcome.curve[0] for outcome in watched]
    best = sorted(sorted(range(5), key=lambda row: -scores[row])[:3])
    assert [row for row, outcome in enumerate(found) if len(outcome.losses) > 1] == best
    assert sorted(len(outcome.losses) for outcome in found) == [1, 1, 3, 4, 4]
    for outcome, whole in zip(found, watched, strict=True):
        epochs = len(outcome.losses)
        assert outcome.stopped == (epochs < 4)
        assert len(outcome.curve) == {1: 1, 3: 2, 4: 3}[epochs], "scores are bought only where they decide"
        assert outcome.losses == pytest.approx(whole.losses[:epochs], rel=1e-2)
        assert outcome.validation == outcome.curve[-1] == evaluate(outcome.model, TASK.validation)


class Stop(Exception):
    pass


@pytest.mark.parametrize("halving", [None, Halving((1, 2), keep=0.6)])
def test_taken_up_at_every_epoch_it_is_the_same_bit_for_bit(tmp_path, halving):
    plan = Plan(3, batch_size=16, learning_rate=0.05)
    models = networks()
    with torch.no_grad():
        models[3].head.weight.fill_(math.nan)

    def run(**options):
        return fit_many(models, TASK, plan, seeds=SEEDS, halving=halving, stack=3, **options)

    whole = run()
    for stop in (1, 2):
        calls = []

        def progress(done, total, stop=stop, calls=calls):
            calls.append((done, total))
            if len(calls) == stop:
                raise Stop

        checkpoint = tmp_path / f"{stop}.checkpoint"
        with pytest.raises(Stop):
            run(checkpoint=checkpoint, progress=progress)
        calls.clear()
        resumed = run(checkpoint=checkpoint, progress=lambda *now, calls=calls: calls.append(now))
        assert calls == [(done, 3) for done in range(stop + 1, 4)]
        for expected, found in zip(whole, resumed, strict=True):
            assert (expected.losses, expected.curve) == (found.losses, found.curve)
            assert type(expected) is type(found)
            if isinstance(expected, Trained):
                assert same(expected, found)
                assert expected.stopped == found.stopped
            else:
                assert expected.note == found.note
    finished = run(checkpoint=checkpoint, progress=lambda *_: pytest.fail("trained again"))
    assert same(finished[0], whole[0])


def test_a_damaged_or_foreign_checkpoint_is_ignored(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    whole = fit_many(networks(), TASK, PLAN, seeds=SEEDS, checkpoint=checkpoint)
    kept = checkpoint.read_bytes()
    for content in (b"", kept[: len(kept) // 2], b"not a checkpoint"):
        checkpoint.write_bytes(content)
        found = fit_many(networks(), TASK, PLAN, seeds=SEEDS, checkpoint=checkpoint)
        assert all(same(a, b) for a, b in zip(whole, found, strict=True))
        assert len(checkpoint.read_bytes()) == len(kept), "a whole checkpoint is written in its place"
    others = [
        (networks(CODES[::-1]), PLAN, SEEDS),
        (networks(), PLAN.with_rate(0.1), SEEDS),
        (networks(), PLAN, SEEDS[::-1]),
    ]
    for models, plan, seeds in others:
        checkpoint.write_bytes(kept)
        found = fit_many(models, TASK, plan, seeds=seeds, checkpoint=checkpoint)
        fresh = fit_many(models, TASK, plan, seeds=seeds)
        assert all(same(a, b) for a, b in zip(found, fresh, strict=True))


@pytest.mark.parametrize("task", [TASK, small_negatives(train=20, validation=70, test=2)])
def test_a_stack_is_evaluated_as_each_of_it(task):
    models = networks(task=task)
    stacked = stack(models).train()
    scores = evaluate_stack(stacked, task.validation)
    assert scores == pytest.approx([evaluate(model, task.validation) for model in models], rel=1e-5)
    assert stacked.training
    with torch.no_grad():
        models[1].tail[0].bias.fill_(math.nan)
    scores = evaluate_stack(stack(models), task.validation)
    assert [math.isnan(score) for score in scores] == [False, True, False, False, False]


def test_how_many_make_a_stack():
    large = small_digits(train=4, validation=2, test=2)
    images = large.train.images.repeat(2, 1).repeat(2, 2)
    splits = (Split(images, large.train.targets) for _ in range(3))
    task = Task("large", "classification", large.classes, *splits, "")
    assert (default_stack(large, "cpu"), default_stack(task, "cpu")) == (32, 1)
    assert (default_stack(large, "cuda"), default_stack(task, "cuda:1")) == (64, 64)


def test_what_makes_no_sense():
    with pytest.raises(ConfigurationError, match="got 5 networks, 2 seeds and stacks of 32"):
        fit_many(networks(), TASK, PLAN, seeds=(1, 2))
    with pytest.raises(ConfigurationError, match="stacks of 0"):
        fit_many(networks(), TASK, PLAN, seeds=SEEDS, stack=0)
    with pytest.raises(ConfigurationError, match="a plan with patience 2: leave it out, give a Halving"):
        fit_many(networks(), TASK, Plan(3, patience=2), seeds=SEEDS)
    with pytest.raises(ConfigurationError, match="got a plan with clip 1 for many at once: leave it out"):
        fit_many(networks(), TASK, Plan(3, clip=1.0), seeds=SEEDS)
    with pytest.raises(ConfigurationError, match=r"got rungs \(1, 3\) in 3 epochs"):
        fit_many(networks(), TASK, Plan(3), seeds=SEEDS, halving=Halving((1, 3)))
    for rungs in ((), (2, 1), (1, 1), (0, 2)):
        with pytest.raises(ConfigurationError, match=re.escape(f"each later than the one before; got {rungs}")):
            Halving(rungs)
    with pytest.raises(ConfigurationError, match=r"between 0 and 1; got 1.5"):
        Halving((1,), keep=1.5)
    assert fit_many([], TASK, PLAN, seeds=()) == ()


ADAMW = Plan(3, batch_size=16, learning_rate=0.003, optimiser="adamw")


def test_adamw_is_the_same_stacked_or_alone():
    models = networks()
    for model, seed, found in zip(models, SEEDS, fit_many(models, TASK, ADAMW, seeds=SEEDS), strict=True):
        alone = fit(model, TASK, ADAMW, seed=seed)
        assert found.losses == pytest.approx(alone.losses, rel=2e-3)
        assert found.steps == alone.steps == 15
        assert found.validation == pytest.approx(alone.validation, abs=0.07)


def test_what_adamw_remembers_goes_along_when_others_stop():
    halving = Halving((1,), keep=0.4)
    found = fit_many(networks(), TASK, ADAMW, seeds=SEEDS, halving=halving)
    whole = fit_many(networks(), TASK, ADAMW, seeds=SEEDS)
    went_on = [row for row, outcome in enumerate(found) if not outcome.stopped]
    assert len(went_on) == 2
    for row in went_on:
        assert found[row].losses == pytest.approx(whole[row].losses, rel=2e-3), "as if nobody had stopped"
    assert [outcome.steps for outcome in found if outcome.stopped] == [5, 5, 5]


def test_adamw_is_taken_up_bit_for_bit(tmp_path):
    def stop(done, total):
        if done == 2:
            raise Stop

    checkpoint = tmp_path / "state"
    with pytest.raises(Stop):
        fit_many(networks(), TASK, ADAMW, seeds=SEEDS, checkpoint=checkpoint, progress=stop)
    resumed = fit_many(networks(), TASK, ADAMW, seeds=SEEDS, checkpoint=checkpoint)
    whole = fit_many(networks(), TASK, ADAMW, seeds=SEEDS)
    assert all(same(a, b) for a, b in zip(resumed, whole, strict=True))


def test_a_plan_that_watches_gives_curves():
    found = fit_many(networks()[:2], TASK, Plan(3, batch_size=16, learning_rate=0.02, watch=True), seeds=SEEDS[:2])
    assert [len(outcome.curve) for outcome in found] == [3, 3]
