"""Statistics of batch normalisations, taken anew."""

import torch
from torch import nn

from archlock.testing.small_tasks import small_digits
from archlock.training import batch_of, recalibrated
from archlock.training.checkpoints import digest


def test_statistics_are_the_mean_over_batches_and_all_else_stays():
    images = small_digits(train=100, validation=2, test=2).train
    norm = nn.BatchNorm2d(1, momentum=0.3)
    model = nn.Sequential(norm, nn.Flatten(), nn.Linear(64, 2)).train()
    before = digest(model)
    found = recalibrated(model, images)
    halves = batch_of(images).images.split(50)
    assert torch.allclose(found[0].running_mean, torch.stack([one.mean() for one in halves]).mean())
    assert torch.allclose(found[0].running_var, torch.stack([one.var() for one in halves]).mean())
    assert found[0].momentum == 0.3
    assert not found.training
    assert digest(model) == before
    assert model.training


def test_a_network_without_statistics_is_a_copy():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    found = recalibrated(model, small_digits(train=4, validation=2, test=2).train)
    assert found is not model
    assert digest(found) == digest(model)
