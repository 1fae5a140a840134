"""Make a trained model smaller by a share: structured pruning while training, measured, and on disk."""
