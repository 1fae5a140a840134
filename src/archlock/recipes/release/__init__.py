"""Verb: release a trained model in another form."""
