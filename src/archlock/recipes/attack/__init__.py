"""Attackers let loose on any trained model."""
