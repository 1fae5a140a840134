"""What of a trained model can be removed, and how much hangs on it; and the model without it, on disk."""
