import copy

import numpy as np
import pytest
import torch
from torch import nn

from archlock.embeddings import asymmetric_distance, distance, task2vec
from archlock.embeddings.task2vec import spread_rows
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import Probe, open_probe
from archlock.tasks import Split, Task
from archlock.training.kinds.classification import fit_classes
from shared_data import shared


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 5, 3, 2, 1, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 6, 3, 2, 1), nn.ReLU()
    )
    body.train()
    with torch.no_grad():
        body(torch.randn(64, 3, 12, 12))
    return Probe("tiny", body, 12, (0.5,) * 3, (0.25,) * 3)


def task_of(images, targets, classes=3, name="made"):
    split = Split(images, targets)
    few = split.take(np.arange(2))
    kind = "dense" if targets.ndim == 4 else "classification"
    names = () if kind == "dense" else tuple(f"class {i}" for i in range(classes))
    return Task(name, kind, names, split, few, few, "made by the test")


def stripes(count=60, classes=3, channels=3, size=12, seed=0):
    """Images whose class is the direction of a grating."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(0, classes, count))  # sorted: the classes come one after the other
    y, x = np.mgrid[:size, :size]
    angle = labels * np.pi / classes
    phase = rng.uniform(0, 6, (count, 1, 1))
    wave = np.sin(np.cos(angle)[:, None, None] * x + np.sin(angle)[:, None, None] * y + phase)
    images = np.repeat((127 + 80 * wave)[..., None], channels, 3) + rng.normal(0, 20, (count, size, size, channels))
    return np.clip(images, 0, 255).astype(np.uint8), labels


def brute_force(task, probe):
    """The definition, in float64: examples, classes and layers one by one."""
    network = probe.network().double()
    network[0].weight.requires_grad_(True)
    network[3].weight.requires_grad_(True)
    inputs = probe.prepare(torch.from_numpy(task.train.images).permute(0, 3, 1, 2).double() / 255)
    with torch.no_grad():
        head = fit_classes(network(inputs).mean((2, 3)).numpy(), task.train.targets)
    total = [0.0, 0.0]
    for image in inputs:
        logits = network(image[None]).mean((2, 3)) @ head.weight.double().T + head.bias.double()
        belief = logits.log_softmax(1)[0]
        for k in range(len(belief)):
            gradients = torch.autograd.grad(belief[k], [network[0].weight, network[3].weight], retain_graph=True)
            for number, gradient in enumerate(gradients):
                total[number] = total[number] + belief[k].exp().item() * gradient.square().mean((1, 2, 3))
    return torch.cat(total).numpy() / len(inputs)


def test_equals_brute_force(tiny):
    task = task_of(*stripes())
    ours = task2vec(task, tiny, examples=60)
    expected = brute_force(task, tiny)
    np.testing.assert_allclose(ours.vector, expected, rtol=2e-3, atol=1e-6 * expected.max())
    assert ours.offsets == (("0", 0), ("3", 5))
    assert ours.layer("3") == slice(5, 11)
    assert (ours.examples, ours.probe, ours.task) == (60, "tiny", task.fingerprint)


def test_equal_calls_give_equal_bits_and_the_probe_stays(tiny):
    task = task_of(*stripes())
    before = copy.deepcopy(tiny.template.state_dict())
    done = []
    first = task2vec(task, tiny, examples=50, seed=3, progress=lambda now, total: done.append((now, total)))
    second = task2vec(task, tiny, examples=50, seed=3)
    assert np.array_equal(first.vector, second.vector)
    assert np.array_equal(first.standard_error, second.standard_error)
    assert done[-1] == (50, 50)
    assert all(torch.equal(before[name], tensor) for name, tensor in tiny.template.state_dict().items())
    assert not any(parameter.grad is not None for parameter in tiny.template.parameters())


def test_standard_error_is_the_scatter_of_independent_samples(tiny):
    task = task_of(*stripes(3000))
    halves = [task_of(*stripes(300, seed=seed)) for seed in range(1, 13)]
    one = task2vec(task, tiny, examples=300)
    spread = np.std([task2vec(half, tiny, examples=300).vector for half in halves], axis=0, ddof=1)
    ratio = np.median(spread[one.vector > 0] / one.standard_error[one.vector > 0])
    assert 0.5 < ratio < 4  # the refitted head adds to the scatter of the examples


def test_sorted_and_rare_classes_are_kept():
    labels = np.repeat(np.arange(4), [500, 300, 199, 1])
    split = Split(np.zeros((1000, 2, 2, 1), np.uint8), labels)
    rows = spread_rows(split, 100, seed=0)
    assert len(set(rows.tolist())) == 100
    assert np.abs(np.bincount(labels[rows]) - [50, 30, 20, 1]).max() <= 1
    assert np.bincount(labels[rows])[3] == 1
    assert np.array_equal(rows, spread_rows(split, 100, seed=0))
    assert 20 < len(set(rows.tolist()) - set(spread_rows(split, 100, seed=1).tolist())) < 100, "another seed, others"
    assert len(spread_rows(split, 5000, seed=0)) == 1000


def test_last_layers_equal_those_of_all(tiny):
    task = task_of(*stripes())
    every, last = task2vec(task, tiny), task2vec(task, tiny, layers="last")
    assert last.offsets == (("3", 0),)
    np.testing.assert_allclose(last.vector, every.vector[5:], rtol=1e-5)
    with pytest.raises(ConfigurationError, match="embeddings of different probes or layers"):
        distance(every, last)


def test_a_task_with_nothing_to_tell_is_zero_and_not_nan(tiny):
    images, labels = stripes()
    nothing = task2vec(task_of(images, 0 * labels), tiny)
    assert not nothing.vector.any()
    assert not nothing.standard_error.any()
    assert distance(nothing, nothing) == 0.0
    flat = task2vec(task_of(np.full_like(images, 9), labels), tiny)  # all images alike
    assert np.isfinite(flat.vector).all()


def test_dense_tasks_and_many_classes(tiny):
    images, labels = stripes(80)
    same = task2vec(task_of(images, images), tiny, examples=80)
    flipped = task2vec(task_of(images, images[:, :, ::-1]), tiny, examples=80)
    assert same.vector.min() >= 0
    assert same.vector.max() > 0
    assert distance(same, flipped) > 0
    grey = task2vec(task_of(images[..., :1], images[..., :1]), tiny, examples=80)
    assert grey.vector.shape == same.vector.shape
    many = task2vec(task_of(images, np.arange(80) % 16, classes=16), tiny)
    assert many.vector.max() > 0
    assert labels.max() == 2


def test_misuse_is_told(tiny):
    images, labels = stripes(10)
    with pytest.raises(ConfigurationError, match="at least 2 examples for a standard error; got 1"):
        task2vec(task_of(images, labels), tiny, examples=1)
    with pytest.raises(ConfigurationError, match="layers must be 'all' or 'last'; got 'some'"):
        task2vec(task_of(images, labels), tiny, layers="some")
    with pytest.raises(UnsupportedError, match="these have 2 channels"):
        task2vec(task_of(images[..., :2], labels), tiny)
    broken = Probe("broken", copy.deepcopy(tiny.template), 12, tiny.mean, tiny.std)
    broken.template[3].weight.data.fill_(float("nan"))
    with pytest.raises(MeasurementError, match="task 'made': the probe's features are not finite"):
        task2vec(task_of(images, labels), broken)


def images_of(name, rows, classes=None):
    with np.load(shared(f"images/{name}.npz")) as file:
        images, labels = file["x_train"], file["y_train"].astype(np.int64)
    images = images if images.ndim == 4 else images[..., None]
    return task_of(images[rows], labels[rows], classes=int(labels.max()) + 1, name=name)


def test_related_real_tasks_are_nearer_than_unrelated_ones():
    probe = open_probe("embedded")
    names = ("cifar10", "mnist", "fashion_mnist")
    pairs = {name: [images_of(name, slice(start, start + 200)) for start in (0, 200)] for name in names}
    vectors = {name: [task2vec(task, probe, examples=200) for task in pair] for name, pair in pairs.items()}
    within = [distance(*vectors[name]) for name in names]
    between = [distance(vectors[a][0], vectors[b][1]) for a in names for b in names if a != b]
    assert max(within) < min(between)
    signs = task2vec(images_of("gtsrb", slice(0, 200)), probe, examples=200)
    assert distance(vectors["cifar10"][0], signs) < distance(vectors["mnist"][0], signs)  # colour photographs both
    assert asymmetric_distance(vectors["cifar10"][0], signs) < distance(vectors["cifar10"][0], signs)


def test_disjoint_halves_agree():
    probe = open_probe("embedded")
    one, two = [task2vec(images_of("mnist", slice(start, start + 300)), probe) for start in (0, 300)]
    assert one.examples == 300
    cosine = one.vector @ two.vector / np.linalg.norm(one.vector) / np.linalg.norm(two.vector)
    assert cosine > 0.94  # 0.99 with 1000 examples each
    assert distance(one, two) < 0.05
    assert np.median(one.standard_error[one.vector > 0] / one.vector[one.vector > 0]) < 0.1
