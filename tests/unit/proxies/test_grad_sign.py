import copy

import pytest
import torch
from torch import nn

from archlock.proxies.grad_sign import GradSign
from archlock.proxies.image_passes import fix_statistics
from archlock.training import Batch, loss_of
from proxy_networks import dense_batch, dense_network, image_batches, layer_names, residual


@pytest.mark.parametrize(
    ("model", "batch"), [(residual(), image_batches()[0]), (dense_network(), dense_batch())], ids=["classes", "dense"]
)
def test_against_a_loop_over_images_and_weights(model, batch):
    frozen = copy.deepcopy(model).train()
    for module in frozen.modules():  # the batch's statistics, by the running average with momentum 1
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        frozen(batch.images)
    count = batch.images[:, 0].numel()
    for module in frozen.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var *= (count - 1) / count  # running averages are of the unbiased variance
    frozen.eval()
    votes: dict[tuple[str, int], int] = {}
    for i in range(len(batch)):
        frozen.zero_grad()
        loss_of(frozen(batch.images[i : i + 1]), batch.targets[i : i + 1]).backward()
        for name in layer_names(frozen):
            for place, g in enumerate(frozen.get_parameter(name).grad.flatten().tolist()):
                votes[name, place] = votes.get((name, place), 0) + (g > 0) - (g < 0)
    assert GradSign().measure(model, [batch], seed=0) == sum(map(abs, votes.values()))


def test_one_image_agrees_with_itself():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    (batch,) = image_batches(1, size=1)
    assert GradSign().measure(model, [batch], seed=0) == 32 * 3


def test_fixed_statistics_give_the_outputs_of_training_mode():
    model, images = residual(), image_batches(1)[0].images
    expected = copy.deepcopy(model).train()(images)
    fix_statistics(model, images)
    assert not model.training
    torch.testing.assert_close(model(images), expected)


def test_works_on_one_pixel_where_training_mode_cannot():
    model = nn.Sequential(nn.Conv2d(2, 4, 4), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 3)).double()
    (batch,) = image_batches(1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        model.train()(batch.images[:1])
    assert GradSign().measure(model, [Batch(batch.images, batch.targets)], seed=0) > 0
