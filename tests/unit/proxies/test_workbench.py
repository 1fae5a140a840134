import gc
import weakref

import torch
from torch import nn

from archlock.proxies import PROXIES, measure_all
from archlock.proxies.workbench import Workbench
from archlock.training import Batch
from proxy_networks import image_batches, residual


def test_each_look_starts_from_the_model_as_given():
    given = residual()
    bench = Workbench(given, image_batches(1), seed=0)
    with bench.undisturbed():
        first = bench.model()
        with torch.no_grad():
            for tensor in (*first.parameters(), *first.buffers()):
                tensor.zero_()
        first.eval().float()
        second = bench.model()
    assert second.training
    for name, tensor in given.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)
        assert second.state_dict()[name].dtype == tensor.dtype
        assert second.state_dict()[name].data_ptr() != tensor.data_ptr()


def test_each_look_meets_the_same_chance():
    model = nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(32, 3)).double()
    bench = Workbench(model, image_batches(1), seed=0)
    with bench.undisturbed():
        first, second = (bench.model()(bench.batch().images) for _ in range(2))
    assert torch.equal(first, second)
    other = Workbench(model, image_batches(1), seed=1)
    with other.undisturbed():
        assert not torch.equal(first, other.model()(other.batch().images))


def test_images_take_the_models_precision_and_keep_their_layout():
    images = torch.rand(2, 2, 4, 4).contiguous(memory_format=torch.channels_last)
    bench = Workbench(residual(), [Batch(images, torch.tensor([0, 1]))], seed=0)
    with bench.undisturbed():
        moved = bench.batch().images
    assert moved.dtype == torch.float64
    assert moved.is_contiguous(memory_format=torch.channels_last)
    assert moved.data_ptr() != images.data_ptr()


def test_convolutions_run_channels_last():
    bench = Workbench(residual(), image_batches(1), seed=0)
    with bench.undisturbed():
        assert bench.model().get_parameter("stem.weight").is_contiguous(memory_format=torch.channels_last)


def test_what_a_pass_held_is_let_go():
    bench = Workbench(residual(), image_batches(1), seed=0)
    with bench.undisturbed():
        bench.loss_pass()
        watched = weakref.ref(bench.model().get_parameter("stem.weight"))
    del bench
    gc.collect()
    assert watched() is None


def test_no_hooks_stay_between_passes():
    bench = Workbench(residual(), image_batches(1), seed=0)
    with bench.undisturbed():
        bench.loss_pass()
        assert all(not m._forward_hooks and not m._forward_pre_hooks for m in bench.model().modules())


class Back(torch.autograd.Function):
    """The identity, not differentiable."""

    @staticmethod
    def forward(_context, values):
        return values.clone()

    @staticmethod
    def backward(_context, _gradient):
        raise RuntimeError("there is no second derivative")


class OnceOnly(torch.autograd.Function):
    """The identity, differentiable once."""

    @staticmethod
    def forward(_context, values):
        return values.clone()

    @staticmethod
    def backward(_context, gradient):
        return Back.apply(gradient)


class Once(nn.Module):
    def forward(self, values):
        return OnceOnly.apply(values)


def test_a_look_that_fails_does_not_take_the_others_with_it():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 9, 3), nn.ReLU(), Once(), nn.Flatten(), nn.Linear(36, 3)).double()
    found = measure_all(model, image_batches(1), ["snip", "grasp", "nwot"], seed=0)
    assert {name: value.status for name, value in found.items()} == {
        "snip": "valid",
        "grasp": "failed",
        "nwot": "valid",
    }
    assert found["snip"].value == PROXIES["snip"].measure(model, image_batches(1), seed=0)
    assert found["grasp"].note.startswith("grasp has no value for this model: there is no second derivative")


def test_what_was_not_expected_is_looked_at_again_and_equal():
    bench, other = (Workbench(residual(), image_batches(1), seed=0) for _ in range(2))
    other.expect({"kernel", "gradients"}, set())
    with bench.undisturbed():
        first = bench.loss_pass(needs={"gradients"}).gradients
        kernel = bench.loss_pass(needs={"kernel"}).codes_kernel
        again = bench.loss_pass(needs={"gradients"}).gradients
        both = other.loss_pass(needs={"kernel"})
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert torch.equal(kernel, both.codes_kernel)
    assert both.parts == {"kernel", "gradients"}
