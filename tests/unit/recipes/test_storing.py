"""What is written of an edited network is what was to be written, or nothing is."""

from pathlib import Path

import pytest
import torch
from torch import nn

from archlock.errors import RunError, UnsupportedError
from archlock.models import as_classifier
from archlock.recipes.edited_base import base_of
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.storing import stored
from foreign_models import FACTORY, plain_network

SHAPE = (1, 8, 8)


def given(module: nn.Module, folder: Path) -> nn.Module:
    ready = as_classifier(module, SHAPE)
    opened: OpenedModel = open_model(module)
    base = base_of(ready, name="mine", blueprint=None, factory=FACTORY, arguments={})
    return stored(folder, opened, ready, (), base, shape=SHAPE, factory=FACTORY, arguments={})


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_what_is_read_again_answers_the_same_bits_in_whatever_order_the_weights_were(
    memory: torch.memory_format, tmp_path: Path
) -> None:
    module = plain_network().to(memory_format=memory)
    again = given(module, tmp_path)
    images = torch.rand(4, *SHAPE)
    with torch.no_grad():
        assert torch.equal(again(images), open_model(tmp_path, factory=FACTORY).module(images))
        torch.testing.assert_close(again(images), module(images))


def test_nothing_is_left_of_what_would_answer_otherwise(tmp_path: Path) -> None:
    other = plain_network()
    other[2] = nn.Tanh()  # (as many weights of the same names, and not what the factory builds)
    with pytest.raises(RunError, match="answers otherwise"):
        given(other, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_module_without_a_head_is_not_written(tmp_path: Path) -> None:
    opened = open_model(plain_network())
    base = base_of(as_classifier(plain_network(), SHAPE), name="mine", blueprint=None, factory=FACTORY, arguments={})
    with pytest.raises(UnsupportedError, match="Sequential has no head that is known"):
        stored(tmp_path, opened, plain_network(), (), base, shape=SHAPE, factory=FACTORY, arguments={})
    assert list(tmp_path.iterdir()) == []
