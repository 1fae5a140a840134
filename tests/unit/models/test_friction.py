"""Friction: what can be done to a network is done, nothing of its answers changes, and those who know undo it."""

import copy

import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError, RunError, UnsupportedError
from archlock.models import (
    Classifier,
    Fold,
    Neck,
    Network,
    Rescale,
    as_classifier,
    build,
    decoded_edits,
    edit_record,
    hindered,
    linear_head,
    rebalanced,
    restructured,
)
from archlock.models.edits import neck_of
from archlock.spaces import Architecture
from archlock.tasks import Signature
from shared_networks import resnet20

IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def chain(activation: type[nn.Module] = nn.ReLU, norm: type[nn.Module] | None = nn.BatchNorm2d) -> nn.Module:
    """Three convolutions, the second depthwise, and a head of three classes on twelve features."""
    torch.manual_seed(2)
    norms = [norm(6), norm(6)] if norm is nn.BatchNorm2d else [nn.GroupNorm(2, 6), nn.GroupNorm(2, 6)]
    layers = [
        *(nn.Conv2d(1, 6, 3, padding=1, bias=False), norms[0], activation()),
        *(nn.Conv2d(6, 6, 3, groups=6), norms[1], activation()),
        *(nn.Conv2d(6, 12, 1), activation(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 3)),
    ]
    model = nn.Sequential(*layers)
    model.train()(torch.rand(64, 1, 8, 8))
    return as_classifier(model, (1, 8, 8)).eval()


def ours() -> Network:
    signature = Signature("classification", (1, 8, 8), 3, (0.3,), (0.4,))
    network = build(Architecture("nasbench201", "300321"), signature, width=4, depth=1, seed=0)
    network.train()(IMAGES)
    return network.eval()


def answers(model: nn.Module, images: torch.Tensor = IMAGES) -> torch.Tensor:
    with torch.no_grad():
        return model(images)


def test_a_chain_is_folded_rescaled_and_narrowed_and_answers_the_same() -> None:
    model = chain()
    state = copy.deepcopy(model.state_dict())
    found = hindered(model, IMAGES, seed=3)
    torch.testing.assert_close(answers(found.model), answers(model), rtol=1e-4, atol=1e-5)
    assert found.difference < 1e-4
    layers = [f"body.model.{place}" for place in (0, 1, 3, 4, 6)]
    assert found.edits == (
        Fold(layers[0], layers[1]),
        Fold(layers[2], layers[3]),
        Rescale(layers[0], (layers[2],)),
        Rescale(layers[2], (layers[4],)),
        Rescale(layers[4], ("head",)),
        Neck(3),
    )
    assert found.left == ()
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in found.model.modules())


def test_scales_are_as_wide_as_asked_and_come_from_the_seed() -> None:
    def scales(**settings: float) -> torch.Tensor:
        model = chain()
        edited = hindered(model, IMAGES, seed=int(settings.pop("seed", 0)), **settings).model
        plain = hindered(model, IMAGES, spread=0, seed=0).model
        weights = [found.body.body.model[6].weight.flatten(1).norm(dim=1) for found in (edited, plain)]
        inner = [found.body.body.model[3].weight.flatten(1).norm(dim=1) for found in (edited, plain)]
        return torch.cat([(weights[0] / weights[1]).log(), (inner[0] / inner[1]).log()]).detach()

    assert scales(spread=0).abs().max() < 1e-5
    assert 0.5 < scales(spread=1.5).std() < 4
    assert torch.equal(scales(seed=1), scales(seed=1))
    assert not torch.equal(scales(seed=1), scales(seed=2))


def test_what_attackers_who_know_do_gives_the_same_network_from_both_forms() -> None:
    model = chain()
    found = hindered(model, IMAGES, seed=0)
    undone = rebalanced(found.model, IMAGES)
    torch.testing.assert_close(answers(undone.model), answers(model), rtol=1e-3, atol=1e-4)
    assert undone.equalised == 4, "the three convolutions, and the neck"
    deviations = undone.model.body.body.model[0].norm.weight
    torch.testing.assert_close(deviations, torch.ones(6), rtol=1e-3, atol=1e-3)


