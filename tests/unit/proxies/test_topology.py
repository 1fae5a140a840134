import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archlock.errors import UnsupportedError
from archlock.proxies import measure_all
from archlock.proxies.nn_degree import NnDegree
from archlock.proxies.nn_mass import NnMass
from archlock.proxies.topology import CellShape, cells
from archlock.testing.proxies import small_batches, small_model
from archlock.training import Batch
from proxy_networks import image_batches, residual

HEAD = CellShape(3, 1, 0)


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


def dense(x, a, b, c, d, e):
    x = a(x)
    for layer in (b, c, d, e):
        x = torch.cat([x, layer(x)], 1)
    return x


def counted(model):
    torch.manual_seed(0)
    (batch,) = image_batches(1)
    model = model.double()
    model(batch.images)  # gives the head its width
    return cells(model, Batch(batch.images.clone(), batch.targets))


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (chain, CellShape(4, 5, 0)),
        (residuals, CellShape(4, 5, 4 + 4)),
        (longer, CellShape(4, 5, 4 + 4)),
        (longer_in_another_order, CellShape(4, 5, 4 + 4)),
        (dead, CellShape(4, 3, 0)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_cells_counted_by_hand(wire, expected):
    assert set(counted(Wired(wire))) == {expected, HEAD}


def test_a_fully_concatenated_cell_has_density_one():
    model = Wired(dense, inputs=(2, 4, 8, 12, 16))
    shape = CellShape(4, 5, 4 * (1 + 2 + 3 + 4))
    assert set(counted(model)) == {shape, HEAD}
    assert NnMass().measure(model, image_batches(1), seed=0) == pytest.approx(4 * 5 * 1.0)
    assert NnDegree().measure(model, image_batches(1), seed=0) == pytest.approx(4 + 40 / (4 * 5) + 3)


def test_a_residual_network_by_the_formulas():
    assert NnMass().measure(residual(), image_batches(1), seed=0) == pytest.approx(3 * 2 * 3 / (3 * 2 * 1 / 2))
    assert NnDegree().measure(residual(), image_batches(1), seed=0) == pytest.approx((3 + 3 / (3 * 2)) + 3)


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
