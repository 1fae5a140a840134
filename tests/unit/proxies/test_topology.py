import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.proxies import measure_all
from archlock.proxies.cells import CellShape, cells
from archlock.proxies.nn_degree import NnDegree
from archlock.proxies.nn_mass import NnMass
from archlock.proxies.topology import topology
from archlock.testing.proxies import small_batches, small_model
from archlock.training import Batch
from proxy_networks import image_batches, residual


class Wired(nn.Module):
    """Five 3x3 convolutions of four channels and a head, wired by a function of them and of the images."""

    def __init__(self, wire, inputs=(2, 4, 4, 4, 4)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(n, 4, 3, padding=1) for n in inputs)
        self.wire, self.head = wire, nn.LazyLinear(3)

    def forward(self, images):
        return self.head(self.wire(images, *self.layers).mean((2, 3)))


def chain(x, a, b, c, d, e):
    return e(d(c(b(a(x)))))


def residuals(x, a, b, c, d, e):
    x = a(x)
    x = x + c(F.relu(b(x)))
    return x + e(F.relu(d(x)))


def longer(x, a, b, c, d, e):
    x = a(x)
    y = c(b(x))
    return x + y + d(e(y))


def longer_in_another_order(x, a, b, c, d, e):
    x = a(x)
    y = c(b(x))
    return d(e(y)) + y + x


def dead(x, a, b, c, d, e):
    y = c(b(a(x)))
    d(y)  # nobody reads it
    return y + e(a(x)) * 0


def one_layer(x, a, b, c, d, e):
    x = a(x)
    return x + b(x)


def projected(x, a, b, c, d, e):
    x = a(x)
    return d(x) + c(b(x))


def dense(x, a, b, c, d, e):
    x = a(x)
    for layer in (b, c, d, e):
        x = torch.cat([x, layer(x)], 1)
    return x


def plain(*widths, links):
    possible = sum(sum(widths[: place - 1]) for place in range(2, len(widths)))
    return CellShape(widths, skipped=0, dense=0, possible=possible, links=links)


def counted(model):
    torch.manual_seed(0)
    (batch,) = image_batches(1)
    model = model.double()
    model(batch.images)  # gives the head its width
    return cells(topology(model, Batch(batch.images.clone(), batch.targets)))


BLOCK = CellShape((4, 4), skipped=4, dense=4, possible=4, links=2 * 16 + 4)
LONGER = CellShape((4, 4, 4, 4), skipped=8, dense=8, possible=4 + 8 + 12, links=4 * 16 + 8)
STEM = plain(4, links=2 * 4)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (chain, (plain(4, 4, 4, 4, 4, links=2 * 4 + 4 * 16),)),
        (residuals, (STEM, BLOCK, BLOCK)),
        (longer, (STEM, LONGER)),
        (longer_in_another_order, (STEM, LONGER)),
        (dead, (plain(4, 4, 4, links=2 * 4 + 2 * 16),)),
        (one_layer, (STEM, CellShape((4,), skipped=4, dense=0, possible=0, links=16 + 4))),
        (projected, (STEM, CellShape((4, 4), skipped=4, dense=4, possible=4, links=2 * 16 + 4))),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_cells_counted_by_hand(wire, expected):
    assert counted(Wired(wire)) == expected


def test_a_fully_concatenated_cell_has_density_one():
    model = Wired(dense, inputs=(2, 4, 8, 12, 16))
    skipped = 4 * (1 + 2 + 3)
    assert counted(model) == (CellShape((4,) * 5, skipped, skipped, skipped, links=4 * (2 + 4 + 8 + 12 + 16)),)
    assert NnMass().measure(model, image_batches(1), seed=0) == pytest.approx(4 * 5 * 1.0)
    assert NnDegree().measure(model, image_batches(1), seed=0) == pytest.approx(4 + 24 / (4 * 5))
    links = NnDegree("links").measure(model, image_batches(1), seed=0)
    assert links == pytest.approx((2 * 4 + 4 * 16 + 24 * 4) / (4 * 5))  # the first layer reads two channels, not four


def test_some_channels_of_a_concatenation_count_as_many_as_they_are():
    def thin(x, a, b, c, d, e):
        first = a(x)
        second = b(first)
        third = c(torch.cat([second, first[:, :1]], 1))
        return e(d(torch.cat([third, torch.cat([second, first], 1)[:, 2:5]], 1)))

    (cell, rest) = counted(Wired(thin, inputs=(2, 4, 5, 7, 4)))
    assert (cell.widths, cell.skipped, cell.possible) == ((4, 4, 4, 4), 1 + 3, 4 + 8)
    assert rest == plain(4, links=16)


