"""From scratch means that not one learned number is left: held against modules of many kinds."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from archlock.errors import UnsupportedError
from archlock.models import as_classifier, open_classifier, reinitialised, with_new_head
from archlock.models.heads import begun_anew
from archlock.models.surgery import widened
from archlock.tasks import Signature
from foreign_models import vit_folder

THREE = Signature("classification", (3, 16, 16), 3, (0.5,) * 3, (0.5,) * 3)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(6, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, rows: Tensor) -> Tensor:
        answer: Tensor = self.head(self.cells(rows)[0][:, -1])
        return answer


class Tokens(nn.Module):
    """A transformer with a class token and a position embedding, as vision transformers have them."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.position = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.randn(1, 5, 8))
        self.layer, self.head = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.Linear(8, 3)

    def forward(self, rows: Tensor) -> Tensor:
        joined = torch.cat([self.token.expand(len(rows), -1, -1), rows], 1) + self.position
        answer: Tensor = self.head(self.layer(joined)[:, 0])
        return answer


class SelfDrawing(Tokens):
    def reset_parameters(self) -> None:
        nn.init.normal_(self.token)
        nn.init.normal_(self.position)


class FrozenNorm(nn.Module):
    """Trained statistics as buffers, as in the backbones of detectors; and a constant."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "grid"):
            self.register_buffer(name, torch.rand(6))

    def forward(self, rows: Tensor) -> Tensor:
        return (rows - self.get_buffer("running_mean")) * self.get_buffer("weight") + self.get_buffer("grid")


def convolutional(wrap: object = lambda layer: layer) -> nn.Module:
    first, second = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)
    return nn.Sequential(
        wrap(first),
        nn.BatchNorm2d(4),
        nn.PReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        wrap(second),  # type: ignore[operator]
    )


IMAGES, ROWS, TOKENS = torch.rand(8, 1, 6, 6), torch.rand(8, 4, 6), torch.rand(8, 4, 8)
RESET = {
    "convolutions": (convolutional, IMAGES),
    "weight norm": (lambda: convolutional(parametrizations.weight_norm), IMAGES),
    "spectral norm": (lambda: convolutional(parametrizations.spectral_norm), IMAGES),
    "orthogonal": (lambda: nn.Sequential(parametrizations.orthogonal(nn.Linear(6, 6))), ROWS),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), TOKENS),
    "transformer": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2), TOKENS),
    "recurrent": (Recurrent, ROWS),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 6), nn.BatchNorm1d(4), nn.RMSNorm(6)), ROWS),
    "self-drawing": (SelfDrawing, TOKENS),
}


def trained(model: nn.Module, given: Tensor) -> nn.Module:
    """Every parameter and statistic is moved a long way off by a few steps and a shove."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model.train()(given).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand_like(parameter) + 7)
    return model.eval()


@pytest.mark.parametrize("kind", RESET)
def test_not_one_learned_number_is_left(kind: str) -> None:
    make, given = RESET[kind]
    torch.manual_seed(3)
    model = trained(make(), given)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    one, again, other = (reinitialised(model, seed=seed) for seed in (0, 0, 1))
    state = one.state_dict()
    assert state.keys() == before.keys()
    assert [name for name, value in state.items() if value.numel() and value.eq(before[name]).any()] == []
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in state.items())
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in state.items())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        assert one(given).isfinite().all()
        assert not torch.allclose(one(given), model(given))


def test_spectral_norm_is_in_force_after_it() -> None:
    model = trained(convolutional(parametrizations.spectral_norm), IMAGES)
    weight = reinitialised(model, seed=0)[5].weight
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=0.05)


def test_bare_parameters_are_refused_by_name() -> None:
    with pytest.raises(
        UnsupportedError, match=r"Tokens cannot be trained from scratch: .* how to set token, position anew"
    ):
        reinitialised(Tokens(), seed=0)


def test_learned_buffers_are_refused_and_constants_are_not() -> None:
    model = nn.Sequential(nn.Linear(6, 6), FrozenNorm())
    with pytest.raises(UnsupportedError, match=r"nothing says how to set 1\.weight, 1\.bias, 1\.running_mean anew"):
        reinitialised(model, seed=0)


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_hooks_that_compute_weights_are_refused() -> None:
    with torch.no_grad():
        old = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(4, 3)))
    old[0].weight = old[0].weight.detach()  # (or torch cannot copy it)
    with pytest.raises(UnsupportedError, match=r"nothing says how to set 0\.weight_g, 0\.weight_v anew"):
        reinitialised(old, seed=0)


def test_whole_numbers_and_methods_that_fail_are_refused() -> None:
    packed = nn.Linear(4, 3)
    packed.codes = nn.Parameter(torch.ones(4, dtype=torch.int8), requires_grad=False)
    with pytest.raises(UnsupportedError, match="nothing says how to set codes anew"):
        reinitialised(packed, seed=0)

    class Broken(nn.Linear):
        built = False

        def reset_parameters(self) -> None:
            if self.built:
                raise ValueError("no such scheme")

    broken = Broken(3, 3)
    nn.init.ones_(broken.weight)
    broken.built = True
    with pytest.raises(
        UnsupportedError, match=r"weights of Broken cannot be begun anew: reset_parameters\(\) fails \(no such s"
    ):
        reinitialised(nn.Sequential(broken), seed=0)

    class Demanding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(2))

        def reset_parameters(self, std: float) -> None:
            nn.init.normal_(self.scale, std=std)

    with pytest.raises(UnsupportedError, match="nothing says how to set scale anew"):
        reinitialised(Demanding(), seed=0)


def test_what_is_kept_keeps_its_value() -> None:
    model = Tokens()
    fresh, left = begun_anew(model, seed=0)
    assert left == ("token", "position")
    assert torch.equal(fresh.get_parameter("position"), model.position)
    rows = as_classifier(nn.Sequential(nn.Flatten(1, 2), model), (1, 4, 8))
    bodies = widened(rows, seed=0).get_submodule("body.bodies")
    assert torch.equal(bodies.get_parameter("1.model.1.position"), model.position)


def test_the_library_draws_its_own_models(tmp_path: Path) -> None:
    model, _ = open_classifier(str(vit_folder(tmp_path)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.rand_like(parameter) + 7)
    headed = with_new_head(model, THREE, seed=0)
    one, again = (reinitialised(headed, seed=1) for _ in range(2))
    assert one(torch.rand(2, 3, 16, 16)).shape == (2, 3)
    assert max(parameter.abs().max().item() for name, parameter in one.named_parameters() if "norm" not in name) < 1
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in one.state_dict().items())
    assert torch.equal(one.body.model.normalise.mean, model.normalise.mean)
