import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.models import build, copy_without_old_hooks
from archlock.spaces import Architecture
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Plan, evaluate, fit
from second_process import printed

TASK = small_digits(train=40, validation=30, test=2, labels=(0, 1, 2))
PLAN = Plan(3, batch_size=16, learning_rate=0.05)


def network(task=TASK, seed=0):
    return build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=seed)


def stranger():
    """Not a network of ours, with chance inside."""
    torch.manual_seed(0)
    body = (nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(256, 3))


def digest(model):
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in model.state_dict().values())).hexdigest()


def test_it_learns():
    task = small_digits(train=300, validation=100, test=2)
    trained = fit(network(task), task, Plan(4, batch_size=32, shift=0.0), seed=0)
    assert trained.validation > 0.6
    assert trained.validation == evaluate(trained.model, task.validation)
    assert trained.curve == (trained.validation,)
    assert trained.losses[-1] < 0.5 * trained.losses[0]
    assert len(trained.losses) == 4
    assert not trained.model.training
    assert all(parameter.requires_grad for parameter in trained.model.parameters())
    assert trained.seconds > 0


@pytest.mark.parametrize("make", [network, stranger])
def test_no_footprints(make):
    model = make()
    model[0].eval() if make is stranger else model.stem.eval()
    frozen = next(model.parameters()).requires_grad_(False)
    before = digest(model)
    modes = [module.training for module in model.modules()]
    generator, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    trained = fit(model, TASK, PLAN, seed=0)
    assert digest(model) == before != digest(trained.model)
    assert [module.training for module in model.modules()] == modes
    assert not frozen.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(generator, torch.random.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()  # noqa: NPY002


@pytest.mark.parametrize("make", [network, stranger])
def test_the_seed_alone_decides(make):
    model = make()
    first = fit(model, TASK, PLAN, seed=0)
    torch.rand(3)
    again, other = fit(model, TASK, PLAN, seed=0), fit(model, TASK, PLAN, seed=1)
    assert digest(first.model) == digest(again.model) != digest(other.model)
    assert (first.curve, first.losses) == (again.curve, again.losses)


def test_same_bits_in_a_second_process():
    code = """
import torch
torch.set_num_threads(1)
from archlock.models import build
from archlock.spaces import Architecture
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit
import hashlib
task = small_digits(train=40, validation=30, test=2, labels=(0, 1, 2))
model = build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=0)
trained = fit(model, task, Plan(3, batch_size=16, learning_rate=0.05), seed=0).model
print(hashlib.sha256(b"".join(value.numpy().tobytes() for value in trained.state_dict().values())).hexdigest())
"""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    here = digest(fit(network(), TASK, PLAN, seed=0).model)
    torch.set_num_threads(before)
    assert printed(code) == here


class Stop(Exception):
    pass


@pytest.mark.parametrize("patience", [None, 1])
@pytest.mark.parametrize("make", [network, stranger])
def test_taken_up_at_every_epoch_it_is_the_same_bit_for_bit(tmp_path, make, patience):
    plan = Plan(4, batch_size=16, learning_rate=0.05, patience=patience, flip=True)
    whole = fit(make(), TASK, plan, seed=0)
    for stop in range(1, len(whole.losses)):
        calls = []

        def progress(done, total, stop=stop, calls=calls):
            calls.append((done, total))
            if len(calls) == stop:
                raise Stop

        checkpoint = tmp_path / f"{stop}.checkpoint"
        with pytest.raises(Stop):
            fit(make(), TASK, plan, checkpoint=checkpoint, progress=progress, seed=0)
        assert calls == [(done, 4) for done in range(1, stop + 1)]
        calls.clear()

        def note(*now, calls=calls):
            calls.append(now)

        resumed = fit(make(), TASK, plan, checkpoint=checkpoint, progress=note, seed=0)
        assert calls == [(done, 4) for done in range(stop + 1, len(whole.losses) + 1)]
        assert digest(resumed.model) == digest(whole.model)
        assert (resumed.curve, resumed.losses) == (whole.curve, whole.losses)
        assert resumed.validation == whole.validation
    finished = fit(make(), TASK, plan, checkpoint=checkpoint, progress=lambda *_: pytest.fail("trained again"), seed=0)
    assert digest(finished.model) == digest(whole.model)
    assert finished.curve == whole.curve


def test_a_damaged_or_foreign_checkpoint_is_ignored(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    fit(network(), TASK, PLAN, checkpoint=checkpoint, seed=0)
    kept = checkpoint.read_bytes()
    whole = digest(fit(network(), TASK, PLAN, seed=0).model)
    for content in (b"", kept[: len(kept) // 2], b"\x00" * 1000, b"not a checkpoint"):
        checkpoint.write_bytes(content)
        assert digest(fit(network(), TASK, PLAN, checkpoint=checkpoint, seed=0).model) == whole
        assert len(checkpoint.read_bytes()) == len(kept), "a whole checkpoint is written in its place"
    permuted = network()
    with torch.no_grad():
        permuted.head.weight.copy_(permuted.head.weight.flip(0))
    skips = build(Architecture("nasbench201", "111111"), TASK.signature, width=4, depth=1, seed=0)
    other_task = small_digits(train=40, validation=30, test=2, labels=(3, 4, 5))
    for model, task, plan, seed, trains in [
        (network(), TASK, PLAN, 1, None),
        (network(), TASK, PLAN.with_rate(0.1), 0, None),
        (network(), TASK, PLAN, 0, ("head",)),
        (network(), other_task, PLAN, 0, None),
        (network(seed=1), TASK, PLAN, 0, None),
        (permuted, TASK, PLAN, 0, None),
        (skips, TASK, PLAN, 0, None),
    ]:
        checkpoint.write_bytes(kept)
        found = fit(model, task, plan, trains=trains, checkpoint=checkpoint, seed=seed)
        alone = fit(model, task, plan, trains=trains, seed=seed)
        assert digest(found.model) == digest(alone.model)


def test_an_operation_without_weights_makes_another_training(tmp_path):
    # skip and pooling draw the same weights, so only the structure tells these two networks apart
    models = [
        build(Architecture("nasbench201", code), TASK.signature, width=4, depth=1, seed=0)
        for code in ("333113", "333443")
    ]
    assert digest(models[0]) == digest(models[1])
    fit(models[0], TASK, PLAN, checkpoint=tmp_path / "checkpoint", seed=0)
    found = fit(models[1], TASK, PLAN, checkpoint=tmp_path / "checkpoint", seed=0)
    assert digest(found.model) == digest(fit(models[1], TASK, PLAN, seed=0).model)


@pytest.mark.parametrize("make", [network, stranger])
@pytest.mark.parametrize("patience", [None, 1])
def test_a_diverging_training_says_so(make, patience):
    plan = Plan(4, batch_size=16, learning_rate=1e30, patience=patience)
    with pytest.raises(
        MeasurementError, match=r"'digits' diverged in epoch 1 at learning rate 1e\+30; try a smaller one"
    ):
        fit(make(), TASK, plan, seed=0)


def test_a_last_step_that_ruins_the_weights_is_no_result():
    # every loss was finite: only the answers tell
    task = small_digits(train=16, validation=4, test=2, labels=(0, 1, 2))
    with pytest.raises(MeasurementError, match="answers of the model are not finite numbers"):
        fit(network(task), task, Plan(1, batch_size=16, learning_rate=1e38), seed=0)


def test_patience_keeps_the_best_weights_and_stops_early():
    plan = Plan(30, batch_size=16, learning_rate=0.02, patience=2)
    trained = fit(network(), TASK, plan, seed=0)
    best = int(np.argmax(trained.curve))
    assert len(trained.curve) == len(trained.losses) == best + 1 + 2 < 30
    assert trained.validation == trained.curve[best] == evaluate(trained.model, TASK.validation)
    assert trained.curve[0] < trained.curve[best]
    assert trained.curve[-1] < trained.curve[best], "the last weights would be worse"


def test_a_network_with_old_spectral_norms_keeps_its_best_weights(tmp_path):
    torch.manual_seed(0)
    normed = nn.utils.spectral_norm(nn.Conv2d(1, 4, 3, padding=1))
    model = copy_without_old_hooks(nn.Sequential(normed, nn.ReLU(), nn.Flatten(), nn.Linear(256, 3)))
    checkpoint = tmp_path / "training.pt"
    trained = fit(model, TASK, replace(PLAN, patience=3), checkpoint=checkpoint, seed=0)
    assert trained.validation == max(trained.curve) == evaluate(trained.model, TASK.validation)
    again = fit(model, TASK, replace(PLAN, patience=3), checkpoint=checkpoint, seed=0)
    assert digest(again.model) == digest(trained.model), "as it is taken up from a file"


def test_head_only_training_changes_only_the_head():
    model = network()
    with torch.no_grad():
        model.train()(torch.rand(8, 1, 8, 8))  # statistics of its own
    trained = fit(model, TASK, PLAN, trains=("head",), seed=0).model
    changed = [name for name, value in trained.state_dict().items() if not torch.equal(value, model.state_dict()[name])]
    assert changed == ["head.weight", "head.bias"]
    assert all(parameter.requires_grad for parameter in trained.parameters())


def test_only_the_named_parts_train():
    model = network()
    with torch.no_grad():
        model.train()(torch.rand(8, 1, 8, 8))  # statistics of its own
    trained = fit(model, TASK, PLAN, trains=("tail", "head"), seed=0).model
    before = model.state_dict()
    changed = {
        name.split(".")[0] for name, value in trained.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"tail", "head"}
    assert not torch.equal(trained.tail[0].running_mean, model.tail[0].running_mean)


def test_parts_inside_one_another_train_once():
    one = fit(network(), TASK, PLAN, trains=("tail", "head"), seed=0)
    other = fit(network(), TASK, PLAN, trains=("tail", "tail.0", "head"), seed=0)
    assert digest(one.model) == digest(other.model)


def test_bfloat16_learns_and_keeps_float32_weights():
    task = small_digits(train=200, validation=100, test=2)
    plan = Plan(4, batch_size=32, shift=0.0, precision="bfloat16")
    trained = fit(network(task), task, plan, seed=0)
    assert {value.dtype for value in trained.model.parameters()} == {torch.float32}
    assert trained.losses[-1] < 0.7 * trained.losses[0]
    assert trained.validation > 0.3
    exact = fit(network(task), task, Plan(4, batch_size=32, shift=0.0), seed=0)
    assert digest(exact.model) != digest(trained.model)


def test_a_dense_task_is_learned():
    task = small_negatives(train=200)
    trained = fit(network(task), task, Plan(6, batch_size=16, shift=0.0, weight_decay=0.0), seed=0)
    assert trained.losses[-1] < 0.5 * trained.losses[0]
    assert trained.validation > 0.3
    assert trained.validation == evaluate(trained.model, task.validation)


class Recorder(nn.Module):
    """A model of one weight that notes the size of every batch it trains on."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 1))
        self.sizes = []

    def __deepcopy__(self, memo):
        return self  # so that the test sees inside

    def forward(self, images):
        if self.training:
            self.sizes.append(len(images))
        return images.mean((2, 3)) @ self.weight.T


@pytest.mark.parametrize(
    ("examples", "sizes"), [(40, [16, 16, 8]), (33, [16, 16]), (16, [16]), (17, [16]), (5, [5]), (1, [1])]
)
def test_batches_of_an_epoch(examples, sizes):
    task = small_digits(train=examples, validation=4, test=2, labels=(0, 1, 2))
    model = Recorder()
    fit(model, task, PLAN, seed=0)
    assert model.sizes == sizes * 3


def test_fewer_examples_than_a_batch_and_a_last_batch_of_one():
    for examples in (2, 17):
        task = small_digits(train=examples, validation=4, test=2, labels=(0, 1, 2))
        trained = fit(network(task), task, PLAN, seed=0)
        assert math.isfinite(trained.losses[-1])
        assert digest(trained.model) != digest(network(task))


def brute_force(task, plan, steps_of_epochs, rate_of):
    """The same gradient descent written out, on a model of one weight without augmentation."""
    weight, velocity = np.zeros((3, 1)), np.zeros((3, 1))
    step = 0
    for order in steps_of_epochs:
        for rows in order:
            x = (task.train.images[rows] / 255).mean((1, 2))
            logits = x @ weight.T
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            p[np.arange(len(rows)), task.train.targets[rows]] -= 1
            gradient = p.T @ x / len(rows) + plan.weight_decay * weight
            velocity = plan.momentum * velocity + gradient
            weight = weight - rate_of(step) * (gradient + plan.momentum * velocity)
            step += 1
    return weight


@pytest.mark.parametrize("examples", [40, 33])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
def test_schedule_and_steps_against_closed_form(examples, warmup):
    task = small_digits(train=examples, validation=4, test=2, labels=(0, 1, 2))
    plan = Plan(3, batch_size=16, learning_rate=0.5, warmup=warmup, shift=0.0, weight_decay=0.01)
    order = []

    class Noting(Recorder):
        def forward(self, images):
            if self.training:
                pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
                order.append([int((task.train.images == image).all((1, 2, 3)).argmax()) for image in pixels])
            return super().forward(images)

    trained = fit(Noting(), task, plan, seed=0).model
    total = len(order)
    assert total == 3 * (examples // 16 + (examples % 16 > 1))

    def rate(step):
        done = (step + 0.5) / total
        if done < warmup:
            return 0.5 * done / warmup
        return 0.25 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))

    rates = [rate(step) for step in range(total)]
    assert min(rates) > 0, "no step is wasted"
    expected = brute_force(task, plan, [order], rate)
    np.testing.assert_allclose(trained.weight.detach().numpy(), expected, rtol=2e-4, atol=1e-6)


def test_one_step_is_enough_to_learn_something():
    model = network()
    trained = fit(model, TASK.__class__(**{**fields(TASK), "train": TASK.train.take(range(4))}), Plan(1), seed=0)
    assert not torch.equal(trained.model.head.weight, model.head.weight)


def fields(task):
    names = ("name", "kind", "classes", "train", "validation", "test", "origin")
    return {name: getattr(task, name) for name in names}


def test_decay_spares_normalisation_and_bias():
    # with no gradient to speak of (rate tiny, decay huge) only weights of two dimensions and more shrink
    plan = Plan(1, batch_size=16, learning_rate=1e-7, weight_decay=1e6, momentum=0.0)
    model = network()
    with torch.no_grad():
        model.head.bias.fill_(1.0)
    trained = dict(fit(model, TASK, plan, seed=0).model.named_parameters())
    for name, parameter in model.named_parameters():
        before, after = float(parameter.detach().norm()), float(trained[name].detach().norm())
        shrinkage = after / before if before else 1.0
        assert shrinkage < 0.95 if parameter.ndim > 1 else shrinkage > 0.999, name


def test_label_smoothing_reaches_the_loss():
    sharp = fit(network(), TASK, Plan(1, batch_size=16), seed=0)
    smooth = fit(network(), TASK, Plan(1, batch_size=16, label_smoothing=0.5), seed=0)
    assert sharp.losses != smooth.losses


def test_an_unknown_part():
    with pytest.raises(AttributeError, match="tail_end"):
        fit(network(), TASK, PLAN, trains=("tail_end",), seed=0)


@pytest.mark.parametrize("patience", [None, 1])
def test_watching_changes_nothing_but_the_curve(patience):
    plan = Plan(4, batch_size=16, learning_rate=0.05, patience=patience)
    for make in (network, stranger):
        blind = fit(make(), TASK, plan, seed=0)
        watched = fit(make(), TASK, replace(plan, watch=True), seed=0)
        assert digest(watched.model) == digest(blind.model)
        assert (watched.validation, watched.losses, watched.steps) == (blind.validation, blind.losses, blind.steps)
        assert len(watched.curve) == len(watched.losses)
        assert watched.steps == 3 * len(watched.losses), "40 examples in batches of 16"
    assert patience is not None or watched.curve[-1] == watched.validation


def test_adamw_against_the_paper():
    """Algorithm 2 of Loshchilov and Hutter 2019 in float64, with the schedule on both the step and the decay."""
    task = small_digits(train=40, validation=4, test=2, labels=(0, 1, 2))
    plan = Plan(
        3, batch_size=16, learning_rate=0.05, shift=0.0, warmup=0.0, weight_decay=0.3, momentum=0.8, optimiser="adamw"
    )
    order = []

    class Noting(Recorder):
        def forward(self, images):
            if self.training:
                pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
                order.append([int((task.train.images == image).all((1, 2, 3)).argmax()) for image in pixels])
            return super().forward(images)

    trained = fit(Noting(), task, plan, seed=0).model
    weight, mean, square = np.zeros((3, 1)), np.zeros((3, 1)), np.zeros((3, 1))
    for step, rows in enumerate(order, start=1):
        rate = 0.05 * 0.5 * (1 + math.cos(math.pi * (step - 0.5) / len(order)))
        x = (task.train.images[rows] / 255).mean((1, 2))
        p = np.exp(x @ weight.T)
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(rows)), task.train.targets[rows]] -= 1
        gradient = p.T @ x / len(rows)
        mean, square = 0.8 * mean + 0.2 * gradient, 0.999 * square + 0.001 * gradient**2
        change = (mean / (1 - 0.8**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        weight = (1 - rate * 0.3) * weight - rate * change
    np.testing.assert_allclose(trained.weight.detach().numpy(), weight, rtol=2e-4, atol=1e-6)


def test_adamw_learns_spares_biases_and_is_taken_up(tmp_path):
    plan = Plan(3, batch_size=16, learning_rate=0.003, optimiser="adamw")
    whole = fit(network(), TASK, plan, seed=0)
    assert whole.losses[-1] < whole.losses[0]

    def stop(done, total):
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        fit(network(), TASK, plan, checkpoint=tmp_path / "state", progress=stop, seed=0)
    resumed = fit(network(), TASK, plan, checkpoint=tmp_path / "state", seed=0)
    assert digest(resumed.model) == digest(whole.model)
    model = network()
    with torch.no_grad():
        model.head.bias.fill_(1.0)
    heavy = replace(plan, learning_rate=1e-7, weight_decay=1e6)
    decayed = fit(model, TASK, heavy, seed=0).model
    assert decayed.head.bias.detach() == pytest.approx(1.0, abs=1e-3)
    assert float(decayed.head.weight.detach().norm()) < 0.7 * float(model.head.weight.detach().norm())
