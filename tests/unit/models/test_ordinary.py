import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.models import count_parameters, ordinary, reinitialised, with_new_head
from archlock.models.ordinary import Ordinary
from archlock.tasks import Signature


def signature(kind="classification", shape=(1, 8, 8), outputs=5):
    return Signature(kind, shape, outputs, (0.5,) * shape[0], (0.2,) * shape[0])


def test_its_size_is_the_nearest_there_is():
    sizes = [count_parameters(Ordinary(signature(), width)) for width in range(1, 12)]
    assert sizes == sorted(set(sizes))
    for parameters in (1, sizes[3], sizes[3] + 1, sizes[4] - 1, (sizes[6] + sizes[7]) // 2, 40_000):
        found = count_parameters(ordinary(signature(), parameters=parameters, seed=0))
        assert abs(found - parameters) == min(abs(size - parameters) for size in sizes)


def test_at_a_middling_size_it_is_within_a_tenth():
    for parameters in (73_000, 200_000, 1_000_000):
        assert count_parameters(ordinary(signature(), parameters=parameters, seed=0)) == pytest.approx(
            parameters, rel=0.1
        )


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 21), (3, 64, 80), (3, 130, 128)])
@pytest.mark.parametrize("kind", ["classification", "dense"])
def test_it_answers_in_shape(kind, shape):
    model = ordinary(signature(kind, shape, 2), parameters=2_000, seed=0).eval()
    answers = model(torch.rand(3, *shape))
    assert answers.shape == ((3, 2) if kind == "classification" else (3, 2, *shape[1:]))
    assert torch.isfinite(answers).all()


def test_photographs_are_reduced_before_the_blocks():
    """Its work is then of the order of what networks for photographs do, and not a multiple of it."""
    maps = []
    for side in (32, 63, 64, 127, 128):
        model = ordinary(signature(shape=(3, side, side)), parameters=2_000, seed=0)
        model.blocks[0].register_forward_pre_hook(lambda _, inputs: maps.append(inputs[0].shape[-1]))
        model(torch.rand(1, 3, side, side))
    assert maps == [32, 63, 32, 64, 32]


def test_its_weights_depend_on_the_seed_alone():
    before = torch.random.get_rng_state()
    one, same, other = (ordinary(signature(), parameters=3_000, seed=seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(one["stem.convolution.weight"], other["stem.convolution.weight"])
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_it_takes_another_head():
    model = ordinary(signature(), parameters=3_000, seed=0)
    fresh = with_new_head(model, signature(outputs=7), seed=0)
    assert fresh(torch.rand(2, 1, 8, 8)).shape == (2, 7)
    drawn = reinitialised(model, seed=9)
    assert not torch.equal(drawn.stem.convolution.weight, model.stem.convolution.weight)


def test_a_size_that_no_network_has():
    with pytest.raises(ConfigurationError, match="needs a size of at least 1 parameter; got 0"):
        ordinary(signature(), parameters=0, seed=0)
