"""Distillation: a student learns to answer as a teacher does (Hinton, Vinyals and Dean 2015, section 2).

The loss is the divergence of the softened answers, T^2 KL(softmax(teacher / T) || softmax(student / T)). Deviation: the
second term of the paper, cross entropy with the right labels, is left out, for teacher and images may be of different
tasks. Teacher and student see the same shifted and mirrored images (Beyer et al. 2022).
"""

import copy
import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training.augmentation import augmented
from archlock.training.batches import batch_of
from archlock.training.descent import channels_last, descend, divergence, optimiser_for, set_rate, steps_per_epoch
from archlock.training.fit import drawing
from archlock.training.plan import Plan


def distil(
    student: nn.Module,
    teacher: nn.Module,
    task: Task,
    plan: Plan,
    *,
    temperature: float = 4.0,
    seed: int,
    device: str = "cpu",
) -> nn.Module:
    """A copy of ``student``, in evaluation mode, taught on the training images of ``task``; no label is looked at.

    Both models answer N x outputs; the teacher is used in evaluation mode and, like the student, left as it was. The
    plan's ``patience`` and ``label_smoothing`` do not apply. A loss that is not finite raises
    :class:`~archlock.errors.MeasurementError`.
    """
    if not 0 < temperature < math.inf:
        raise ConfigurationError(f"distillation needs a temperature > 0; got {temperature}")
    pupil = channels_last(copy.deepcopy(student).to(device)).requires_grad_(True)
    master = channels_last(copy.deepcopy(teacher).to(device)).requires_grad_(False).eval()
    optimiser, examples = optimiser_for(pupil.parameters(), plan), len(task.train)
    for epoch in range(plan.epochs):
        epoch_seed, total = derive_seed(seed, "distil", epoch), 0.0
        pupil.train()
        with drawing(epoch_seed, device):
            for step, split in enumerate(
                augmented(task.train, plan, epoch_seed), epoch * steps_per_epoch(plan, examples)
            ):
                set_rate(optimiser, plan, step=step, examples=examples)
                images = batch_of(split).to(device).images
                with torch.autocast(images.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
                    wanted, answers = master(images), pupil(images)
                loss = softened_divergence(answers.float(), wanted.float(), temperature)
                descend(optimiser, loss, plan)
                total += float(loss.detach())
        if not math.isfinite(total):
            raise MeasurementError(divergence(task.name, plan, epoch + 1))
    return pupil.eval()


def softened_divergence(
    answers: Float[Tensor, "n outputs"], wanted: Float[Tensor, "n outputs"], temperature: float
) -> Float[Tensor, ""]:
    """T^2 times the mean over examples of KL(softmax(wanted / T) || softmax(answers / T)), a scalar."""
    found, expected = (F.log_softmax(logits / temperature, 1) for logits in (answers, wanted))
    return temperature**2 * F.kl_div(found, expected, reduction="batchmean", log_target=True)
