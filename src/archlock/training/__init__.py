"""Training: fit one model on one task, or many networks at once, and evaluate them. Takes any ``nn.Module``."""

from archlock.training.batches import Batch, batch_of, batches, looked_at
from archlock.training.best_layer import at_best_layer, ridge_score
from archlock.training.closed_heads import ridge_heads, whitened_heads
from archlock.training.distil import distil
from archlock.training.evaluate import evaluate, evaluate_copy, evaluate_stack, only_answer
from archlock.training.fit import Trained, fit
from archlock.training.kinds import LEARNING
from archlock.training.kinds.learning import FisherHead, Learning
from archlock.training.kinds.reading import HeadMaker
from archlock.training.linear_probe import (
    STRENGTHS,
    FrozenFeatures,
    Probed,
    frozen_features,
    linear_probe,
    logistic_heads,
)
from archlock.training.losses import loss_of
from archlock.training.many import Halving, default_stack, fit_many
from archlock.training.many_state import Diverged
from archlock.training.plan import (
    AUGMENTATIONS,
    Augmentation,
    Optimiser,
    Plan,
    Precision,
    for_photographs,
    precision_on,
    sized_for,
)

__all__ = [
    "AUGMENTATIONS",
    "LEARNING",
    "STRENGTHS",
    "Augmentation",
    "Batch",
    "Diverged",
    "FisherHead",
    "FrozenFeatures",
    "Halving",
    "HeadMaker",
    "Learning",
    "Optimiser",
    "Plan",
    "Precision",
    "Probed",
    "Trained",
    "at_best_layer",
    "batch_of",
    "batches",
    "default_stack",
    "distil",
    "evaluate",
    "evaluate_copy",
    "evaluate_stack",
    "fit",
    "fit_many",
    "for_photographs",
    "frozen_features",
    "linear_probe",
    "logistic_heads",
    "looked_at",
    "loss_of",
    "only_answer",
    "precision_on",
    "ridge_heads",
    "ridge_score",
    "sized_for",
    "whitened_heads",
]
