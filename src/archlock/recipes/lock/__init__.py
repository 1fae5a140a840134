"""From a source task to a locked, trained, attacked model and its report."""
