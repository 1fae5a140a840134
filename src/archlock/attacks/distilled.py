"""Distilled: what the model knows is moved into an ordinary network, so that its architecture no longer matters.

First a residual network of about as many parameters learns to answer the target's training images as the model does
(Hinton et al. 2015; the model is used as it was given, no label is looked at), then it gets a new head and trains on
the labels. Half of the plan's epochs go to each part: the student costs about as much a step as the model, so the whole
costs about what fine-tuning does, and a gain comes from what the teacher knows and not from a longer training.
"""

from dataclasses import replace

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Adapted, Trial
from archlock.models import as_classifier, count_flops, count_parameters, linear_head, ordinary, with_new_head
from archlock.tasks import OF_IMAGES, Task, check_images
from archlock.training import Plan, distil, fit


class Distilled(Attack):
    """Model -> ordinary network -> target. Dense targets, and heads that are no ``nn.Linear``, are unsupported.

    An odd number of epochs gives the extra one to the distillation; a plan of one epoch gives one to each part.
    """

    name = "distilled"
    version = "2"
    summary = "distils the model into an ordinary network of its size, then trains that with a new head"
    kinds = OF_IMAGES
    settings = (0.2, 0.05)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """A new student; distillations and trainings on the labels, both at the setting's learning rate."""
        student = student_for(model, task, seed=seed)

        def trial(rate: float, plan: Plan) -> Adapted:
            return _taught(student, model, task, plan.with_rate(rate), seed=seed, device=device)

        return trial


def _taught(student: nn.Module, model: nn.Module, task: Task, plan: Plan, *, seed: int, device: str) -> Adapted:
    """The student after half of the epochs with the model as teacher and half with the labels."""
    after = max(1, plan.epochs // 2)
    before = max(1, plan.epochs - after)
    taught = distil(student, model, task, replace(plan, epochs=before), seed=seed, device=device)
    fresh = with_new_head(taught, task.signature, seed=seed)
    trained = fit(fresh, task, replace(plan, epochs=after), seed=seed, device=device)
    steps = trained.steps // after * (before + after)  # both parts see as many batches in an epoch
    untaught = (task.chance,) * before if plan.watch else ()  # without a head for the task
    flops = None
    if trained.flops is not None:
        asked = before * len(task.train) * count_flops(model, task.shape)
        flops = round(trained.flops / after * (before + after)) + asked
    return Adapted(trained.model, trained.validation, untaught + trained.curve, steps, flops)


def student_for(model: nn.Module, task: Task, *, seed: int) -> nn.Module:
    """An ordinary network of the model's size for the images of ``task``, with as many outputs as the model has."""
    check_images(task, "a model is distilled by its logits, which an image has and no pixel")
    outputs = linear_head(as_classifier(model, task.shape)).out_features
    signature = replace(task.signature, outputs=outputs)
    return ordinary(signature, parameters=count_parameters(model), seed=seed)
