import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from archlock.models import as_classifier, regrown
from foreign_zoo import strangers
from shared_networks import resnet20

IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))
OTHERS = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def same(model: nn.Module, images: Tensor = IMAGES, seed: int = 0) -> tuple[nn.Module, tuple[int, int, int]]:
    """Regrown, with the model's own answers; and how many channels were silent, merged and scaled."""
    plain = as_classifier(model, tuple(images.shape[1:])).eval()
    state = copy.deepcopy(plain.state_dict())
    found = regrown(plain, images, seed=seed)
    with torch.no_grad():
        expected = plain(images)
        assert (found.model(images) - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())
    assert not any(module._forward_hooks for module in found.model.modules())
    return found.model, (found.silent, found.merged, found.scaled)


def chain(activation: type[nn.Module] = nn.ReLU, norm: bool = True) -> nn.Sequential:
    """A convolution, one by channel, another, a hidden layer; every channel fires somewhere."""
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), activation(),
        nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.BatchNorm2d(6), activation(),
        nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), activation(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10), activation(), nn.Linear(10, 3),
    ]  # fmt: skip
    return awake(nn.Sequential(*(layer for layer in layers if norm or not isinstance(layer, nn.BatchNorm2d))))


def awake(model: nn.Module) -> nn.Module:
    """With biases and statistics such that every channel is above 0 in places and below in others."""
    for part in [one for one in model.eval().modules() if isinstance(one, nn.Conv2d | nn.Linear | nn.BatchNorm2d)]:
        seen: list[tuple[Tensor, Tensor]] = []
        handle = part.register_forward_hook(lambda _, given, said, seen=seen: seen.append((given[0], said)))
        with torch.no_grad():
            model(IMAGES)
            handle.remove()
            for given, said in seen:
                rows = (given if isinstance(part, nn.BatchNorm2d) else said).transpose(0, 1).flatten(1)
                deviation, mean = torch.std_mean(rows, 1)
                if isinstance(part, nn.BatchNorm2d):
                    part.running_mean.copy_(mean)
                    part.running_var.copy_(deviation.square())
                    part.bias.fill_(0.5)
                else:
                    part.bias += 0.5 * deviation - mean
    return model


def zero(layer: nn.Module, channels: list[int], norm: nn.Module | None = None) -> None:
    with torch.no_grad():
        for part in (layer.weight, layer.bias, *(() if norm is None else (norm.weight, norm.bias))):
            part[channels] = 0


def copied(layer: nn.Module, channel: int, other: int, factor: float = 1.0) -> None:
    with torch.no_grad():
        layer.weight[channel] = factor * layer.weight[other]
        layer.bias[channel] = factor * layer.bias[other]


def learning(model: nn.Module, weight: str, images: Tensor = IMAGES) -> Tensor:
    """Which channels of a layer have moved after three steps of descent."""
    model = copy.deepcopy(model).train()
    before = model.get_parameter(weight).detach().clone()
    descent = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        descent.zero_grad()
        nn.functional.cross_entropy(model(images), torch.arange(len(images)) % 3).backward()
        descent.step()
    return (model.get_parameter(weight) != before).flatten(1).any(1)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.Tanh])
@pytest.mark.parametrize("norm", [True, False])
def test_where_every_channel_does_something_nothing_is_done(activation, norm):
    model = chain(activation, norm)
    found, counts = same(model)
    assert counts == (0, 0, 0)
    assert all(torch.equal(a, b) for a, b in zip(found.body.parameters(), model[:-1].parameters(), strict=True))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU])
@pytest.mark.parametrize("norm", [True, False])
def test_zeroed_channels_get_weights_that_learn(activation, norm):
    model = chain(activation, norm)
    places = (0, 3, 6) if norm else (0, 2, 4)
    for place in places:
        zero(model[place], [1, 4], model[place + 1] if norm else None)
    zero(model[-3], [0, 7, 9])
    found, counts = same(model)
    assert counts[0] >= 9, "(without them, others may fall silent)"
    assert counts[1:] == (0, 0)
    with torch.no_grad():
        torch.testing.assert_close(found(OTHERS), model(OTHERS), rtol=1e-4, atol=1e-5)
    if activation is nn.ReLU:
        stuck = [~learning(as_classifier(model, (1, 8, 8)), f"body.model.{place}.weight") for place in places]
        assert all(one[[1, 4]].all() for one in stuck)
    for place in places:
        assert learning(found, f"body.model.{place}.weight").all()
    assert learning(found, f"body.model.{len(model) - 3}.weight").all()


