"""Training: fit one model on one task, and evaluate it. Takes any ``nn.Module``."""

from archlock.training.batches import Batch, batch_of, batches, loss_of

__all__ = ["Batch", "batch_of", "batches", "loss_of"]
