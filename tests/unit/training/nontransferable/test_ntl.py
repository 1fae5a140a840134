import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.testing.nontransferable import plainly_trained
from archlock.training.nontransferable.method import features_and_answers, kept_statistics
from archlock.training.nontransferable.ntl import Ntl


def of(*values):
    return [torch.tensor(value, requires_grad=True) for value in values]


def test_the_loss_is_that_of_the_paper():
    assert Ntl().loss(*of(2.0, 3.0, 4.0)).item() == pytest.approx(2 - 0.3 * 0.4)
    assert Ntl(0.5, 0.2).loss(*of(2.0, 1.5, 4.0)).item() == pytest.approx(2 - 0.75 * 0.8)


def test_what_is_high_enough_is_driven_no_further():
    source, target, apart = of(2.0, 30.0, 4.0)
    loss = Ntl().loss(source, target, apart)
    loss.backward()
    assert loss.item() == pytest.approx(2 - 1 * 0.4)
    assert (float(source.grad), float(target.grad)) == (1, 0)
    assert float(apart.grad) == pytest.approx(-0.1)


def test_weights_that_are_none_are_refused():
    with pytest.raises(ConfigurationError, match=r"above 0; got 0\.1, -1 and 0\.001"):
        Ntl(feature_weight=-1)


def test_a_target_leaves_no_trace_in_the_statistics_and_a_gradient_can_be_taken():
    model = plainly_trained()
    images = torch.rand(6, 1, 8, 8)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train()
    try:
        with kept_statistics(model):
            features, answers = features_and_answers(model, images)
            assert any(not torch.equal(before[name], buffer) for name, buffer in model.named_buffers())
        assert all(torch.equal(before[name], buffer) for name, buffer in model.named_buffers())
        assert torch.equal(model.head(features), answers)
        (gradient,) = torch.autograd.grad(features.sum(), [next(model.parameters())])
        assert torch.isfinite(gradient).all()
    finally:
        model.eval()