@pytest.mark.parametrize("norm", [True, False])
def test_channels_that_never_fire_on_the_images_fire_afterwards(norm):
    model = chain(norm=norm)
    place = 6 if norm else 4
    with torch.no_grad():
        (model[7] if norm else model[4]).bias[[2, 5]] = -50
    found, counts = same(model)
    assert counts == (2, 0, 0)
    seen = []
    after = place + (2 if norm else 1)
    handle = found.body.model[after].register_forward_hook(lambda _, __, said: seen.append(said))
    found(IMAGES)
    handle.remove()
    firing = (seen[0] > 0).float().mean((0, 2, 3))
    assert ((firing[[2, 5]] > 0.1) & (firing[[2, 5]] < 0.9)).all()


@pytest.mark.parametrize("norm", [True, False])
def test_copies_are_merged_exactly_and_what_is_freed_is_new(norm):
    model = chain(norm=norm)
    first, by_channel, wide = (0, 3, 6) if norm else (0, 2, 4)
    for place in (first, by_channel):
        copied(model[place], 2, 1)
    copied(model[wide], 5, 3, 1.0 if norm else 2.5)
    copied(model[-3], 4, 0, 0.5)
    if norm:
        with torch.no_grad():
            for place in (1, 4, 7):
                for part in (model[place].running_mean, model[place].running_var):
                    part[2 if place < 7 else 5] = part[1 if place < 7 else 3]
    before = model[-1].weight.detach().clone()
    found, (silent, merged, scaled) = same(model)
    assert (silent, merged, scaled) == (1, 3, 0), "the first layer's copy is free once what takes it is"
    assert torch.equal(found.head.weight[:, 4], torch.zeros(3))
    torch.testing.assert_close(found.head.weight[:, 0], before[:, 0] + 0.5 * before[:, 4])
    with torch.no_grad():
        torch.testing.assert_close(found(OTHERS), model(OTHERS), rtol=1e-4, atol=1e-4)
    for place, row, other in ((first, 2, 1), (by_channel, 2, 1), (wide, 5, 3)):
        weight = found.body.model[place].weight
        assert not torch.allclose(weight[row], weight[other])
        assert learning(found, f"body.model.{place}.weight").all()


class Twice(nn.Module):
    """One layer that is used for two streams."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.other = nn.Conv2d(1, 4, 3), nn.Conv2d(1, 4, 3)
        self.shared, self.head = nn.Conv2d(4, 5, 3, padding=1), nn.Linear(10, 3)

    def forward(self, images: Tensor) -> Tensor:
        streams = [torch.relu(self.shared(torch.relu(enter(images)))) for enter in (self.enter, self.other)]
        return self.head(torch.cat(streams, 1).mean((2, 3)))


def twice() -> Twice:
    torch.manual_seed(1)
    return awake(Twice())


def test_a_channel_of_a_shared_layer_is_idle_only_if_it_is_at_every_use():
    model = twice()
    assert same(model)[1] == (0, 0, 0)
    zero(model.enter, [2])  # (the shared layer takes it here, and another one there)
    assert same(model)[1] == (0, 0, 0)
    zero(model.other, [2])
    found, counts = same(model)
    assert counts == (2, 0, 0)
    assert not found.body.model.shared.weight[:, 2].any()
    zero(model.shared, [3])
    assert same(model)[1] == (3, 0, 0)


def test_layers_that_share_a_weight_with_another_module_are_left_alone():
    model = twice()
    model.other.weight = model.enter.weight
    for layer in (model.enter, model.other):
        zero(layer, [2])
    found, counts = same(model)
    assert counts == (0, 0, 0)
    assert found.body.model.enter.weight is found.body.model.other.weight


class Streams(nn.Module):
    """A skip, and a concatenation in which channels change their places."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.inner, self.out = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 4, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width) for width in (4, 6, 4)])
        self.late, self.head = nn.Conv2d(10, 5, 1), nn.Linear(5, 3)

    def forward(self, images: Tensor) -> Tensor:
        stream = torch.relu(self.norms[0](self.enter(images)))
        inner = torch.relu(self.norms[1](self.inner(stream)))
        stream = torch.relu(stream + self.norms[2](self.out(inner)))
        return self.head(torch.relu(self.late(torch.cat([inner, stream], 1))).mean((2, 3)))


def streams() -> Streams:
    torch.manual_seed(4)
    return awake(Streams())


def test_what_writes_into_a_stream_gets_weights_behind_a_scale_of_zero():
    model = streams()
    zero(model.out, [0, 1, 2, 3], model.norms[2])
    found, counts = same(model)
    assert counts == (0, 0, 4)
    norm, layer = found.body.model.norms[2], found.body.model.out
    assert not norm.weight.any()
    assert layer.weight.flatten(1).any(1).all()
    assert learning(found, "body.model.out.weight").all()


