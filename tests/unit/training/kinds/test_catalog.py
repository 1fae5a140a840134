import pytest
import torch

from archlock.embeddings import task2vec
from archlock.models import PROBES, build
from archlock.tasks import KINDS
from archlock.testing.attacks import ARCHITECTURE
from archlock.testing.small_tasks import small_task
from archlock.training import LEARNING, batch_of
from archlock.training.batches import Batch


def test_both_halves_of_every_kind_are_there():
    assert tuple(LEARNING) == tuple(KINDS)
    assert all(learning.kind == name for name, learning in LEARNING.items())


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_knows_its_kind_and_has_the_form_that_the_kind_says(name):
    task = small_task(name, train=12, validation=4, test=4)
    batch = batch_of(task.train)
    assert batch.kind == batch.to("cpu").kind == name
    assert batch.targets.is_floating_point() == KINDS[name].floating
    assert batch.targets.ndim == KINDS[name].stored[1]
    answer = build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0)(batch.images)
    assert answer.shape == (12, task.outputs, *(task.shape[1:] if KINDS[name].dense else ()))
    assert torch.isfinite(LEARNING[name].loss(answer, batch.targets, label_smoothing=0.0))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_an_embedding(name):
    found = task2vec(small_task(name, train=12, validation=4, test=4), PROBES["embedded"](), examples=8, layers="last")
    assert found.vector.min() >= 0
    assert found.vector.max() > 0


def test_bare_tensors_are_taken_for_what_they_look_like():
    images = torch.rand(2, 1, 4, 4)
    for targets, kind in (
        (torch.tensor([0, 1]), "classification"),
        (torch.rand(2, 1, 4, 4), "dense"),
        (torch.tensor([[0, 1], [1, 1]]), "labels"),
        (torch.rand(2, 3), "regression"),
    ):
        assert Batch(images, targets).kind == kind
