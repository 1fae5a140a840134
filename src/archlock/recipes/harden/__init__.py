"""Verb: train a model on against adversaries, and sparse."""
