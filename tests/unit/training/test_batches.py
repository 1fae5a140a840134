import numpy as np
import pytest
import torch
import torch.nn.functional as F

from archlock.tasks import Split
from archlock.training import batch_of, batches, loss_of

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (11, 4, 5, 3), dtype=np.uint8)
CLASSES = Split(IMAGES, np.arange(11, dtype=np.int64))
DENSE = Split(IMAGES, RNG.integers(0, 256, (11, 4, 5, 2), dtype=np.uint8))


def test_a_batch_holds_every_pixel():
    batch = batch_of(DENSE)
    assert len(batch) == 11
    for tensor, array in ((batch.images, DENSE.images), (batch.targets, DENSE.targets)):
        assert tensor.dtype == torch.float32
        assert tensor.shape == (11, array.shape[3], 4, 5)
        assert tensor.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_array_equal(tensor.numpy(), (array.astype(np.float32) / 255).transpose(0, 3, 1, 2))
    labels = batch_of(CLASSES).targets
    assert labels.dtype == torch.int64
    assert labels.tolist() == list(range(11))


def test_a_split_is_not_written_through_and_may_be_read_only():
    images, targets = IMAGES.copy(), np.arange(11, dtype=np.int64)
    batch = batch_of(Split(images, targets))
    batch.images.zero_()
    batch.targets.zero_()
    assert (images == IMAGES).all()
    assert (targets == np.arange(11)).all()
    images.flags.writeable = targets.flags.writeable = False
    assert batch_of(Split(images, targets)).targets.tolist() == list(range(11))
    backwards = batch_of(Split(IMAGES[::-1], CLASSES.targets[::-1]))
    assert torch.equal(backwards.images, batch_of(CLASSES).images.flip(0))


def test_batches_cover_the_split_once():
    found = list(batches(CLASSES, 4))
    assert [len(batch) for batch in found] == [4, 4, 3]
    assert torch.cat([batch.targets for batch in found]).tolist() == list(range(11))
    assert torch.equal(torch.cat([batch.images for batch in found]), batch_of(CLASSES).images)
    assert len(list(batches(CLASSES, 100))) == 1


def test_shuffled_batches_depend_on_the_seed_alone():
    orders = [torch.cat([batch.targets for batch in batches(CLASSES, 4, seed=seed)]).tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == list(range(11))
    assert orders[0] != list(range(11))
    for batch in batches(CLASSES, 4, seed=0):
        assert torch.equal(batch.images, batch_of(CLASSES.take(batch.targets.numpy())).images)


def test_batches_go_to_a_device():
    batch = batch_of(CLASSES).to("meta")
    assert batch.images.device.type == batch.targets.device.type == "meta"


def test_the_loss_belongs_to_the_kind_of_target():
    outputs = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    by_hand = -(outputs - outputs.logsumexp(1, keepdim=True))[torch.arange(6), labels]
    torch.testing.assert_close(loss_of(outputs, labels), by_hand.mean())
    smoothed = 0.9 * by_hand + 0.1 * -F.log_softmax(outputs, 1).mean(1)
    torch.testing.assert_close(loss_of(outputs, labels, label_smoothing=0.1), smoothed.mean())
    answers, wanted = torch.rand(2, 1, 3, 3), torch.rand(2, 1, 3, 3)
    assert loss_of(answers, wanted, label_smoothing=0.1).item() == pytest.approx(
        ((answers - wanted) ** 2).mean().item()
    )
