"""From a network to a smaller one: the same answers as with zeros, cycles that correct, kills, and what diverges."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.training import COMPACTORS, Periods, Plan, evaluate, recalibrated, removed_at_once, removed_gradually
from archlock.training.checkpoints import digest
from archlock.training.compaction.cycles import corrected_scores
from small_compactions import choice_of, digits, planted, trained

PLAN = Plan(2, batch_size=32, learning_rate=0.02, shift=0.0)
PERIODS = Periods(1, 12, 3)


def faded(model, method="hesso", keep="1/2", plan=PLAN, **given):
    task = digits()
    statistics = task.train.take(range(60))
    return removed_gradually(
        model, choice_of(model, keep), COMPACTORS[method], task, plan, PERIODS,
        look=lambda one: evaluate(recalibrated(one, statistics), task.validation), seed=0, **given,
    )  # fmt: skip


def test_units_fade_and_are_taken_out_and_the_network_given_stays():
    model = trained()
    before = digest(model)
    found = faded(model)
    assert digest(model) == before
    assert found.difference <= 1e-5
    assert [point.removed for point in found.path] == [3, 6, 9]
    assert sum(value.numel() for value in found.model.parameters()) < sum(v.numel() for v in model.parameters())
    assert found.path[-1].score > 0.5
    assert found.steps == 2 * 8
    assert len(found.losses) == 2


@pytest.mark.parametrize("method", ["magnitude", "taylor"])
def test_a_baseline_removes_at_once(method):
    model, task = trained(), digits()
    before = digest(model)
    found = removed_at_once(model, choice_of(model), COMPACTORS[method], task, PLAN, seed=0)
    assert digest(model) == before
    assert sum(map(len, found.gone.values())) == 9
    assert found.path == ()
    if method == "magnitude":
        (first, second) = (found.gone.get(group.name, ()) for group in choice_of(model).groups)
        assert first, "norms are shares of their layer's mean, so that both layers give"
        assert second


def test_killed_after_an_epoch_it_ends_with_the_same_bits(tmp_path):
    path = tmp_path / "fading.pt"

    class Killed(Exception):
        pass

    def kill(done, _):
        if done == 1:
            raise Killed

    with pytest.raises(Killed):
        faded(trained(), checkpoint=path, progress=kill)
    resumed, straight = faded(trained(), checkpoint=path), faded(trained())
    assert resumed.gone == straight.gone
    assert resumed.path == straight.path
    assert digest(resumed.model) == digest(straight.model)
    other = faded(trained(), keep="2/3", checkpoint=path)
    assert sum(map(len, other.gone.values())) == 6, "the state of another goal is not taken up"


def test_a_loss_that_is_no_number_says_where_units_were():
    with pytest.raises(MeasurementError, match=r"diverged at step \d+, while units faded .* at learning rate 1e\+18"):
        faded(trained(), plan=Plan(2, batch_size=32, learning_rate=1e18, shift=0.0))


def test_cycles_are_not_worse_where_everything_hangs_on_a_layer_of_small_norm():
    model = planted()
    images = torch.rand(8, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(model(images), trained()(images), rtol=1e-3, atol=1e-3), "it answers the same"
    gentle = Plan(2, batch_size=32, learning_rate=1e-5, shift=0.0)
    hesso, cric = (faded(model, method, plan=gentle) for method in ("hesso", "hesso-cric"))
    first = choice_of(model).groups[0]
    kept = {name: first.units - len(one.gone.get(first.name, ())) for name, one in (("h", hesso), ("c", cric))}
    assert kept["h"] == 1, "by its scores alone the layer is emptied but for the last unit"
    assert kept["c"] > kept["h"]
    assert cric.path[-1].score >= hesso.path[-1].score
    assert cric.cycles >= 1
    assert cric.steps > hesso.steps
    assert sum(map(len, cric.gone.values())) == sum(map(len, hesso.gone.values())) == 9


def test_cycles_leave_model_and_optimiser_as_they_were_and_judge_a_layer_by_its_own_units():
    model = copy.deepcopy(trained())
    choice = choice_of(model)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    batch = torch.rand(16, 1, 8, 8)

    def gradients():
        optimiser.zero_grad()
        model(batch).square().mean().backward()

    gradients()
    optimiser.step()
    before, remembered = digest(model), copy.deepcopy(optimiser.state_dict()["state"])
    zeros = []

    def loss(one):
        weights = [one[0].weight, one[3].weight]
        zeros.append(tuple(int((value.flatten(1).abs().max(1).values == 0).sum()) for value in weights))
        return 1.0 + sum(zeros[-1])

    found = corrected_scores(
        model, optimiser, choice, {"magnitude": 1.0}, gradients=gradients, loss=loss, steps=3, most=4
    )
    assert digest(model) == before
    for key, value in optimiser.state_dict()["state"].items():
        assert torch.equal(value["momentum_buffer"], remembered[key]["momentum_buffer"])
    assert zeros == [(0, 0), (2, 0), (3, 0), (4, 0), (0, 3), (0, 6), (0, 9)], "quarters of each layer, one at a time"
    assert found.steps == 3 * found.cycles <= 12
    assert all(math.isfinite(value) for scores in found.scores.values() for value in scores.tolist())
    assert found.tried >= choice.wanted


def test_cycles_leave_out_a_last_batch_of_one_image():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)).eval()
    task = digits()
    odd = replace(task, train=task.train.take(range(65)))
    found = removed_gradually(
        model, choice_of(model), COMPACTORS["hesso-cric"], odd, PLAN, Periods(0, 2, 1), look=lambda _: 0.0, seed=0
    )
    assert found.cycles
    assert sum(map(len, found.gone.values())) == 4


def test_one_image_alone_and_a_normalisation_are_refused_in_words():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)).eval()
    task = digits()
    lonely = replace(task, train=task.train.take([0]))
    with pytest.raises(UnsupportedError, match=r"cannot be trained on one image alone .* two training images at least"):
        removed_gradually(
            model, choice_of(model), COMPACTORS["hesso"], lonely, PLAN, Periods(0, 2, 1), look=lambda _: 0.0, seed=0
        )
