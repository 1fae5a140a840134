"""Networks of locking_macro: their cost in closed form, their first weights, and that all of them can be trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from archlock.models import build, count_flops, count_parameters
from archlock.models.operations import Affine
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.spaces.locking_skeleton import multiply_adds, parameters, skeleton_of
from archlock.testing.models import signature
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit

SPACE = SPACES["locking_macro"]


def test_costs_are_the_closed_forms():
    rng = rng_for(0, "costs")
    for _ in range(40):
        one = SPACE.sample(rng)
        skeleton, width, depth = skeleton_of(one.code), int(rng.integers(1, 9)), int(rng.integers(1, 3))
        model = build(one, signature((3, 17, 17), 7), width=width, depth=depth, seed=0)
        assert count_parameters(model) == parameters(skeleton, width=width, depth=depth, outputs=7), one
        expected = 2 * multiply_adds(skeleton, width=width, side=17, depth=depth, outputs=7)
        assert count_flops(model, (3, 17, 17)) == expected, one


def test_the_shape_at_the_end_of_every_stage():
    """Early strides and a stem that halves: four by four pixels from the first cell on."""
    model = build(SPACE.architecture("01010100000"), signature((3, 16, 16), 10), width=4, depth=1, seed=0)
    maps, sizes = model.stem(torch.rand(1, 3, 16, 16)), []
    for cell in model.cells:
        maps = cell(maps)
        sizes.append(tuple(maps.shape[1:]))
    assert sizes == [(4, 4, 4), (8, 4, 4), (16, 4, 4)]
    assert (model.features, model.stride) == (16, 4)


def test_without_normalisation_scales_begin_small_where_there_are_shortcuts():
    for code, last in (("00111102000", 6**-0.5), ("00111102100", 1.0)):
        model = build(SPACE.architecture(code), signature((3, 8, 8), 3), width=4, depth=1, seed=0)
        assert not [one for one in model.modules() if isinstance(one, nn.BatchNorm2d | nn.GroupNorm)]
        scales = [one.scale for one in model.modules() if isinstance(one, Affine)]
        weights = [one.weight.detach() for one in model.modules() if isinstance(one, Affine)]
        assert all((weight == scale).all() for weight, scale in zip(weights, scales, strict=True))
        assert scales == pytest.approx([1.0, *[1.0, last] * 6, 1.0])


def test_groups_have_at_least_four_channels():
    for width in (1, 4, 6, 16):
        one = SPACE.architecture("00110111000")  # rising widths and a waist
        model = build(one, signature((3, 8, 8), 3), width=width, depth=1, seed=0)
        norms = [norm for norm in model.modules() if isinstance(norm, nn.GroupNorm)]
        assert all(norm.num_groups == 1 or norm.num_channels >= 4 * norm.num_groups for norm in norms)
    assert {norm.num_channels: norm.num_groups for norm in norms} == {8: 2, 16: 4, 32: 4, 64: 4}


@pytest.mark.parametrize("activation", range(3))
@pytest.mark.parametrize("normalisation", range(3))
def test_all_can_be_trained_by_one_plan(normalisation, activation):
    """At one rate, deep, with shortcuts and without: the loss falls."""
    task = replace(small_digits(train=60, validation=12, test=12, labels=(0, 1, 2)), name="three")
    for shortcuts in range(2):
        one = SPACE.architecture(f"000211{0}{normalisation}{shortcuts}{activation}3")
        model = build(one, task.signature, width=4, depth=1, seed=0)
        losses = fit(model, task, Plan(6, batch_size=16, learning_rate=0.1, clip=1.0), seed=0).losses
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]
