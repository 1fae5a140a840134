"""Our adversaries against those of two toolboxes (``art`` and ``torchattacks``), where they are installed.

They are no dependencies: ``pip install --no-deps adversarial-robustness-toolbox torchattacks six``, in an environment
of their own. What is compared is the worst case of each image: a toolbox is let loose on the images that our
adversaries leave, so that what it beats of them is exactly what ours miss, and nothing that only ours beat makes up
for it.
"""

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from archlock.adversaries import ADVERSARIES, Effort, first_beaten
from archlock.models import build
from archlock.spaces import SPACES
from archlock.tasks import conform, open_task
from archlock.testing.adversaries import trained_network
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, batch_of, fit
from shared_data import shared
from shared_networks import ResNet, resnet20

POINT = 0.01
IMAGES = 200


def digits() -> tuple[nn.Module, Tensor, Tensor]:
    batch = batch_of(small_digits(train=300, validation=20, test=IMAGES).test)
    return trained_network(), batch.images, batch.targets


def cifar(model: nn.Module) -> tuple[nn.Module, Tensor, Tensor]:
    batch = batch_of(open_task(str(shared("images/cifar10_full.npz"))).test.take(np.arange(IMAGES)))
    return model, batch.images, batch.targets


def cell() -> tuple[nn.Module, Tensor, Tensor]:
    """A cell of NAS-Bench-201, trained here on photographs of 16 x 16."""
    task = conform(open_task(str(shared("images/cifar10.npz"))), (3, 16, 16))
    model = build(SPACES["nasbench201"].architecture("334332"), task.signature, width=8, depth=1, seed=0)
    plan = Plan(8, learning_rate=0.1, shift=0.125, flip=True)
    batch = batch_of(task.test.take(np.arange(IMAGES)))
    return fit(model, task, plan, seed=0).model.eval(), batch.images, batch.targets


def resnet56() -> nn.Module:
    model = ResNet(9)
    state = {name: value.float() for name, value in load_file(shared("weights/resnet56_cifar10.safetensors")).items()}
    model.load_state_dict(state, strict=False)
    return model.eval()


MODELS = {
    "digits": (digits, 0.1),
    "cell": (cell, 1 / 255),
    "resnet20": (lambda: cifar(resnet20()), 1 / 255),
    "resnet56": (lambda: cifar(resnet56()), 1 / 255),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("toolbox", ["art", "torchattacks"])
@pytest.mark.parametrize("name", MODELS)
def test_the_toolbox_beats_hardly_any_image_that_ours_leave(name: str, toolbox: str) -> None:
    pytest.importorskip(toolbox)
    make, epsilon = MODELS[name]
    model, images, labels = make()
    model.requires_grad_(False)
    found = [
        first_beaten(one, model, images, labels, (epsilon,), effort=Effort(), seeds=range(IMAGES))
        for one in ADVERSARIES.values()
    ]
    left = np.flatnonzero(np.min(found, axis=0) > 1)
    assert 0 < len(left) < 0.8 * IMAGES, "an epsilon at which there is something to compare"
    autoattack = of_the_toolbox if toolbox == "art" else of_torchattacks
    perturbed = autoattack(model, images[left], labels[left], epsilon)
    assert float((perturbed - images[left]).abs().max()) <= epsilon + 1e-5
    beaten = int((model(perturbed).argmax(1) != labels[left]).sum())
    assert beaten <= POINT * IMAGES, f"the toolbox beats {beaten} of {len(left)} images that are left"


def of_the_toolbox(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Its four, with five beginnings each of auto-PGD on both losses."""
    from art.attacks.evasion import AutoAttack, AutoProjectedGradientDescent, DeepFool, SquareAttack
    from art.estimators.classification import PyTorchClassifier

    classifier = PyTorchClassifier(
        model=model,
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(images.shape[1:]),
        nb_classes=10,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    both: Any = {"norm": np.inf, "eps": epsilon, "batch_size": 64, "verbose": False}
    climbs = {"eps_step": 2 * epsilon, "max_iter": 100, "nb_random_init": 5}
    attacks = [
        AutoProjectedGradientDescent(classifier, loss_type=loss, **climbs, **both)
        for loss in ("cross_entropy", "difference_logits_ratio")
    ]
    attacks.append(DeepFool(classifier, max_iter=100, epsilon=1e-3, nb_grads=10, batch_size=64, verbose=False))
    attacks.append(SquareAttack(classifier, max_iter=1000, p_init=0.8, nb_restarts=1, **both))
    whole = AutoAttack(classifier, norm=np.inf, eps=epsilon, eps_step=2 * epsilon, attacks=attacks, batch_size=64)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  (what the toolbox draws from)
    return torch.from_numpy(whole.generate(images.numpy(), labels.numpy()))


def of_torchattacks(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Its standard four: auto-PGD on the cross entropy, targeted auto-PGD, FAB (channels first) and Square."""
    from torchattacks import AutoAttack

    classes = model(images[:1]).shape[1]
    perturbed: Tensor = AutoAttack(model, eps=epsilon, n_classes=classes, seed=0)(images.contiguous(), labels)
    return perturbed.detach()
