"""Units fade linearly to exact zero and stay there, whatever the optimiser; scores see raw gradients."""

import copy

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError
from archlock.models import narrowed
from archlock.training import COMPACTORS, batch_of, loss_of
from archlock.training.compaction.fading import Units
from archlock.training.compaction.gradual import Gradual, Periods
from small_compactions import Concatenated, choice_of, digits, trained

OPTIMISERS = {
    "sgd": lambda values, rate: torch.optim.SGD(values, lr=rate, momentum=0.9, weight_decay=0.01),
    "adamw": lambda values, rate: torch.optim.AdamW(values, lr=rate, weight_decay=0.01),
    "rmsprop": lambda values, rate: torch.optim.RMSprop(values, lr=rate, momentum=0.9),
}
HESSO = COMPACTORS["hesso"].weighting
TWO = Periods(1, 8, 2)


def wrapped(model, optimiser="sgd", periods=TWO, rate=0.01, *, keep="1/2", published=False):
    return Gradual(
        model,
        OPTIMISERS[optimiser](model.parameters(), rate),
        choice_of(model, keep),
        periods,
        HESSO,
        published=published,
    )


def steps(model, gradual, count):
    batch = batch_of(digits().train.take(range(32)))
    model.train()
    for _ in range(count):
        gradual.zero_grad()
        loss_of(model(batch.images), batch.targets).backward()
        gradual.step()


def norms(gradual, chosen):
    rows = gradual.units.weights()
    return torch.cat([rows[name][list(units)].norm(dim=1) for name, units in chosen.items()])


def test_without_training_the_norm_falls_linearly_to_zero_and_stays():
    model = copy.deepcopy(trained())
    gradual = wrapped(model, periods=Periods(2, 5, 1), rate=0.0)
    steps(model, gradual, 2)
    assert not gradual.fade.fading
    whole = {group.name: range(group.units) for group in gradual.choice.groups}
    before = {name: rows.norm(dim=1) for name, rows in gradual.units.weights().items()}
    seen = []
    for _ in range(4):
        steps(model, gradual, 1)
        chosen = gradual.fade.fading or gradual.fade.gone
        start = torch.cat([before[name][list(units)] for name, units in chosen.items()])
        seen.append((norms(gradual, chosen) / start).tolist())
    for share, values in zip((3 / 4, 2 / 4, 1 / 4, 0.0), seen, strict=True):
        assert values == pytest.approx([share] * 9, abs=1e-6)
    assert gradual.finished
    steps(model, gradual, 2)
    assert norms(gradual, gradual.fade.gone).tolist() == [0.0] * 9
    kept = {name: [one for one in units if one not in gradual.fade.gone[name]] for name, units in whole.items()}
    left = torch.cat([before[name][units] for name, units in kept.items()])
    assert norms(gradual, kept).tolist() == pytest.approx(left.tolist()), "others do not fade"


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_is_gone_stays_exactly_zero_and_is_forgotten(optimiser):
    model = copy.deepcopy(trained())
    gradual = wrapped(model, optimiser)
    steps(model, gradual, 14)
    assert gradual.finished
    assert sum(map(len, gradual.fade.gone.values())) == 9
    places = gradual.units.places(gradual.fade.gone)
    assert places.at
    for value, dimension, at in places.at:
        assert value.index_select(dimension, at).abs().max() == 0
        for remembered in gradual.optimiser.state[value].values():
            if remembered.shape == value.shape:
                assert remembered.index_select(dimension, at).abs().max() == 0
    images = batch_of(digits().test).images
    model.eval()
    smaller = narrowed(model, gradual.choice.structure, gradual.fade.gone)
    assert torch.allclose(model(images), smaller(images), atol=1e-5)


def test_scores_see_the_raw_gradient_and_not_what_the_optimiser_makes_of_it():
    seen = {}
    for name, published in (("sgd", False), ("adamw", False), ("adamw", True)):
        model = copy.deepcopy(trained())
        gradual = wrapped(model, name, periods=Periods(0, 2, 1), rate=0.01, published=published)
        directions = []
        inner = gradual._begin

        def begin(period, weights, direction, inner=inner, directions=directions):
            directions.append({key: value.clone() for key, value in direction.items()})
            inner(period, weights, direction)

        gradual._begin = begin
        steps(model, gradual, 1)
        seen[name, published] = directions[0]
        raw = gradual.units.rows({key: value.grad for key, value in gradual.units.parameters.items()})
        for group, rows in raw.items():
            if not published:
                assert torch.allclose(directions[0][group], rows, rtol=1e-5, atol=1e-8)
    first = next(iter(seen["sgd", False]))
    size = seen["adamw", True][first].abs().median()
    assert 0.9 < float(size) < 1.1, "the first step of Adam is of one size whatever the gradient"


def test_only_the_channels_that_fade_are_scaled_in_a_norm_behind_a_concatenation():
    model = Concatenated()
    choice = choice_of(model)
    right = next(group for group in choice.groups if group.name == "right")
    before = copy.deepcopy(model.state_dict())
    Units(model, choice.structure, choice.groups).places({right.name: [1, 4]}).scale(0.5)
    expected = torch.ones(10)
    expected[[4 + 1, 4 + 4]] = 0.5
    assert torch.equal(model.norm.weight, before["norm.weight"] * expected)
    assert torch.equal(model.left.weight, before["left.weight"])
    assert torch.equal(model.head.weight, before["head.weight"]), "who takes channels keeps its columns"


def test_it_goes_on_from_its_state_with_the_same_bits():
    one, other = copy.deepcopy(trained()), copy.deepcopy(trained())
    straight, first = wrapped(one), wrapped(other)
    steps(one, straight, 9)
    steps(other, first, 4)
    again = copy.deepcopy(other)
    second = wrapped(again)
    second.load(copy.deepcopy(first.state()))
    steps(again, second, 5)
    assert second.fade.gone == straight.fade.gone
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))


def test_a_network_of_a_class_that_nobody_can_import_is_made_smaller_and_leaves_no_file(tmp_path, monkeypatch):
    class Local(nn.Sequential):
        pass

    monkeypatch.chdir(tmp_path)
    model = Local(*copy.deepcopy(trained()))
    gradual = wrapped(model)
    steps(model, gradual, 9)
    smaller = narrowed(model, gradual.choice.structure, gradual.fade.gone)
    assert type(smaller) is Local
    assert sum(value.numel() for value in smaller.parameters()) < sum(value.numel() for value in model.parameters())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("start", "count", "periods"), [(0, 1, 2), (10, 9, 10), (0, 0, 1)])
def test_fewer_steps_than_periods_are_refused_with_the_fewest_that_do(start, count, periods):
    with pytest.raises(ConfigurationError, match=f"give at least {periods}"):
        Periods(start, count, periods)


def test_periods_of_one_step_remove_at_once():
    periods = Periods(3, 4, 4)
    assert [periods.begins(step) for step in range(1, 9)] == [0, 0, 0, 1, 2, 3, 4, 0]
    assert {periods.factor(step) for step in range(4, 8)} == {0.0}
    longer = Periods(2, 7, 2)
    assert [longer.begins(step) for step in range(1, 10)] == [0, 0, 1, 0, 0, 2, 0, 0, 0]
    assert [longer.factor(step) for step in (3, 4)] == [1 / 2, 0.0]
    assert longer.end == 8