def test_a_residual_network_by_the_formulas():
    assert NnMass().measure(residual(), image_batches(1), seed=0) == pytest.approx(0)
    assert NnDegree().measure(residual(), image_batches(1), seed=0) == pytest.approx(3 + (3 + 3 / 3))


def resnet(blocks, widths):
    """A residual network of basic blocks: stem of the first width, shortcuts of 1x1 convolutions where it widens."""
    from archlock.models.operations import ResidualBlock

    layers, before = [nn.Conv2d(2, widths[0], 3, padding=1)], widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(ResidualBlock(before, width, 2 if stage and not block else 1, pooled=bool(stage % 2)))
            before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 3)).double()


def test_the_mass_of_a_residual_network_is_the_hand_sum_and_grows_with_its_depth():
    """Every block of two layers has the mass of what comes in and what goes out; ResNet-18 is 8 x these widths."""
    widths = (8, 16, 32, 64)
    for blocks in (1, 2, 3):
        by_hand = sum(before + width for before, width in zip((8, *widths), widths, strict=False))
        by_hand += (blocks - 1) * sum(2 * width for width in widths)
        assert NnMass().measure(resnet(blocks, widths), image_batches(1), seed=0) == pytest.approx(by_hand)
    eighteen = NnMass().measure(resnet(2, widths), image_batches(1), seed=0)
    assert 8 * eighteen == pytest.approx(128 + 128 + 192 + 256 + 384 + 512 + 768 + 1024)


def test_the_mass_of_inverted_bottlenecks_is_the_hand_sum():
    """(a + 2 h) a / (2 a + h) for each that is added to its input, and nothing for the others."""
    from archlock.models.mobilenet_macro import InvertedBottleneck

    rows = [(6, 4, 6, 1), (6, 6, 8, 1), (6, 8, 8, 2), (6, 8, 8, 1), (6, 8, 8, 1), (3, 8, 8, 1)]
    layers = [nn.Conv2d(2, 4, 3, padding=1)]
    layers += [InvertedBottleneck(a, b, stride, kernel=3, expansion=times) for times, a, b, stride in rows]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)).double()
    added = [(a, times * a) for times, a, b, stride in rows if stride == 1 and a == b]
    by_hand = sum((a + 2 * h) * a / (2 * a + h) for a, h in added)
    assert NnMass().measure(model, image_batches(1), seed=0) == pytest.approx(by_hand)


@pytest.mark.parametrize("counting", ["channels", "links"])
def test_the_number_of_classes_does_not_matter(counting):
    found = []
    for classes in (3, 100):
        model = resnet(1, (4, 8))
        model[-1] = nn.Linear(8, classes).double()
        found.append(NnDegree(counting).measure(model, image_batches(1), seed=0))
    assert found[0] == found[1] > 0


def test_another_way_of_counting_is_refused():
    with pytest.raises(ConfigurationError, match="counts skips by channels or by links; got 'weights'"):
        NnDegree("weights")


@pytest.mark.parametrize("name", ["nn_mass", "nn_degree"])
def test_weights_and_images_do_not_matter(name):
    first, second = image_batches(2)
    a, b = (measure_all(residual(seed), [batch], [name], seed=0)[name] for seed, batch in [(0, first), (1, second)])
    assert a.value == b.value


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, 32))

    def forward(self, images):
        return images.flatten(1) @ self.weight.T


class Unseen(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = nn.Linear(32, 4), nn.Linear(36, 3)

    def forward(self, images):
        with torch.no_grad():
            hidden = self.hidden(images.flatten(1))
        return self.head(torch.cat([hidden, images.flatten(1)], 1))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Functional(), "no layer module .* lies between images and loss"),
        (Unseen(), "a Linear runs where auto"),
    ],
    ids=["functional", "unseen"],
)
def test_where_the_topology_cannot_be_read_the_proxies_are_unsupported(model, words):
    with pytest.raises(UnsupportedError, match=words):
        NnMass().measure(model.double(), image_batches(1), seed=0)
    found = measure_all(model.double(), image_batches(1), ["nn_degree", "nn_mass", "params"], seed=0)
    assert [value.status for value in found.values()] == ["unsupported", "unsupported", "valid"]


def test_a_constant_predictor_fails_and_is_not_unsupported():
    model = small_model("classification", connected=False)
    found = measure_all(model, small_batches("classification"), ["nn_mass"], seed=0)["nn_mass"]
    assert found.status == "failed"
    assert found.note.startswith("nn_mass has no value for this model: its output does not depend on the images")