def test_a_channel_is_followed_through_a_concatenation():
    model = streams()
    with torch.no_grad():
        model.norms[1].bias[3] = -50
    found, counts = same(model)
    assert counts == (1, 0, 0)
    late = found.body.model.late.weight
    assert [column for column in range(10) if not late[:, column].any()] == [3]
    assert [column for column in range(6) if not found.body.model.out.weight[:, column].any()] == [3]


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_behind_a_normalisation_over_channels_nothing_is_freed():
    for name in ("group norm", "vision transformer"):
        model = copy.deepcopy(strangers()[name].model).eval()
        assert same(model)[1] == (0, 0, 0)
    hidden = next(part for part in model.modules() if isinstance(part, nn.Linear) and part.out_features == 16)
    zero(hidden, [3, 8])  # (its hidden layer has none behind it)
    assert same(model)[1] == (2, 0, 0)
    grouped = strangers()["group norm"].model.eval()
    zero(grouped.body[3], [0, 1, 2, 3], grouped.body[4])
    assert same(grouped)[1] == (0, 0, 0)


class Mask(nn.Module):
    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


class Masked(nn.Conv2d):
    """Keeps its mask as a parameter."""

    def __init__(self, layer: nn.Conv2d, mask: Tensor) -> None:
        super().__init__(layer.in_channels, layer.out_channels, layer.kernel_size, padding=layer.padding)
        self.load_state_dict(layer.state_dict())
        self.mask = nn.Parameter(mask, requires_grad=False)

    def forward(self, given: Tensor) -> Tensor:
        return self._conv_forward(given, self.weight * self.mask, self.bias)


@pytest.mark.parametrize("kind", ["parametrisation", "own layer", "pruned by torch"])
def test_stored_masks_hold_nothing_back(kind):
    model = chain()
    mask = torch.ones_like(model[6].weight)
    mask[[1, 2, 6]] = 0
    with torch.no_grad():
        model[7].bias[[1, 2, 6]] = -1
        model[7].running_mean[[1, 2, 6]] = 1.0
        model[6].bias[[1, 2, 6]] = 0
    if kind == "parametrisation":
        parametrize.register_parametrization(model[6], "weight", Mask(mask))
    elif kind == "pruned by torch":
        prune.custom_from_mask(model[6], "weight", mask)
    else:
        model[6] = Masked(model[6], mask)
    found, counts = same(model)
    assert counts == (3, 0, 0)
    assert type(found.body.model[6]) is nn.Conv2d
    assert learning(found, "body.model.6.weight").all()


def test_a_mask_of_zeros_alone_and_answers_that_are_not_finite_are_no_obstacle():
    model = chain()
    for place in (0, 3, 6):
        zero(model[place], list(range(len(model[place].weight))), model[place + 1])
    silent, merged, scaled = same(model)[1]
    assert silent >= 20
    assert (silent + merged, scaled) == (29, 0), "what is left is constant, so the hidden layer says one thing"
    model[0].weight.data[0] = torch.nan
    plain = as_classifier(chain(), (1, 8, 8)).eval()
    plain.body.model[0].weight.data[0] = torch.nan
    found = regrown(plain, IMAGES, seed=0)
    assert (found.silent, found.merged, found.scaled) == (0, 0, 0)


def test_one_image_is_enough_and_draws_depend_on_the_seed_alone():
    model = chain()
    zero(model[6], [1, 4], model[7])
    before = torch.random.get_rng_state()
    one, again, other = (same(model, IMAGES[:1], seed=seed)[0].state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    assert not torch.equal(one["body.model.6.weight"], other["body.model.6.weight"])


def test_a_few_images_say_nothing_of_silence_but_zeros_are_zeros():
    model = chain()
    with torch.no_grad():
        model[-3].bias[[2, 5]] = -50
    zero(model[-3], [7])
    assert same(model, IMAGES[:5])[1] == (1, 0, 0)
    assert same(model)[1] == (3, 0, 0)


def test_the_shared_resnet_with_zeroed_channels():
    model = resnet20()
    images = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    names = ("layer1.0", "layer2.1", "layer3.2")
    with torch.no_grad():
        for block in (model.get_submodule(name) for name in names):
            for part in (block.conv1.weight, block.bn1.weight, block.bn1.bias, block.bn1.running_mean):
                part[:10] = 0
    found, (silent, _, _) = same(model, images)
    assert silent >= 30
    for block in (found.body.model.get_submodule(name) for name in names):
        assert block.conv1.weight[:10].flatten(1).any(1).all()
        assert not block.conv2.weight[:, :10].any()
