"""Training: fit one model on one task, and evaluate it. Takes any ``nn.Module``."""

from archlock.training.batches import Batch, batch_of, batches, loss_of
from archlock.training.evaluate import evaluate
from archlock.training.fit import Trained, fit
from archlock.training.linear_probe import STRENGTHS, Probed, linear_probe
from archlock.training.plan import Plan, Precision

__all__ = [
    "STRENGTHS",
    "Batch",
    "Plan",
    "Precision",
    "Probed",
    "Trained",
    "batch_of",
    "batches",
    "evaluate",
    "fit",
    "linear_probe",
    "loss_of",
]