def test_a_network_of_ours_stays_one() -> None:
    model = ours()
    found = hindered(model, IMAGES, seed=0)
    assert isinstance(found.model, Network)
    torch.testing.assert_close(answers(found.model), answers(model), rtol=1e-4, atol=1e-5)
    assert found.model.features == linear_head(found.model).in_features == 3
    assert sum(isinstance(edit, Fold) for edit in found.edits) > 3


def test_what_cannot_be_done_is_left_with_its_reason() -> None:
    bent = hindered(chain(activation=nn.GELU), IMAGES, seed=0)
    assert [type(edit) for edit in bent.edits] == [Fold, Fold, Neck]
    assert any("an activation that is not positively homogeneous" in reason for reason in bent.left)
    grouped = hindered(chain(activation=nn.GELU, norm=nn.GroupNorm), IMAGES, seed=0)
    assert grouped.edits == (Neck(3),)
    assert any("what is left of GroupNorm is not folded: only a BatchNorm" in reason for reason in grouped.left)


def layer_norm_only(classes: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, classes)
    )


def test_a_network_to_which_nothing_can_be_done_is_refused_with_all_reasons() -> None:
    with pytest.raises(
        UnsupportedError, match="nothing can be done to this model without changing its answers"
    ) as said:
        hindered(as_classifier(layer_norm_only(6), (1, 8, 8)), IMAGES, seed=0)
    for words in (
        "LayerNorm is not folded",
        "no channels are rescaled: between every layer",
        "the head looks at all the 4 directions that they have",
    ):
        assert words in str(said.value)
    narrow = hindered(as_classifier(layer_norm_only(2), (1, 8, 8)), IMAGES, seed=0)
    assert narrow.edits == (Neck(2),)


def test_weights_that_are_no_numbers_are_said() -> None:
    model = ours()
    with torch.no_grad():
        next(model.cells.parameters()).fill_(torch.nan)
    with pytest.raises(MeasurementError, match="the answers of the model are not finite numbers"):
        hindered(model, IMAGES, seed=0)


@pytest.mark.parametrize("model", [chain(), ours()], ids=["a stranger's", "ours"])
def test_records_of_the_edits_build_the_structure_again(model: nn.Module) -> None:
    found = hindered(model, IMAGES, seed=0)
    records = [edit_record(edit) for edit in found.edits]
    again = restructured(copy.deepcopy(model), decoded_edits(records))
    again.load_state_dict(found.model.state_dict(), assign=True)
    assert torch.equal(answers(again), answers(found.model))
    assert decoded_edits(records) == found.edits


def test_a_neck_of_any_width_takes_no_memory_before_its_numbers_are_there() -> None:
    model = Classifier(nn.Flatten(), nn.Linear(100_000, 2))
    again = restructured(model, [Neck(99_999)])
    assert {value.is_meta for value in again.parameters()} == {True}, "40 gigabytes"
    assert neck_of(again).weight.shape == (99_999, 100_000)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ("fold", "edits are a list of objects"),
        ([{"edit": "melt"}], r"edits\[0\] is the unknown edit 'melt'; known: fold, rescale, neck"),
        ([{"edit": "neck", "width": "ten"}], r"edits\[0\].width"),
        ([{"edit": "neck", "width": 12}], "a neck of 12 features does not fit a head that takes 12: expected fewer"),
        ([{"edit": "fold", "layer": "body.model.0", "norm": "body.model.9"}], "'body.model.9', found a Flatten there"),
        ([{"edit": "rescale", "layer": "head", "takers": ["tail"]}], "expected a layer 'tail', found nothing there"),
    ],
)
def test_edits_that_do_not_fit_are_said(records: object, words: str) -> None:
    with pytest.raises(RunError, match=words):
        restructured(chain(), decoded_edits(records))


def test_the_shared_resnet_loses_nothing() -> None:
    model = as_classifier(resnet20(), (3, 32, 32)).eval()
    images = torch.rand(32, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = hindered(model, images, seed=0)
    kinds = [type(edit) for edit in found.edits]
    assert (kinds.count(Fold), kinds.count(Rescale), found.edits[-1]) == (19, 9, Neck(10))
    torch.testing.assert_close(answers(found.model, images), answers(model, images), rtol=1e-4, atol=1e-4)
