"""Training: fit one model on one task, or many networks at once, and evaluate them. Takes any ``nn.Module``."""

from archlock.training.batches import Batch, batch_of, batches, looked_at
from archlock.training.best_layer import at_best_layer, ridge_score
from archlock.training.closed_heads import ridge_heads, whitened_heads
from archlock.training.compaction.choosing import COSTS, Choice, Cost, Goal, Gone, lowest
from archlock.training.compaction.gradual import Periods
from archlock.training.compaction.methods import COMPACTORS, Compactor
from archlock.training.compaction.removing import Point, Removed, removed_at_once, removed_gradually, scores_at_rest
from archlock.training.compaction.saliencies import SALIENCIES, Saliency
from archlock.training.descended_head import descended_head
from archlock.training.distil import distil
from archlock.training.evaluate import evaluate, evaluate_copy, evaluate_stack, only_answer
from archlock.training.fit import Trained, fit
from archlock.training.harden import harden
from archlock.training.hardening import Hardened, Hardening, Immunising, check_sparsity
from archlock.training.hardening_state import robust_accuracy
from archlock.training.immunisation import Spectrum, best_immunisation, immunity, spectrum
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
from archlock.training.nontransferable import NONTRANSFERABLE
from archlock.training.nontransferable.method import NontransferableTraining
from archlock.training.nontransferable.rounds import Nontransferable, check_restricted, train_nontransferable
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
from archlock.training.recalibrating import recalibrated
from archlock.training.sparsity import check_possible, prunable

__all__ = [
    "AUGMENTATIONS",
    "COMPACTORS",
    "COSTS",
    "LEARNING",
    "NONTRANSFERABLE",
    "SALIENCIES",
    "STRENGTHS",
    "Augmentation",
    "Batch",
    "Choice",
    "Compactor",
    "Cost",
    "Diverged",
    "FisherHead",
    "FrozenFeatures",
    "Goal",
    "Gone",
    "Halving",
    "Hardened",
    "Hardening",
    "HeadMaker",
    "Immunising",
    "Learning",
    "Nontransferable",
    "NontransferableTraining",
    "Optimiser",
    "Periods",
    "Plan",
    "Point",
    "Precision",
    "Probed",
    "Removed",
    "Saliency",
    "Spectrum",
    "Trained",
    "at_best_layer",
    "batch_of",
    "batches",
    "best_immunisation",
    "check_possible",
    "check_restricted",
    "check_sparsity",
    "default_stack",
    "descended_head",
    "distil",
    "evaluate",
    "evaluate_copy",
    "evaluate_stack",
    "fit",
    "fit_many",
    "for_photographs",
    "frozen_features",
    "harden",
    "immunity",
    "linear_probe",
    "logistic_heads",
    "looked_at",
    "loss_of",
    "lowest",
    "only_answer",
    "precision_on",
    "prunable",
    "recalibrated",
    "removed_at_once",
    "removed_gradually",
    "ridge_heads",
    "ridge_score",
    "robust_accuracy",
    "scores_at_rest",
    "sized_for",
    "spectrum",
    "train_nontransferable",
    "whitened_heads",
]
